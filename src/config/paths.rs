//! Paths in the file: absolute, or taken from the folder that the file is in. Taken from wherever a command is typed, a store of its own
//! would be made in every folder.

use std::path::{Path, PathBuf};

use super::Config;
use super::rules::BrokenRule;

impl Config {
    /// Has every path begin at the root of the file system. `file` is the configuration's own.
    ///
    /// # Errors
    /// With the first path that only a shell understands.
    pub(super) fn place_beside(&mut self, file: &Path) -> Result<(), BrokenRule> {
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        for (key, path) in self.paths() {
            if path.starts_with("~") {
                return Err(BrokenRule {
                    key,
                    message: format!("`{}` begins with `~`, which only a shell understands", path.display()),
                    hint: "write the whole path, from / on".into(),
                });
            }
            *path = folder.join(&*path);
        }
        Ok(())
    }

    fn paths(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        let tls = &mut self.tls;
        let optional = [
            ("site.templates", &mut self.site.templates),
            ("tls.certificate", &mut tls.certificate),
            ("tls.private_key", &mut tls.private_key),
            ("tls.acme.ca_file", &mut tls.acme.ca_file),
            ("store.key_file", &mut self.store.key_file),
            ("backup.directory", &mut self.backup.directory),
            ("mail.smtp.password_file", &mut self.mail.smtp.password_file),
            ("mail.smtp.ca_file", &mut self.mail.smtp.ca_file),
            ("sms.credentials_file", &mut self.sms.credentials_file),
            ("sms.ca_file", &mut self.sms.ca_file),
        ];
        let hooks = self
            .webhooks
            .values_mut()
            .flat_map(|hook| [("webhooks", &mut hook.secret_file), ("webhooks", &mut hook.ca_file)]);
        let named = optional.into_iter().chain(hooks);
        let mut all: Vec<_> = named.filter_map(|(key, path)| path.as_mut().map(|path| (key, path))).collect();
        all.push(("store.path", &mut self.store.path));
        all.push(("listen.control", &mut self.listen.control));
        all.push(("mail.directory", &mut self.mail.directory));
        all
    }
}

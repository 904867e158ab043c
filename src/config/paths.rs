//! Paths in the file: absolute, or taken from the folder that the file is in. Taken from wherever a command is typed, a store of its own
//! would be made in every folder.

use std::path::{Path, PathBuf};

use super::Config;
use super::rules::BrokenRule;

const FROM_ROOT: &str = "write the whole path, from / on";

impl Config {
    /// Has every path begin at the root of the file system. `file` is the configuration's own. What comes back are those that only a
    /// shell understands.
    pub(super) fn place_beside(&mut self, file: &Path) -> Vec<BrokenRule> {
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        let mut broken = Vec::new();
        for (key, path) in self.paths() {
            let (written, start) = (path.display().to_string(), path.components().next());
            let wrong = match start {
                None => Some((format!("`{key}` is empty"), "write the whole path, from / on, or leave the key out")),
                Some(_) if path.starts_with("~") || written.starts_with('~') => {
                    Some((format!("`{written}` begins with `~`, which only a shell understands"), FROM_ROOT))
                }
                Some(_) if written.starts_with('$') => {
                    Some((format!("`{written}` begins with `$`, which only a shell understands"), FROM_ROOT))
                }
                Some(_) if written.starts_with("file:") => {
                    Some((format!("`{written}` is a URL, and should be a path"), FROM_ROOT))
                }
                Some(_) => None,
            };
            match wrong {
                Some((message, hint)) => broken.push(BrokenRule { key, message, hint: hint.into() }),
                None => *path = folder.join(&*path),
            }
        }
        broken
    }

    fn paths(&mut self) -> Vec<(String, &mut PathBuf)> {
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
        let needed = [
            ("store.path", &mut self.store.path),
            ("listen.control", &mut self.listen.control),
            ("mail.directory", &mut self.mail.directory),
        ];
        let hooks = self.webhooks.iter_mut().flat_map(|(name, hook)| {
            let key = |key: &str| format!("webhooks.{name}.{key}");
            [(key("secret_file"), &mut hook.secret_file), (key("ca_file"), &mut hook.ca_file)]
        });
        let named = optional.into_iter().map(|(key, path)| (key.to_owned(), path)).chain(hooks);
        let set = named.filter_map(|(key, path)| path.as_mut().map(|path| (key, path)));
        set.chain(needed.map(|(key, path)| (key.to_owned(), path))).collect()
    }
}

//! Paths in the file: absolute, or relative to the folder that the file is in. Relative to wherever a command is
//! typed, every folder would get a store of its own.

use std::path::{Path, PathBuf};

use crate::base::is_hidden;

use super::Config;
use super::rules::BrokenRule;

const FROM_ROOT: &str = "write the whole path, from / on";

impl Config {
    /// Makes every path absolute. `file` is the configuration's own. Returns those that cannot be meant: a
    /// shell or systemd would have to expand them first.
    pub(super) fn place_beside(&mut self, file: &Path) -> Vec<BrokenRule> {
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        let mut broken = Vec::new();
        for (key, path) in self.paths() {
            match trouble_with(&key, path, &absolute) {
                Some((message, hint)) => broken.push(BrokenRule { key, message, hint }),
                None => *path = folder.join(&*path),
            }
        }
        broken
    }

    fn paths(&mut self) -> Vec<(String, &mut PathBuf)> {
        let tls = &mut self.tls;
        let optional = [
            ("site.templates", &mut self.site.templates),
            ("site.texts", &mut self.site.texts),
            ("site.logo", &mut self.site.logo),
            ("site.icon", &mut self.site.icon),
            ("site.static", &mut self.site.static_files),
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

/// Settings that name a folder, whose path may end with a slash.
const FOLDERS: [&str; 5] = ["site.templates", "site.texts", "site.static", "backup.directory", "mail.directory"];

/// Returns why a path cannot be meant as it is written, and what to write instead. `file` is the configuration itself.
fn trouble_with(key: &str, path: &Path, file: &Path) -> Option<(String, String)> {
    let written = path.display().to_string();
    let whole = || FROM_ROOT.to_owned();
    if written.is_empty() {
        return Some((format!("`{key}` is empty"), "write the whole path, from / on, or leave the key out".into()));
    }
    let bare = written.trim();
    if bare.len() < written.len() {
        return Some((format!("`{written}` has blanks around it"), format!("write {bare:?}")));
    }
    if let Some(c) = written.chars().find(|c| is_hidden(*c)) {
        return Some((format!("the path holds an invisible U+{:04X}", u32::from(c)), "delete it".into()));
    }
    if written.starts_with('~') {
        return Some((format!("`{written}` begins with `~`, which only a shell understands"), whole()));
    }
    if written.starts_with("file:") {
        return Some((format!("`{written}` is a URL, and should be a path"), whole()));
    }
    for part in written.split('/') {
        let is_name = |c: char| c.is_ascii_alphabetic() || "_{(".contains(c);
        if part.strip_prefix('$').is_some_and(|rest| rest.starts_with(is_name)) {
            let how = if written.starts_with('$') { "begins with `$`" } else { "holds a `$`" };
            return Some((format!("`{written}` {how}, which only a shell understands"), whole()));
        }
        if part.strip_prefix('%').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic())) {
            let how = if written.starts_with('%') { "begins with `%`" } else { "holds a `%`" };
            return Some((format!("`{written}` {how}, which only systemd understands, in its units"), whole()));
        }
    }
    if written.ends_with('/') && !FOLDERS.contains(&key) {
        let message = format!("`{written}` ends with `/` as a folder does, and should be a file");
        return Some((message, format!("write the file's name behind it, or no `/` at the end of `{key}`")));
    }
    let folder = file.parent().unwrap_or(Path::new("/"));
    if folder.join(path) == file {
        return Some((format!("`{written}` is this configuration itself"), format!("give `{key}` a path of its own")));
    }
    None
}

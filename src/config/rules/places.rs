//! Rules about paths: every file that the program writes has a path of its own.

use std::path::{Path, PathBuf};

use crate::config::Config;

use super::verdict::Verdict;

/// Compares every file that is written as a whole with every path that is named: one would replace the other.
pub(super) fn places(config: &Config, verdict: &mut Verdict) {
    let own = [
        ("store.path", Some(config.store.path.clone())),
        ("store.key_file", Some(config.sealing_key_path())),
        ("listen.control", Some(config.listen.control.clone())),
    ];
    let others = [
        ("mail.directory", Some(config.mail.directory.clone())),
        ("backup.directory", config.backup.directory.clone()),
        ("tls.certificate", config.tls.certificate.clone()),
        ("tls.private_key", config.tls.private_key.clone()),
        ("mail.smtp.password_file", config.mail.smtp.password_file.clone()),
        ("sms.credentials_file", config.sms.credentials_file.clone()),
    ];
    let hooks = config.webhooks.iter().map(|(name, hook)| (format!("webhooks.{name}.secret_file"), &hook.secret_file));
    let mut written: Vec<(String, PathBuf)> = Vec::new();
    let own_count = own.len();
    let set = own.into_iter().chain(others).map(|(key, path)| (key.to_owned(), path));
    for (at, (key, path)) in set.chain(hooks.map(|(key, path)| (key, path.clone()))).enumerate() {
        let Some(path) = path else { continue };
        if let Some((other, _)) = written.iter().find(|(_, other)| is_same(other, &path)) {
            let message = format!("{} is the path of `{other}` as well", path.display());
            verdict.require(false, &key, message, format!("give `{key}` a path of its own"));
        }
        // Of those that are only read two may be one: a certificate with its key, say.
        if at < own_count {
            written.push((key, path));
        }
    }
}

/// Compares without asking the disk: `a//b` and `a/./b` are `a/b`.
fn is_same(one: &Path, other: &Path) -> bool {
    one.components().eq(other.components())
}

//! Folders that are written to: there, or made when they are needed.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, access};

use crate::config::MailTransport;

use super::Look;

/// What can be said of a place to write to.
enum Place {
    /// This user writes there.
    Good,
    /// Only this user cannot write there.
    Forbidden,
    /// Nobody can.
    Impossible(String),
}

impl Look<'_> {
    pub(super) fn folders(&mut self) {
        let config = self.config;
        let beside = |path: &Path| path.parent().unwrap_or(Path::new("/")).to_owned();
        let mut named = vec![
            ("store.path", beside(&config.store.path), true),
            ("listen.control", beside(&config.listen.control), true),
        ];
        if config.mail.transport == MailTransport::File {
            named.push(("mail.directory", config.mail.directory.clone(), false));
        }
        named.extend(config.backup.directory.clone().map(|folder| ("backup.directory", folder, false)));
        if config.store.path.is_dir() && self.is_clear(&["store.path"]) {
            let message = format!("{}: is a folder, and should be a file in one", config.store.path.display());
            let hint = format!("write \"{}\"", config.store.path.join("gatelodge.redb").display());
            self.draft.blame("store.path", message, Some(hint));
        }
        for (key, folder, is_needed) in named {
            if self.is_clear(&[key]) {
                self.folder(key, &folder, is_needed);
            }
        }
    }

    fn folder(&mut self, key: &str, folder: &Path, is_needed: bool) {
        let there = folder.ancestors().find(|part| part.symlink_metadata().is_ok()).unwrap_or(Path::new("/"));
        let owner = there.metadata().map(|found| (found.uid(), found.mode() & 0o777));
        let whose = match owner {
            Ok((uid, mode)) => format!("of user {uid}, mode {mode:o}"),
            Err(_) => "of an unknown user".into(),
        };
        let state = if there == folder { "is there" } else { "is made when it is needed" };
        self.seen.folders.push(format!("{key}: {} {state}; {} is {whose}", folder.display(), there.display()));
        match judge(there) {
            Place::Good => {}
            Place::Impossible(reason) => {
                let hint = format!("write another place for `{key}`, or make the folder {}", folder.display());
                self.draft.blame(key, format!("{}: {reason}", there.display()), Some(hint));
            }
            // Those who serve say so themselves where they need it.
            Place::Forbidden if self.eyes.are_a_guests() => self.seen.unseen.push(format!(
                "{key}: whether the service can write to {}: this user cannot, and it is {whose}",
                there.display()
            )),
            Place::Forbidden if !is_needed => self.seen.doubts.push(format!(
                "{key}: this user cannot write to {}, which is {whose}; chown it to the service's user",
                there.display()
            )),
            Place::Forbidden => {}
        }
    }
}

fn judge(there: &Path) -> Place {
    if !there.is_dir() {
        let is_link = there.is_symlink() && !there.exists();
        return Place::Impossible(
            if is_link { "is a link that leads nowhere" } else { "is a file, and should be a folder" }.into(),
        );
    }
    match access(there, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Place::Good,
        Err(_) => Place::Forbidden,
    }
}

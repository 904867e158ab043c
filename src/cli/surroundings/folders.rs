//! Folders that are written to: they exist, or are created when needed.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;
use rustix::process::getuid;

use crate::config::MailTransport;
use crate::control::MAX_PATH_BYTES;

use super::Look;

/// The file systems by which the kernel shows itself: what is written there is not kept.
const SHOWN_BY_THE_SYSTEM: [&str; 2] = ["/proc", "/sys"];

/// The state of a place to write to.
enum Place {
    /// This user can write there.
    Good,
    /// This user cannot write there, but another may.
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
        self.store();
        self.socket();
        for (key, folder, is_needed) in named {
            if self.is_clear(&[key]) {
                self.folder(key, &folder, is_needed);
            }
        }
    }

    /// Checks what is at the store's path.
    fn store(&mut self) {
        let path = &self.config.store.path;
        if !self.is_clear(&["store.path"]) {
            return;
        }
        let (said, hint) = match path.metadata() {
            Ok(found) if found.is_dir() => (
                "is a folder, and should be a file in one",
                format!("write \"{}\"", path.join("gatelodge.redb").display()),
            ),
            Ok(found) if !found.is_file() => {
                ("is no file, and stays as it is", "write another path in [store]".to_owned())
            }
            _ => return,
        };
        self.draft.blame("store.path", format!("{}: {said}", path.display()), Some(hint));
    }

    /// Checks what is at the control socket's path, in the words in which the start would refuse it.
    fn socket(&mut self) {
        let path = &self.config.listen.control;
        if !self.is_clear(&["listen.control"]) {
            return;
        }
        let (said, hint) = if path.as_os_str().len() > MAX_PATH_BYTES {
            (format!("the path of a socket may have {MAX_PATH_BYTES} bytes"), "set a shorter one in listen.control")
        } else if path.symlink_metadata().is_ok_and(|found| !found.file_type().is_socket()) {
            ("is there and is no socket; it was left as it is".to_owned(), "set listen.control to a path of its own")
        } else {
            return;
        };
        self.draft.blame("listen.control", format!("{}: {said}", path.display()), Some(hint.into()));
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
            // A process that serves reports it itself where it needs the folder.
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

/// Says why this user cannot write into a folder, or make it, and what to do. Whoever mounts a folder into a container
/// knows the user inside by number alone.
pub(crate) fn why_not_writable(folder: &Path) -> Option<String> {
    let there = folder.ancestors().find(|part| part.is_dir())?;
    let refused = access(there, Access::WRITE_OK | Access::EXEC_OK).err()?;
    let shown = there.display();
    if refused == Errno::ROFS {
        return Some(format!("{shown} is read-only; in a container, mount a volume at {}", folder.display()));
    }
    let (owner, user) = (there.metadata().ok()?.uid(), getuid().as_raw());
    Some(format!(
        "{shown} belongs to user {owner}, and this is user {user}: chown {user} {shown}; what a container mounts, on the host"
    ))
}

fn judge(there: &Path) -> Place {
    if !there.is_dir() {
        let is_link = there.is_symlink() && !there.exists();
        return Place::Impossible(
            if is_link { "is a link that leads nowhere" } else { "is a file, and should be a folder" }.into(),
        );
    }
    if SHOWN_BY_THE_SYSTEM.iter().any(|shown| there.starts_with(shown)) {
        return Place::Impossible("is the system's own, and nothing can be kept there".into());
    }
    match access(there, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Place::Good,
        Err(_) => Place::Forbidden,
    }
}

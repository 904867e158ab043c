//! The file beside the store that says who has it open, and that there should be one.
//!
//! redb locks its own file too, but that lock belongs to the inode: it would not stop a
//! program that renames another file into its place.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::store::OpenError;
use crate::store::beside::lock_path;

/// The lock on a store, held as long as it is open; the system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct StoreLock {
    file: File,
    content: String,
}

impl StoreLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`OpenError::InUse`] with the holder's process id when somebody else has it.
    pub fn take(store: &Path) -> Result<Self, OpenError> {
        let path = lock_path(store);
        let io = |error: std::io::Error| OpenError::Io { path: path.clone(), reason: error.to_string() };
        // Not truncated: its content is what says that there was a store.
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        let mut content = Vec::new();
        let locked = file.try_lock();
        // Read even if the lock was refused: the first line names its holder.
        file.read_to_end(&mut content).map_err(io)?;
        let content = String::from_utf8_lossy(&content).into_owned();
        match locked {
            Ok(()) => Ok(Self { file, content }),
            Err(TryLockError::WouldBlock) => {
                let holder = content.lines().next().unwrap_or("another process").to_owned();
                Err(OpenError::InUse { path: store.into(), holder })
            }
            Err(TryLockError::Error(error)) => Err(without_lock(path, &error)),
        }
    }

    /// Whether a store has been made here before, so that a missing one is an error and not a fresh start.
    #[must_use]
    pub fn expects_store(&self) -> bool {
        !self.content.is_empty()
    }

    /// Writes down who holds the lock, and that there is a store from now on.
    pub fn mark(&mut self) -> std::io::Result<()> {
        let pid = std::process::id();
        self.content = format!(
            "process {pid}\nThis file belongs to the Gatelodge store beside it. If the store is missing, Gatelodge refuses to start\nrather than begin with an empty one; remove this file as well if that is what you want.\n"
        );
        self.file.rewind()?;
        self.file.set_len(0)?;
        self.file.write_all(self.content.as_bytes())?;
        self.file.sync_all()
    }
}

/// Explains a lock that was refused for another reason than a holder, as by NFS without lockd (ENOLCK), CIFS (EACCES),
/// and file systems of virtual machines (EOPNOTSUPP, ENOSYS, EINVAL); see flock(2).
fn without_lock(path: PathBuf, error: &std::io::Error) -> OpenError {
    const ENOLCK: i32 = 37;
    const EIO: i32 = 5;
    match error.raw_os_error() {
        Some(ENOLCK) => OpenError::NoLocks { path, reason: "it has no locks left, or nobody to ask for one".into() },
        Some(EIO) | None => OpenError::io(&path, error),
        Some(_) => OpenError::NoLocks { path, reason: error.to_string() },
    }
}

impl Drop for StoreLock {
    /// Unlocks explicitly. Closing the file is not enough: a process being started at this moment has a copy of the
    /// descriptor until it executes its program, and would keep the lock.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_locks_is_told_as_that() {
        for code in [37, 95, 13, 38, 22] {
            let said = without_lock("a.lock".into(), &std::io::Error::from_raw_os_error(code)).to_string();
            assert!(said.starts_with("a.lock: this file system has no locks") && said.contains("nobrl"), "{said}");
        }
        let said = without_lock("a.lock".into(), &std::io::Error::from_raw_os_error(5)).to_string();
        assert!(!said.contains("no locks"), "{said}");
    }

    #[test]
    fn a_copied_descriptor_does_not_keep_the_lock() {
        let store = std::env::temp_dir().join(format!("gatelodge-lock-{}", std::process::id()));
        let held = StoreLock::take(&store).expect("free");
        let copy = held.file.try_clone().expect("copied");
        assert!(matches!(StoreLock::take(&store), Err(OpenError::InUse { .. })));
        drop(held);
        StoreLock::take(&store).expect("free again");
        drop(copy);
        std::fs::remove_file(lock_path(&store)).expect("removed");
    }
}

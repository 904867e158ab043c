//! The reasons why a store cannot be opened, in words.

use std::fmt;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::beside::lock_path;

/// The reason why a store cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Somebody else has it open.
    InUse {
        /// The store.
        path: PathBuf,
        /// Who has it open.
        holder: String,
    },
    /// It was here before and is gone.
    Missing(PathBuf),
    /// Its checksums or its records are wrong.
    Damaged(PathBuf),
    /// The file holds something else, or no longer begins as a store does.
    Foreign(PathBuf),
    /// A later program wrote it.
    Newer {
        /// The version in the file.
        found: u64,
        /// The version that this program knows.
        known: u64,
        /// The copy that was kept when it was migrated, if it is there.
        copy: Option<PathBuf>,
    },
    /// The sealing key is missing, unreadable or another store's.
    Key {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder stands in its place.
    Folder(PathBuf),
    /// Something that is not a regular file stands in its place: a device, a pipe, a socket.
    NoFile(PathBuf),
    /// The file system has no locks, so that two programs could write to one store.
    NoLocks {
        /// The lock file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The system refused.
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
}

impl OpenError {
    pub(super) fn damaged(path: &Path) -> Self {
        Self::Damaged(path.into())
    }

    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io { path: path.into(), reason: error.to_string() }
    }

    /// Whether the store itself is at fault, so that starting again cannot help.
    #[must_use]
    pub fn is_about_data(&self) -> bool {
        matches!(self, Self::Missing(_) | Self::Damaged(_) | Self::Foreign(_) | Self::Newer { .. } | Self::Key { .. })
    }
}

impl OpenError {
    /// Whether a backup would help.
    #[must_use]
    pub fn is_repaired_by_restoring(&self) -> bool {
        matches!(self, Self::Missing(_) | Self::Damaged(_) | Self::Foreign(_))
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged(what) => Self::Damaged(what.into()),
            other => Self::Io { path: PathBuf::new(), reason: other.to_string() },
        }
    }
}

impl std::error::Error for OpenError {}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { path, holder } => {
                write!(
                    f,
                    "{}: the store is in use by {holder}\nhint: stop it first, or let it do the work: commands reach a running server through listen.control",
                    path.display()
                )
            }
            Self::Missing(path) => write!(
                f,
                "{}: the store is missing, but there was one\nhint: put it back, or restore a backup; to begin anew, remove {} as well",
                path.display(),
                lock_path(path).display()
            ),
            Self::Damaged(path) => write!(
                f,
                "{}: the store is damaged\nhint: keep the file, and put the newest good copy in its place",
                path.display()
            ),
            Self::Foreign(path) => write!(
                f,
                "{}: holds something else than a store\nhint: see store.path; or, if it was the store, it is damaged: keep the file, and put the newest good copy in its place",
                path.display()
            ),
            Self::Newer { found, known, copy } => {
                write!(
                    f,
                    "the store has format {found}, this program knows up to {known}\nhint: install the newer program again, or restore "
                )?;
                match copy {
                    Some(copy) => {
                        write!(f, "the copy from before the upgrade: gatelodge restore {} --force", copy.display())
                    }
                    None => f.write_str("a backup from before the upgrade"),
                }
            }
            Self::Key { path, reason } => write!(
                f,
                "{}: {reason}\nhint: put the key that belongs to this store in its place; without it the store cannot be read",
                path.display()
            ),
            Self::Folder(path) => write!(
                f,
                "{}: is a folder, and store.path names a file\nhint: write path = \"{}\" in [store]",
                path.display(),
                path.join("gatelodge.redb").display()
            ),
            Self::NoFile(path) => {
                write!(f, "{}: is no file, and stays as it is\nhint: write another path in [store]", path.display())
            }
            Self::NoLocks { path, reason } => write!(
                f,
                "{}: this file system has no locks, without which two programs could write to one store: {reason}\nhint: keep the store on a local disk; or mount it with locks (NFS: with lockd running and without nolock; CIFS: with nobrl)",
                path.display()
            ),
            Self::Io { path, reason } => {
                write!(
                    f,
                    "{}: {reason}\nhint: check that the folder exists, belongs to the service's user and has space",
                    path.display()
                )
            }
        }
    }
}

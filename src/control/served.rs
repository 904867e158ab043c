//! The store that a server serves. The command line checks it before it sends anything, because two servers on one
//! machine may have been given the same socket.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::socket::identity;

/// The identity of a store.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Served {
    /// Its path, as the one who names it sees it.
    pub store: PathBuf,
    /// Its device and inode, if it exists and this user may look at it.
    pub file: Option<(u64, u64)>,
}

impl Served {
    /// Identifies the store at this path.
    pub(super) fn at(store: &Path) -> Self {
        Self { store: store.into(), file: std::fs::metadata(store).ok().as_ref().map(identity) }
    }

    /// Whether both are the same. A file may have several paths, as in a container; where it cannot be looked at, the
    /// path decides.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self.file, other.file) {
            (Some(one), Some(another)) => one == another,
            _ => self.store == other.store,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_is_one_store_whatever_its_path() {
        let served = |store: &str, file| Served { store: store.into(), file };
        let ours = served("/var/lib/a.redb", Some((1, 2)));
        assert!(ours.is(&served("/var/lib/a.redb", Some((1, 2)))) && ours.is(&served("/mnt/a.redb", Some((1, 2)))));
        assert!(ours.is(&served("/var/lib/a.redb", None)));
        assert!(!ours.is(&served("/var/lib/a.redb", Some((1, 3)))) && !ours.is(&served("/var/lib/b.redb", None)));
    }
}

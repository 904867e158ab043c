//! Which store a server serves: what the command line asks for before it says anything else, because two servers on one machine may
//! have been given the same socket.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::socket::identity;

/// A store's file.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Served {
    /// Where it is, as whoever says so sees it.
    pub store: PathBuf,
    /// Its device and number, while it is there and may be looked at.
    pub file: Option<(u64, u64)>,
}

impl Served {
    /// The store at this path.
    pub fn at(store: &Path) -> Self {
        Self { store: store.into(), file: std::fs::metadata(store).ok().as_ref().map(identity) }
    }

    /// Whether both are one. A file may have several paths, as in a container; who cannot look at it goes by the path.
    pub fn is(&self, other: &Self) -> bool {
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

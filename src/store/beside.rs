//! The paths of what belongs to a store: beside it, under its name and a suffix.

use std::path::{Path, PathBuf};

/// Returns the lock file of a store.
#[must_use]
pub fn lock_path(store: &Path) -> PathBuf {
    suffixed(store, ".lock")
}

/// Returns where a store is made before it is moved to its place.
pub(super) fn unfinished_path(path: &Path) -> PathBuf {
    suffixed(path, ".unfinished")
}

pub(super) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

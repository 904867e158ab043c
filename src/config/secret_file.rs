//! Files that hold secrets.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Whether everybody on this machine can read or change a file. One that is missing is not open.
#[must_use]
pub fn is_open_to_everybody(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o007 != 0)
}

/// Warns in the log if everybody on this machine can read a file that holds a secret.
pub fn warn_if_open(path: &Path, what: &str) {
    if is_open_to_everybody(path) {
        tracing::warn!("{}: {what} can be read by every user of this machine; chmod 600 it", path.display());
    }
}

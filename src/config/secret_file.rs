//! Files that hold secrets.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Says so in the log if everybody on this machine can read a file that holds a secret.
pub fn warn_if_open(path: &Path, what: &str) {
    let is_open = std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o007 != 0);
    if is_open {
        tracing::warn!("{}: {what} can be read by every user of this machine; chmod 600 it", path.display());
    }
}

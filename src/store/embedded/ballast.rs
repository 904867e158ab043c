//! The ballast: a file that is only there to be removed. When the disk is full, its space lets people log out and
//! sessions be ended until somebody has made room.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The ballast beside a store.
#[derive(Clone, Debug)]
pub struct Ballast {
    path: PathBuf,
    bytes: u64,
}

impl Ballast {
    /// Returns the ballast of the store at `path`, of this size; 0 bytes mean none.
    #[must_use]
    pub fn beside(path: &Path, bytes: u64) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(".ballast");
        Self { path: name.into(), bytes }
    }

    /// Returns its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it is there, whole.
    #[must_use]
    pub fn is_there(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() >= self.bytes)
    }

    /// Takes the space, written byte by byte: a hole in a file would take none.
    ///
    /// # Errors
    /// When there is no room; then nothing is left of it.
    pub fn take(&self) -> io::Result<()> {
        if self.bytes == 0 || self.is_there() {
            return Ok(());
        }
        let fill = || {
            let mut file: File =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
            // Not zeroes, which some file systems do not store.
            let chunk = vec![0x5a; 64 << 10];
            let mut left = usize::try_from(self.bytes).map_err(io::Error::other)?;
            while left > 0 {
                let length = left.min(chunk.len());
                file.write_all(&chunk[..length])?;
                left -= length;
            }
            file.sync_all()
        };
        let filled = fill();
        if filled.is_err() {
            self.drop_it();
        }
        filled
    }

    /// Releases the space. True if there was any.
    pub fn drop_it(&self) -> bool {
        std::fs::remove_file(&self.path).is_ok()
    }
}

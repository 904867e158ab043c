//! Backup files: written beside their place, verified by reading, and moved there when found whole.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::archive::{Archive, ArchiveError};
use super::settle::sync_folder_of;
use super::{Heading, Trust, known_format};

/// Lets `fill` write a file that only its owner can read, and `check` read it back from the disk;
/// only then it replaces what stood in its place.
///
/// # Errors
/// When it cannot be written, or is not whole; then nothing is left of it.
/// [`ArchiveError::Unsettled`] when it is in its place all the same.
pub fn write_file<T>(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), ArchiveError>,
    check: impl FnOnce(&Path) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    let partial = partial_path(path);
    let write = || -> Result<T, ArchiveError> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        let mut out = BufWriter::with_capacity(64 << 10, file);
        fill(&mut out)?;
        out.into_inner().map_err(|error| ArchiveError::Io(error.into_error()))?.sync_all()?;
        let checked = check(&partial)?;
        std::fs::rename(&partial, path)?;
        Ok(checked)
    };
    let written = write();
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    let written = written?;
    sync_folder_of(path).map_err(ArchiveError::Unsettled)?;
    Ok(written)
}

/// Reads a backup to its end and returns the number of its records.
///
/// # Errors
/// When it is not whole, not a backup, or not from whom `trust` says.
pub fn verify_file(path: &Path, trust: Trust) -> Result<u64, ArchiveError> {
    opened(path)?.trusting(trust)?.verify()
}

/// Returns what the backup in a file says of itself, and whether it carries a code. Neither is proved.
pub fn heading_of(path: &Path) -> Result<(Heading, bool), ArchiveError> {
    let archive = opened(path)?;
    let is_signed = archive.is_signed();
    Ok((archive.heading, is_signed))
}

fn opened(path: &Path) -> Result<Archive<BufReader<File>>, ArchiveError> {
    Archive::open(BufReader::with_capacity(64 << 10, File::open(path)?), known_format())
}

fn partial_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

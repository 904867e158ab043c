//! Backups by schedule: numbered files in a folder, the newest few of which are kept.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::base::Timestamp;
use crate::config::Backups;
use crate::store::{Archive, ArchiveError, known_format, verify_file, write_archive, write_file};

use super::App;

const PREFIX: &str = "snapshot-";
const SUFFIX: &str = ".gatelodge";

impl App {
    /// Writes a backup of everything to `path`, reads it again, and gives the number of records.
    ///
    /// # Errors
    /// When the store or the file fails.
    pub fn back_up(&self, path: &Path) -> Result<u64, ArchiveError> {
        let now = self.now();
        let fill = |out: &mut dyn std::io::Write| {
            let mut written = Ok(0);
            self.read(|view| {
                written = write_archive(view, now, out);
                Ok(())
            })?;
            written.map(drop)
        };
        write_file(path, fill, verify_file)
    }

    /// Takes a snapshot if the newest one is old enough, and removes those that are too many. None if none was due.
    ///
    /// # Errors
    /// When the store or the folder fails.
    pub fn take_snapshot(&self, settings: &Backups) -> Result<Option<PathBuf>, ArchiveError> {
        let Some(folder) = &settings.directory else { return Ok(None) };
        std::fs::create_dir_all(folder)?;
        let newest = numbered(folder)?.iter().rev().find_map(|(_, path)| made_at(path));
        if newest.is_some_and(|made_at| self.time().earlier.since(made_at) < settings.every.seconds()) {
            return Ok(None);
        }
        let path = next_snapshot(folder)?;
        self.back_up(&path)?;
        // Only after the new one was found whole.
        prune_snapshots(folder, settings.keep)?;
        Ok(Some(path))
    }
}

/// What the next snapshot in a folder is called.
///
/// # Errors
/// When the folder cannot be read.
pub fn next_snapshot(folder: &Path) -> std::io::Result<PathBuf> {
    let number = numbered(folder)?.last().map_or(1, |(number, _)| number + 1);
    Ok(folder.join(format!("{PREFIX}{number:08}{SUFFIX}")))
}

/// Removes all but the newest snapshots of a folder; one is always kept.
///
/// # Errors
/// When one cannot be removed.
pub fn prune_snapshots(folder: &Path, keep: usize) -> std::io::Result<()> {
    let numbered = numbered(folder)?;
    let too_many = numbered.len().saturating_sub(keep.max(1));
    numbered.iter().take(too_many).try_for_each(|(_, old)| std::fs::remove_file(old))
}

/// The snapshots in a folder, oldest first: their order is in their names, whatever the clock said.
fn numbered(folder: &Path) -> std::io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok());
        found.extend(number.map(|number| (number, entry.path())));
    }
    found.sort_unstable();
    Ok(found)
}

fn made_at(path: &Path) -> Option<Timestamp> {
    let file = std::fs::File::open(path).ok()?;
    let archive = Archive::open(BufReader::new(file), known_format()).ok()?;
    Timestamp::parse(&archive.heading.created_at)
}

/// The newest snapshot that is whole: for whoever finds the store damaged.
#[must_use]
pub fn newest_good_snapshot(folder: &Path) -> Option<PathBuf> {
    let numbered = numbered(folder).ok()?;
    numbered.into_iter().rev().map(|(_, path)| path).find(|path| verify_file(path).is_ok())
}

//! Scheduled backups: numbered files in a folder, of which the newest few are kept.

use std::path::{Path, PathBuf};

use crate::audit;
use crate::base::Timestamp;
use crate::config::Backups;
use crate::crypto::SealingKey;
use crate::store::{ArchiveError, Snapshot, Trust, heading_of, verify_file, write_archive, write_file};

use super::App;

const PREFIX: &str = "snapshot-";
const SUFFIX: &str = ".gatelodge";

impl App {
    /// Writes a backup of everything to `path`, reads it back to verify it, and returns the number of records.
    pub fn back_up(&self, path: &Path) -> Result<u64, ArchiveError> {
        let fill = |out: &mut dyn std::io::Write| self.write_backup(out).map(drop);
        let seal = SealingKey::clone(&self.env().seal);
        write_file(path, fill, |path| verify_file(path, Trust::Key(seal)))
    }

    /// Writes a signed backup of everything. Returns the number of records.
    pub fn write_backup(&self, out: &mut dyn std::io::Write) -> Result<u64, ArchiveError> {
        let (now, env) = (self.now(), self.env());
        self.read_records(|view| write_archive(view, &env.seal, audit::end(view, env.node)?, now, out))
    }

    /// Reads from a consistent view for a writer that may fail, too.
    pub(super) fn read_records<T>(
        &self,
        work: impl FnOnce(&dyn Snapshot) -> Result<T, ArchiveError>,
    ) -> Result<T, ArchiveError> {
        let mut outcome = Err(ArchiveError::Damaged);
        self.read_blocking(|view| {
            outcome = work(view);
            Ok(())
        })?;
        outcome
    }

    /// Takes a snapshot if the newest one is old enough, and removes those in excess. None if none was due.
    pub fn take_snapshot(&self, settings: &Backups) -> Result<Option<PathBuf>, ArchiveError> {
        let Some(folder) = &settings.directory else { return Ok(None) };
        std::fs::create_dir_all(folder)?;
        let now = self.time().earlier;
        // One from the future does not count: a file that somebody put there must not keep us from taking snapshots.
        let made_at = |path: &Path| made_at(path).filter(|made_at| *made_at <= self.now());
        let newest = numbered(folder)?.iter().rev().find_map(|(_, path)| made_at(path));
        if newest.is_some_and(|made_at| now.since(made_at) < settings.every.seconds()) {
            return Ok(None);
        }
        let path = next_snapshot(folder)?;
        self.back_up(&path)?;
        // Only after the new one was found whole.
        prune_snapshots(folder, settings.keep)?;
        Ok(Some(path))
    }
}

impl App {
    /// Returns when the newest snapshot was taken, as it says itself. None if there is none, or no folder for them.
    pub fn last_snapshot_at(&self, settings: &Backups) -> Option<Timestamp> {
        let folder = settings.directory.as_ref()?;
        numbered(folder).ok()?.iter().rev().find_map(|(_, path)| made_at(path))
    }
}

/// Returns the name of the next snapshot in a folder.
pub fn next_snapshot(folder: &Path) -> std::io::Result<PathBuf> {
    let number = numbered(folder)?.last().map_or(1, |(number, _)| number.saturating_add(1));
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

/// Lists the snapshots in a folder, oldest first: their order is in their names, whatever the clock said.
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
    let (heading, _) = heading_of(path).ok()?;
    Timestamp::parse(&heading.created_at)
}

/// Returns the newest snapshot that can be restored, for whoever finds the store damaged: whole, and under
/// this key. Without a key it only has to be whole.
#[must_use]
pub fn newest_good_snapshot(folder: &Path, key: Option<&SealingKey>) -> Option<PathBuf> {
    let trust = || key.map_or(Trust::Anybody, |key| Trust::Key(key.clone()));
    let numbered = numbered(folder).ok()?;
    numbered.into_iter().rev().map(|(_, path)| path).find(|path| verify_file(path, trust()).is_ok())
}

/// Returns the newest snapshot that is whole and unsigned, as is left right after an upgrade from a program that signed
/// none. It is not recommended like a good one: anybody who could write to the folder may have made it.
#[must_use]
pub fn newest_unsigned_snapshot(folder: &Path) -> Option<PathBuf> {
    let is_unsigned = |path: &PathBuf| {
        heading_of(path).is_ok_and(|(_, is_signed)| !is_signed) && verify_file(path, Trust::Anybody).is_ok()
    };
    numbered(folder).ok()?.into_iter().rev().map(|(_, path)| path).find(is_unsigned)
}

//! Keeps a copy of the records before they are migrated to a newer format:
//! going back to an older program means restoring it.

use std::path::{Path, PathBuf};

use crate::base::Timestamp;
use crate::crypto::SealingKey;

use crate::store::archive::write_unsigned;
use crate::store::beside::suffixed;
use crate::store::migrate::format_of;
use crate::store::steps::Migration;
use crate::store::{ArchiveError, Engine, OpenError, Trust, verify_file, write_archive, write_file};

/// Programs that write this format, or a later one, write and read codes in backups.
const SIGNED_SINCE: u64 = 3;

/// Returns where the copy is put of a store that had this format.
#[must_use]
pub(super) fn copy_path(store: &Path, format: u64) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(format!(".before-upgrade-from-{format}"));
    name.into()
}

/// Keeps the first copy that was ever made under this name, whatever comes later: it is the one that leads back, and a
/// store of the old format that somebody puts in place must not take it away.
fn keep_the_first(copy: &Path) -> std::io::Result<()> {
    let first = suffixed(copy, ".first");
    if copy.exists() && !first.exists() { std::fs::rename(copy, first) } else { Ok(()) }
}

/// Writes a copy beside the store if a migration is due; it is a backup like any other, and verified. It is meant for
/// the program that wrote the store, so it carries no code if that program knows none.
pub(super) fn keep_copy(
    engine: &dyn Engine,
    (path, key): (&Path, &SealingKey),
    now: Timestamp,
    steps: &[Migration],
) -> Result<Option<PathBuf>, OpenError> {
    let mut found = None;
    engine.read(&mut |view| {
        found = format_of(view)?;
        Ok(())
    })?;
    let Some(format) = found.filter(|format| steps.iter().any(|step| step.to > *format)) else { return Ok(None) };
    let copy = copy_path(path, format);
    let fill = |out: &mut dyn std::io::Write| {
        let mut written = Ok(0);
        engine.read(&mut |view| {
            written = if format < SIGNED_SINCE {
                write_unsigned(view, now, out)
            } else {
                write_archive(view, key, None, now, out)
            };
            Ok(())
        })?;
        written.map(drop)
    };
    let failed = |error: ArchiveError| OpenError::Io { path: copy.clone(), reason: error.to_string() };
    keep_the_first(&copy).map_err(|error| OpenError::io(&copy, &error))?;
    let trust = if format < SIGNED_SINCE { Trust::Anybody } else { Trust::Key(key.clone()) };
    let records = write_file(&copy, fill, |path| verify_file(path, trust)).map_err(failed)?;
    tracing::info!(records, "a copy from before the upgrade is in {}", copy.display());
    Ok(Some(copy))
}

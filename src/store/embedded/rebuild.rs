//! Rebuilds a store from records that come from elsewhere: a backup, an export.

use std::path::{Path, PathBuf};

use crate::base::Moment;
use crate::crypto::SealingKey;

use super::open::{move_into_place, refuse_what_is_no_file};
use crate::store::OpenError;
use crate::store::archive::{ArchiveError, Records};
use crate::store::beside::unfinished_path;
use crate::store::key_file::read_key;
use crate::store::prepare::prepare_in;
use crate::store::steps::STEPS;
use crate::store::{Commit, Engine, StoreError, Transaction, renew_generation};

use super::engine::RedbEngine;
use super::lock::StoreLock;

/// The most records in one commit.
const PER_COMMIT: usize = 5_000;

/// The reason why no store was made. What was there before is untouched.
#[derive(Debug)]
pub enum RebuildError {
    /// The present store, its lock or the new file failed.
    Open(OpenError),
    /// The records failed.
    Records(ArchiveError),
    /// There is a store already.
    Exists(PathBuf),
    /// The step that completes the store refuses what is in the records: what was found, and what to do.
    Refused(String, &'static str),
    /// The sealing key is not the one that the records were sealed with.
    AnotherKey {
        /// The key file.
        path: PathBuf,
        /// The fingerprint of the key that is needed.
        needed: String,
    },
}

impl From<OpenError> for RebuildError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<StoreError> for RebuildError {
    fn from(error: StoreError) -> Self {
        Self::Open(error.into())
    }
}

impl From<ArchiveError> for RebuildError {
    fn from(error: ArchiveError) -> Self {
        Self::Records(error)
    }
}

/// The place where a store is made, and what that takes.
pub struct RebuildTarget<'a> {
    /// The store.
    pub path: &'a Path,
    /// Its sealing key.
    pub key_path: &'a Path,
    /// Whether a store that is there may be replaced; it is kept beside the new one.
    pub may_replace: bool,
    /// The size of the page cache while it is made, in bytes.
    pub cache_bytes: usize,
}

/// The result of a rebuild.
#[derive(Debug)]
pub struct Rebuilt {
    /// The number of records.
    pub records: u64,
    /// Where the former store is kept now.
    pub replaced: Option<PathBuf>,
}

/// Checks that a store may be made here and that the sealing key is the one needed; returns the store's lock with it.
pub fn prepare_place(
    place: &RebuildTarget<'_>,
    needed_fingerprint: &str,
) -> Result<(StoreLock, SealingKey), RebuildError> {
    let io = |path: &Path, error: &std::io::Error| OpenError::io(path, error);
    refuse_what_is_no_file(place.path)?;
    let exists = || std::fs::metadata(place.path).is_ok_and(|metadata| metadata.len() > 0);
    let refuse_existing = || {
        if exists() && !place.may_replace { Err(RebuildError::Exists(place.path.into())) } else { Ok(()) }
    };
    // What can be judged before anything is made leaves nothing behind.
    refuse_existing()?;
    let key = read_key(place.key_path)?.filter(|key| key.fingerprint() == needed_fingerprint);
    let another = || RebuildError::AnotherKey { path: place.key_path.into(), needed: needed_fingerprint.into() };
    let key = key.ok_or_else(another)?;
    if let Some(folder) = place.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| io(folder, &error))?;
    }
    let lock = StoreLock::take(place.path)?;
    // Once more: somebody may have made a store before the lock was taken.
    refuse_existing()?;
    Ok((lock, key))
}

/// Completes a store made from records, or refuses what is in them.
pub type Finish<'a> = dyn FnMut(&mut dyn Transaction, &mut Moment) -> Result<(), RebuildError> + 'a;

/// Makes a store of `records` beside its place, has `finish` complete it, and moves it there when it is whole. It gets
/// a new generation: what was ended or used up since the records were written stays dead.
///
/// # Errors
/// When anything fails; then nothing has changed.
pub fn rebuild(
    place: &RebuildTarget<'_>,
    lock: &mut StoreLock,
    moment: &mut Moment,
    records: &mut dyn Records,
    finish: &mut Finish<'_>,
) -> Result<Rebuilt, RebuildError> {
    let unfinished = unfinished_path(place.path);
    let made = make(place, &unfinished, moment, records, finish);
    let count = match made {
        Ok(count) => count,
        Err(error) => {
            let _ = std::fs::remove_file(&unfinished);
            return Err(error);
        }
    };
    // Only now that the new store is whole; and the former one is kept, in case the backup was not the right one.
    let replaced = set_aside(place.path).map_err(|error| OpenError::io(place.path, &error))?;
    move_into_place(&unfinished, place.path)?;
    lock.mark().map_err(|error| OpenError::io(place.path, &error))?;
    Ok(Rebuilt { records: count, replaced })
}

fn make(
    place: &RebuildTarget<'_>,
    unfinished: &Path,
    moment: &mut Moment,
    records: &mut dyn Records,
    finish: &mut Finish<'_>,
) -> Result<u64, RebuildError> {
    super::open::begin_private(unfinished)?;
    let engine = RedbEngine::open(unfinished, place.cache_bytes)?;
    let mut count = 0;
    loop {
        // Read outside the transaction, which must be able to run twice.
        let mut some = Vec::new();
        while some.len() < PER_COMMIT
            && let Some(pair) = records.next()?
        {
            some.push(pair);
        }
        let write = |tx: &mut dyn Transaction| {
            some.iter().try_for_each(|(key, value)| tx.put(key, value))?;
            Ok(Commit::Yes)
        };
        engine.write(&mut { write }).map_err(OpenError::from)?;
        count += some.len() as u64;
        if some.len() < PER_COMMIT {
            break;
        }
    }
    let unread = || OpenError::Key { path: place.key_path.into(), reason: "the sealing key is missing".into() };
    let key = read_key(place.key_path)?.ok_or_else(unread)?;
    let before = moment.clone();
    let mut finished = Ok(());
    engine
        .write(&mut |tx| {
            // From the start again: a closure that runs twice must draw the same randomness.
            *moment = before.clone();
            // First of all, so that whatever completes the store finds and writes records of today.
            finished = prepare_in(tx, &key, moment, STEPS).map_err(RebuildError::from).map(drop);
            if finished.is_ok() {
                renew_generation(tx, moment)?;
                finished = finish(tx, moment);
            }
            Ok(if finished.is_ok() { Commit::Yes } else { Commit::No })
        })
        .map_err(OpenError::from)?;
    finished.map(|()| count)
}

/// Keeps the present store under another name. None if there is none.
fn set_aside(path: &Path) -> std::io::Result<Option<PathBuf>> {
    if !path.exists() {
        return Ok(None);
    }
    for number in 1.. {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".replaced-{number}"));
        let aside = PathBuf::from(name);
        if !aside.exists() {
            std::fs::rename(path, &aside)?;
            return Ok(Some(aside));
        }
    }
    Ok(None)
}

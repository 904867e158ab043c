//! Opening the store: lock, file, sealing key, format.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::base::Moment;
use crate::crypto::SealingKey;

use crate::store::beside::{lock_path, suffixed, unfinished_path};
use crate::store::key_file::{key_in_force, read_key, write_key};
use crate::store::migrate::fingerprint_of;
use crate::store::open_error::OpenError;
use crate::store::prepare::{ANOTHER_KEY, Prepared, prepare};
use crate::store::settle::sync_folder_of;
use crate::store::steps::{Migration, STEPS};
use crate::store::{Engine, OpenedStore, Reopening, Store};

use super::ballast::Ballast;
use super::engine::RedbEngine;
use super::lock::StoreLock;
use super::upgrade::{copy_path, keep_copy};

/// Opens the store at `path`, or makes it on a first start. When a later write fails the ballast is
/// given up, so that the next one may find room.
///
/// # Errors
/// When it is in use, missing where one was, damaged, too new, or without its key.
pub fn open_file(
    path: &Path,
    key_path: &Path,
    room: (usize, Ballast),
    moment: &mut Moment,
) -> Result<OpenedStore, OpenError> {
    open_file_by(STEPS, path, key_path, room, moment)
}

/// As [`open_file`], with other migrations than this program's own: for tests.
///
/// # Errors
/// As [`open_file`].
pub fn open_file_by(
    steps: &[Migration],
    path: &Path,
    key_path: &Path,
    (cache_bytes, ballast): (usize, Ballast),
    moment: &mut Moment,
) -> Result<OpenedStore, OpenError> {
    // Judged before anything is made, so that a wrong path in the configuration leaves no trace.
    refuse_what_is_no_file(path)?;
    if !begins_as_a_store(path) {
        return Err(OpenError::Foreign(path.into()));
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| OpenError::io(folder, &error))?;
    }
    // Locked before anybody looks whether there is a store, or two first starts could each make one.
    let mut lock = StoreLock::take(path)?;
    let exists = std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
    // A new store has no administrator: begun in place of a lost one, it would fall to whoever comes first.
    if lock.expects_store() && !exists {
        return Err(OpenError::Missing(path.into()));
    }
    if !exists {
        // The key first: a key without a store serves the next start, but a store without its key is refused.
        if read_key(key_path)?.is_none() {
            write_key(key_path, moment)?;
        }
        make(path, cache_bytes)?;
    }
    let engine = RedbEngine::open(path, cache_bytes)?;
    let sealing_key = key_in_force(key_path, sealed_by(&engine)?.as_deref())?
        .ok_or_else(|| OpenError::Key { path: key_path.into(), reason: "the sealing key is missing".into() })?;
    let prepared =
        upgrade(&engine, (path, &sealing_key), moment, steps).map_err(|error| named(error, path, key_path))?;
    // After the store is there and prepared: marked earlier, a start that
    // broke off would leave a store that counts as lost.
    lock.mark().map_err(|error| OpenError::io(&lock_path(path), &error))?;
    let reopening = reopening(path, cache_bytes, ballast);
    let store =
        Store::start(Box::new(engine), prepared.node, reopening).map_err(|error| OpenError::io(path, &error))?;
    let Prepared { sealing_key, generation, node, floor } = prepared;
    Ok(OpenedStore { store, sealing_key, generation, node, floor, lock: Some(lock) })
}

/// Keeps a copy where a migration is due, then migrates.
fn upgrade(
    engine: &dyn Engine,
    (path, key): (&Path, &SealingKey),
    moment: &mut Moment,
    steps: &[Migration],
) -> Result<Prepared, OpenError> {
    // A copy that another key signed would lead back to nothing.
    if sealed_by(engine)?.is_some_and(|fingerprint| fingerprint != key.fingerprint()) {
        return Err(OpenError::Key { path: PathBuf::new(), reason: ANOTHER_KEY.into() });
    }
    // Before any migration, or an older program could not be gone back to.
    keep_copy(engine, (path, key), moment.now(), steps)?;
    prepare(engine, key, moment, steps)
}

/// Brings what an engine keeps to the present format, as if it were the file at `path`: for tests over a simulated disk.
pub fn upgrade_over(
    engine: &dyn Engine,
    (path, key): (&Path, &SealingKey),
    moment: &mut Moment,
) -> Result<(), OpenError> {
    upgrade(engine, (path, key), moment, STEPS).map(drop)
}

/// Whether a file begins with redb's magic number. One that is empty, or cannot be read, is judged when it is opened.
fn begins_as_a_store(path: &Path) -> bool {
    const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";
    let mut begins = Vec::with_capacity(MAGIC.len());
    let read = File::open(path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut begins));
    read.is_err() || begins.is_empty() || begins == MAGIC
}

/// Refuses whatever is not a regular file: nothing else that stands in the store's place is written to, or replaced.
pub(super) fn refuse_what_is_no_file(path: &Path) -> Result<(), OpenError> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(OpenError::Folder(path.into())),
        Ok(found) if !found.is_file() => Err(OpenError::NoFile(path.into())),
        _ => Ok(()),
    }
}

/// Returns how the file is reopened after a write failed.
fn reopening(path: &Path, cache_bytes: usize, ballast: Ballast) -> Reopening {
    let (path, probed) = (path.to_owned(), suffixed(path, ".probe"));
    let probe = move || {
        let first = probe(&probed);
        // Once: the room that this frees is there for whoever logs out.
        if first.is_err() && ballast.drop_it() { probe(&probed) } else { first }
    };
    let open = move || RedbEngine::open(&path, cache_bytes).map(|engine| Box::new(engine) as Box<dyn Engine>);
    Reopening { probe: Box::new(probe), open: Box::new(open), pause: Reopening::PAUSE }
}

/// Writes as much beside the store as opening it may write, and removes it again.
fn probe(path: &Path) -> std::io::Result<()> {
    const BYTES: usize = 64 << 10;
    let written = File::create(path).and_then(|mut file| {
        file.write_all(&vec![0x5a; BYTES])?;
        file.sync_all()
    });
    let removed = std::fs::remove_file(path);
    written.and(removed)
}

/// Returns the fingerprint of the key that a store is sealed with; none if the store is new.
fn sealed_by(engine: &dyn Engine) -> Result<Option<String>, OpenError> {
    let mut found = None;
    engine.read(&mut |view| {
        found = fingerprint_of(view)?;
        Ok(())
    })?;
    Ok(found)
}

/// Puts the path into an error that was made where it is not known.
fn named(error: OpenError, path: &Path, key_path: &Path) -> OpenError {
    match error {
        OpenError::Key { reason, .. } => OpenError::Key { path: key_path.into(), reason },
        OpenError::Damaged(_) => OpenError::damaged(path),
        OpenError::Newer { found, known, .. } => {
            let copy = Some(copy_path(path, known)).filter(|copy| copy.exists());
            OpenError::Newer { found, known, copy }
        }
        OpenError::Io { path: unknown, reason } if unknown.as_os_str().is_empty() => {
            OpenError::Io { path: path.into(), reason }
        }
        other => other,
    }
}

/// Makes an empty store beside its place and moves it there when it is whole: a power cut in
/// between leaves nothing that looks like a store.
fn make(path: &Path, cache_bytes: usize) -> Result<(), OpenError> {
    let unfinished = unfinished_path(path);
    begin_private(&unfinished)?;
    drop(RedbEngine::open(&unfinished, cache_bytes)?);
    move_into_place(&unfinished, path)
}

/// Makes an empty file that is private before anything is in it.
pub(super) fn begin_private(path: &Path) -> Result<(), OpenError> {
    let begun = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    begun.map(drop).map_err(|error| OpenError::io(path, &error))
}

/// Moves a whole store into its place, durably.
pub(super) fn move_into_place(from: &Path, to: &Path) -> Result<(), OpenError> {
    let io = |error: std::io::Error| OpenError::io(from, &error);
    // First the content, then the name, then the folder that holds it: at no moment does the name lead to half a store.
    File::open(from).and_then(|file| file.sync_all()).map_err(io)?;
    std::fs::rename(from, to).map_err(io)?;
    sync_folder_of(to).map_err(io)
}

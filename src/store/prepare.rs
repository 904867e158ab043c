//! Prepares what an engine opened: the format of its records, its sealing key, and what is known of it.

use std::path::{Path, PathBuf};

use crate::base::{Moment, NodeId, Timestamp};
use crate::crypto::SealingKey;

use super::embedded::StoreLock;
use super::migrate::{accept_key, floor, format_of, generation, migrate, node, take_codes};
use super::open_error::OpenError;
use super::steps::{Migration, STEPS};
use super::{Commit, Engine, MemoryEngine, Reopening, Store, Transaction};

/// An open store and what belongs to it.
pub struct OpenedStore {
    /// The store.
    pub store: Store,
    /// The key that records are sealed with.
    pub sealing_key: SealingKey,
    /// The store's generation, drawn anew by a restore.
    pub generation: [u8; 16],
    /// Which of the processes that write to it this is.
    pub node: NodeId,
    /// The highest time that any commit of this node has seen; none if there was none yet.
    pub floor: Option<Timestamp>,
    /// Held as long as the store is open; none for a store in memory.
    pub lock: Option<StoreLock>,
}

/// Opens a store that is gone when it is dropped: for tests.
pub fn open_memory(moment: &mut Moment) -> Result<OpenedStore, OpenError> {
    open_over(Box::new(MemoryEngine::default()), moment)
}

/// Opens what an engine keeps, with a key that is drawn for it: for tests with engines of their own.
pub fn open_over(engine: Box<dyn Engine>, moment: &mut Moment) -> Result<OpenedStore, OpenError> {
    let sealing_key = SealingKey::draw(moment);
    let Prepared { sealing_key, generation, node, floor } = prepare(&*engine, &sealing_key, moment, STEPS)?;
    let gone = || Err(OpenError::Missing("memory".into()));
    let store =
        Store::start(engine, node, Reopening::by(gone)).map_err(|error| OpenError::io(Path::new("memory"), &error))?;
    Ok(OpenedStore { store, sealing_key, generation, node, floor, lock: None })
}

/// The reason for refusing a sealing key.
pub(super) const ANOTHER_KEY: &str = "this sealing key is another store's, or was replaced by another";

/// What is known of a store that is ready for use.
pub(super) struct Prepared {
    pub(super) sealing_key: SealingKey,
    pub(super) generation: [u8; 16],
    pub(super) node: NodeId,
    pub(super) floor: Option<Timestamp>,
}

/// Migrates the records to the present format and checks the key, in one
/// transaction: with the wrong key nothing changes.
pub(super) fn prepare(
    engine: &dyn Engine,
    key: &SealingKey,
    moment: &mut Moment,
    steps: &[Migration],
) -> Result<Prepared, OpenError> {
    let mut outcome = Err(OpenError::Missing(PathBuf::new()));
    engine.write(&mut |tx| {
        outcome = prepare_in(tx, key, moment, steps);
        Ok(if outcome.is_ok() { Commit::Yes } else { Commit::No })
    })?;
    outcome
}

/// The part of [`prepare`] within a transaction.
pub(super) fn prepare_in(
    tx: &mut dyn Transaction,
    key: &SealingKey,
    moment: &mut Moment,
    steps: &[Migration],
) -> Result<Prepared, OpenError> {
    let fault = |reason: &str| OpenError::Key { path: PathBuf::new(), reason: reason.into() };
    let before = format_of(tx)?;
    migrate(tx, moment, steps)?;
    if !accept_key(tx, &key.fingerprint())? {
        return Err(fault(ANOTHER_KEY));
    }
    let sealing_key = take_codes(tx, key, moment, before)?.ok_or_else(|| fault("the store was not sealed with it"))?;
    let node = node(tx)?;
    Ok(Prepared { sealing_key, generation: generation(tx)?, node, floor: floor(tx, node)? })
}

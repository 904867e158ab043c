//! Runs the writes that share a commit.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::base::{Moment, NodeId, Timestamp};

use super::migrate::raise_floor;
use super::{Changes, Limits, Overlay, Snapshot, StoreError, Transaction};

/// The work of a write, which leaves its result where the caller finds it.
pub type WriteFn = Box<dyn FnMut(&mut dyn Transaction, &mut Moment) -> Result<(), StoreError> + Send>;

/// Called when the write is durable, or has failed.
pub type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

pub(super) struct Job {
    pub(super) moment: Moment,
    pub(super) work: WriteFn,
    pub(super) done: Done,
}

pub(super) type Verdicts = Vec<Result<(), StoreError>>;

/// Runs each closure over its own overlay and applies those that succeeded, as far as they fit into one commit: at least one
/// gets a verdict.
pub(super) fn run_all(
    batch: &mut [Job],
    (node, limits): (NodeId, Limits),
    tx: &mut dyn Transaction,
) -> Result<(Verdicts, Changes), StoreError> {
    let mut verdicts = Vec::with_capacity(batch.len());
    let mut latest = Timestamp::default();
    // Rows that every closure changes, like the head of the audit log, reach the engine once.
    let mut together = Overlay::new(&*tx);
    for job in batch {
        // `earliest`, because the floor must not follow a step of the clock that is still in doubt.
        latest = latest.max(job.moment.earliest());
        // Each closure sees what those before it changed, as if they had been committed one after another.
        let (mut verdict, changed) = run_one(job, &together);
        if !limits.allow(&Changes::new(), &changed) {
            tracing::error!(rows = changed.len(), "a write changes more than the engine takes at once");
            verdict = Err(StoreError::TooLarge);
        } else if limits.allow(together.changes(), &changed) {
            together.take(changed);
        } else {
            break;
        }
        verdicts.push(verdict);
    }
    let changes = together.into_changes();
    for (key, change) in &changes {
        match change {
            Some(value) => tx.put(key, value)?,
            None => tx.delete(key)?,
        }
    }
    if !changes.is_empty() {
        raise_floor(tx, node, latest)?;
    }
    Ok((verdicts, changes))
}

fn run_one(job: &mut Job, tx: &dyn Snapshot) -> (Result<(), StoreError>, Changes) {
    let mut overlay = Overlay::new(tx);
    // A copy: a closure that an engine runs again after a conflict draws the same randomness again.
    let mut moment = job.moment.clone();
    let verdict = catch_unwind(AssertUnwindSafe(|| (job.work)(&mut overlay, &mut moment))).unwrap_or_else(|_| {
        tracing::error!("a write panicked; its changes are dropped");
        Err(StoreError::Unavailable)
    });
    let changes = if verdict.is_ok() { overlay.into_changes() } else { Changes::new() };
    (verdict, changes)
}

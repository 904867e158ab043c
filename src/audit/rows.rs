//! The rows, numbered without a gap and chained.

use crate::crypto::Digest;
use crate::store::{Direction, Field, Snapshot, StoreError, Table, record, schema};

use super::Entry;

/// Which process writes the chain: with an engine for several, each has its own.
pub(super) const NODE: u32 = 1;

/// A numbered row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it says.
    pub entry: Entry,
    /// The digest of this row and of the one before.
    pub chained: Digest,
}
record!(Row, version 1, { entry, chained });

pub(crate) const ROWS: Table<(u32, u64), Row> = Table::at(schema::AUDIT);

/// Rows read at a time.
pub(super) const PAGE: usize = 200;

pub(super) fn chained(before: &Digest, number: u64, entry: &Entry) -> Digest {
    let mut bytes = before.0.to_vec();
    bytes.extend(number.to_be_bytes());
    entry.put(&mut bytes);
    Digest::of(&bytes)
}

/// Rows with their numbers: the first in this direction behind `after`, at most `limit`.
pub fn page(
    view: &dyn Snapshot,
    after: Option<u64>,
    direction: Direction,
    limit: usize,
) -> Result<Vec<(u64, Row)>, StoreError> {
    let after = after.map(|number| (NODE, number));
    let rows = ROWS.page_towards(view, after.as_ref(), direction, limit)?;
    Ok(rows.into_iter().map(|((_, number), row)| (number, row)).collect())
}

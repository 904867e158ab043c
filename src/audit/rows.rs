//! The rows: numbered without a gap and chained, for each node by itself.

use crate::base::NodeId;
use crate::crypto::{Digest, SealingKey};
use crate::store::{Direction, Field, Snapshot, StoreError, Table, record, schema};

use super::Entry;

/// The log of one node, and what proves it.
#[derive(Clone, Copy)]
pub struct Chain<'a> {
    /// Who writes it.
    pub node: NodeId,
    /// The key under which its head is signed.
    pub seal: &'a SealingKey,
}

/// A numbered row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The entry that it records.
    pub entry: Entry,
    /// The digest of this row and of the one before.
    pub chained: Digest,
}
record!(Row, version 1, { entry, chained });

pub(crate) const ROWS: Table<(NodeId, u64), Row> = Table::at(schema::AUDIT);

/// Rows read at a time.
pub(super) const PAGE: usize = 200;

pub(super) fn chained(before: &Digest, number: u64, entry: &Entry) -> Digest {
    let mut bytes = before.0.to_vec();
    bytes.extend(number.to_be_bytes());
    entry.put(&mut bytes);
    Digest::of(&bytes)
}

/// Returns rows with their numbers: the first ones behind `after` in this direction, at most `limit`.
pub fn page(
    view: &dyn Snapshot,
    node: NodeId,
    after: Option<u64>,
    direction: Direction,
    limit: usize,
) -> Result<Vec<(u64, Row)>, StoreError> {
    let after = after.map(|number| (node, number));
    let rows = ROWS.page_under(view, &node, (after.as_ref(), direction), limit)?;
    Ok(rows.into_iter().map(|((_, number), row)| (number, row)).collect())
}

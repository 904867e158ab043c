//! The head of the chain and its mark: what is known of all rows, authenticated by the sealing key, in two places.

use std::fmt;
use std::ops::Bound;

use crate::base::NodeId;
use crate::crypto::{Digest, constant_time_eq};
use crate::store::{Direction, Key, KeySpan, LogEnd, Snapshot, StoreError, Table, Transaction, record, schema};

use super::rows::{Chain, ROWS};

/// What is known of the whole chain.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The number of the oldest row that is kept.
    pub(super) first: u64,
    /// The digest that the oldest row is chained to.
    pub(super) before_first: Digest,
    /// The number that the next row gets.
    pub(super) next: u64,
    /// The digest in the newest row.
    pub(super) last: Digest,
    /// Proves that whoever wrote this had the sealing key.
    pub(super) code: [u8; 32],
    /// The number of the row that reports that the log had been changed from outside; 0 as long as it never was. None
    /// in heads of older programs, which left no mark beside it.
    pub(super) broken_at: Option<u64>,
}
record!(Head, version 2, { first, before_first, next, last, code }, since 2 { broken_at });

/// The same numbers once more, elsewhere: by it a head that is gone, or was set back, is noticed.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(super) next: u64,
    broken_at: u64,
    code: [u8; 32],
}
record!(Mark, version 1, { next, broken_at, code });

pub(crate) const HEADS: Table<NodeId, Head> = Table::at(schema::AUDIT_HEADS);
pub(crate) const MARKS: Table<NodeId, Mark> = Table::at(schema::AUDIT_MARKS);

/// Returns the digest that the first row of a new chain is chained to.
pub(super) fn start() -> Digest {
    Digest::of(b"gatelodge audit/1")
}

impl Head {
    pub(super) fn new(first: u64, broken_at: u64) -> Self {
        Self { first, before_first: start(), next: first, last: start(), code: [0; 32], broken_at: Some(broken_at) }
    }

    // Under the key that is in force, not under what outlives its rotation: whoever has an old key must not write a log.
    pub(super) fn code(&self, chain: Chain<'_>) -> [u8; 32] {
        let numbers = [self.first.to_be_bytes(), self.next.to_be_bytes()].concat();
        match self.broken_at {
            None => code(chain, b"gatelodge audit head/1", &[&numbers, &self.before_first.0, &self.last.0]),
            Some(broken_at) => {
                let numbers = [numbers, broken_at.to_be_bytes().to_vec()].concat();
                code(chain, b"gatelodge audit head/2", &[&numbers, &self.before_first.0, &self.last.0])
            }
        }
    }

    pub(super) fn is_ours(&self, chain: Chain<'_>) -> bool {
        constant_time_eq(&self.code(chain), &self.code)
    }

    /// Writes it and its mark, under this key.
    pub(super) fn save(mut self, tx: &mut dyn Transaction, chain: Chain<'_>) -> Result<(), StoreError> {
        let broken_at = self.broken_at.unwrap_or_default();
        self.broken_at = Some(broken_at);
        self.code = self.code(chain);
        let mut mark = Mark { next: self.next, broken_at, code: [0; 32] };
        mark.code = mark.code(chain);
        MARKS.put(tx, &chain.node, &mark)?;
        HEADS.put(tx, &chain.node, &self)
    }
}

impl Mark {
    fn code(&self, chain: Chain<'_>) -> [u8; 32] {
        code(chain, b"gatelodge audit mark/1", &[&self.next.to_be_bytes(), &self.broken_at.to_be_bytes()])
    }

    pub(super) fn is_ours(&self, chain: Chain<'_>) -> bool {
        constant_time_eq(&self.code(chain), &self.code)
    }
}

/// The code of a head or a mark. Nodes but the first are named in it: what one node signed proves nothing about another's log.
fn code(chain: Chain<'_>, label: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    if chain.node == NodeId::ONE {
        return chain.seal.mark(label, parts);
    }
    chain.seal.mark(label, &[parts, &[&chain.node.number().to_be_bytes()]].concat())
}

/// Where a chain does not hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Broken {
    /// The head is missing, although there are rows, or there must have been.
    NoHead,
    /// The head was not written with this store's sealing key.
    Head,
    /// The mark is missing, was not written with this store's sealing key, or is of another head.
    Mark,
    /// This row is missing.
    Missing(u64),
    /// This row, or one before it, was changed.
    Changed(u64),
    /// This row stands where the head knows of none.
    Surplus(u64),
    /// The log was found broken before, as this row reports; what was written since holds.
    Before(u64),
    /// The log ends before this row, which it had when a backup was made.
    Shorter(u64),
    /// This row differs from what it was when a backup was made.
    Replaced(u64),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHead => f.write_str("the log's head is missing"),
            Self::Head => f.write_str("the log's head was not written with this store's key"),
            Self::Mark => f.write_str("the log's head and its mark do not belong together"),
            Self::Missing(number) => write!(f, "row {number} is missing"),
            Self::Changed(number) => write!(f, "row {number} is not what was written"),
            Self::Surplus(number) => write!(f, "row {number} was added from outside"),
            Self::Before(number) => write!(
                f,
                "the log had been changed from outside when row {number} was written, which tells how; what stands before it proves nothing, what follows holds"
            ),
            Self::Shorter(number) => {
                write!(f, "the log ends before row {number}, which it had when the backup was made")
            }
            Self::Replaced(number) => write!(f, "row {number} is another than when the backup was made"),
        }
    }
}

/// Takes a record that cannot be read for a break of the chain, not for a failure of the store.
fn readable<T>(read: Result<T, StoreError>, or: Broken) -> Result<Result<T, Broken>, StoreError> {
    match read {
        Err(StoreError::Damaged(_)) => Ok(Err(or)),
        other => other.map(Ok),
    }
}

/// Whether the caller may be in the middle of an act, whose own row is still to come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum When {
    /// It may: an account can be there before its row.
    InAnAct,
    /// It is not: whatever there is was committed.
    AtRest,
}

/// The head, if it and its mark are ours and fit.
pub(super) fn proved(view: &dyn Snapshot, chain: Chain<'_>, when: When) -> Result<Result<Head, Broken>, StoreError> {
    let (head, mark) = match (
        readable(HEADS.get(view, &chain.node), Broken::Head)?,
        readable(MARKS.get(view, &chain.node), Broken::Mark)?,
    ) {
        (Ok(head), Ok(mark)) => (head, mark),
        (Err(broken), _) | (_, Err(broken)) => return Ok(Err(broken)),
    };
    let Some(head) = head else {
        // Whoever removes the whole log removes its head with it. But every account has a row that reports how it came
        // to be, so a store with accounts has had a log. (Within an act the account may be there before its row.)
        let has_lived = mark.is_some()
            || !is_empty(view, schema::AUDIT)?
            || (when == When::AtRest && !is_empty(view, schema::ACCOUNTS)?);
        return Ok(if has_lived { Err(Broken::NoHead) } else { Ok(Head::new(1, 0)) });
    };
    if !head.is_ours(chain) {
        return Ok(Err(Broken::Head));
    }
    let fits = match (&mark, head.broken_at) {
        // Written by a program that left no marks.
        (None, None) => true,
        (Some(mark), Some(broken_at)) => mark.is_ours(chain) && (mark.next, mark.broken_at) == (head.next, broken_at),
        _ => false,
    };
    Ok(if fits { Ok(head) } else { Err(Broken::Mark) })
}

fn is_empty(view: &dyn Snapshot, range: schema::Range) -> Result<bool, StoreError> {
    Ok(view.scan(&KeySpan::prefix(&[range.prefix]), Direction::Up, 1)?.is_empty())
}

/// As [`proved`], but also checks that the last row is the one that the head names, with
/// none behind it. It costs an append one more read.
pub(super) fn proved_to_its_end(
    view: &dyn Snapshot,
    chain: Chain<'_>,
    when: When,
) -> Result<Result<Head, Broken>, StoreError> {
    let head = match proved(view, chain, when)? {
        Ok(head) => head,
        broken => return Ok(broken),
    };
    let has_rows = head.next > head.first;
    let newest = head.next.saturating_sub(1);
    let after = if has_rows { newest.checked_sub(1) } else { Some(newest) };
    // Over the end of this node's rows into the next one's: there must be none of a node that has no log.
    let after = after.map_or((chain.node, 0), |after| (chain.node, after));
    let rows = match readable(ROWS.page(view, Some(&after), 2), Broken::Changed(newest))? {
        Ok(rows) => rows,
        Err(broken) => return Ok(Err(broken)),
    };
    let mut rows = rows.into_iter();
    if has_rows {
        match rows.next() {
            Some((key, row)) if key == (chain.node, newest) && row.chained == head.last => {}
            Some((key, _)) if key == (chain.node, newest) => return Ok(Err(Broken::Changed(newest))),
            _ => return Ok(Err(Broken::Missing(newest))),
        }
    }
    Ok(match rows.next() {
        Some(((node, number), _)) if node == chain.node || !has_log(view, node)? => Err(Broken::Surplus(number)),
        _ => Ok(head),
    })
}

/// Whether a node keeps a log here. One whose head cannot be read does.
fn has_log(view: &dyn Snapshot, node: NodeId) -> Result<bool, StoreError> {
    Ok(readable(HEADS.get(view, &node), Broken::Head)?.map_or(true, |head| head.is_some()))
}

/// The first row of a node that keeps no log: by its key alone, since it may be one that cannot be read.
pub(super) fn stray(view: &dyn Snapshot, own: NodeId) -> Result<Option<Vec<u8>>, StoreError> {
    let mut span = KeySpan::prefix(&[schema::AUDIT.prefix]);
    loop {
        let Some((key, _)) = view.scan(&span, Direction::Up, 1)?.into_iter().next() else { return Ok(None) };
        let Some(node) = NodeId::take(&mut key.get(1..).unwrap_or_default()) else { return Ok(Some(key)) };
        if node != own && !has_log(view, node)? {
            return Ok(Some(key));
        }
        let last = [&[schema::AUDIT.prefix][..], &node.number().to_be_bytes(), &[u8::MAX; 9]].concat();
        span.from = Bound::Excluded(last);
    }
}

/// The number in the key of a row, whoever wrote it.
pub(super) fn number_in(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// Where the log of a node ends, by its head: what a backup tells of it. None if nothing was ever noted, or the head cannot be read.
pub fn end(view: &dyn Snapshot, node: NodeId) -> Result<Option<LogEnd>, StoreError> {
    let head = readable(HEADS.get(view, &node), Broken::Head)?;
    Ok(head.ok().flatten().map(|head| LogEnd::new(head.first, head.next, &head.last)))
}

/// Whether the log still goes through the row with which it ended when a backup was made. A log that was replaced as a whole by
/// an older state of itself holds; only what lies elsewhere tells.
pub fn goes_on_from(view: &dyn Snapshot, chain: Chain<'_>, witness: &LogEnd) -> Result<Result<(), Broken>, StoreError> {
    let head = match proved(view, chain, When::AtRest)? {
        Ok(head) => head,
        Err(broken) => return Ok(Err(broken)),
    };
    let Some(newest) = witness.next.checked_sub(1).filter(|newest| *newest > 0) else { return Ok(Ok(())) };
    if head.next <= newest {
        return Ok(Err(Broken::Shorter(newest)));
    }
    // A row that went because of its age proves nothing any more.
    if newest < head.first {
        return Ok(Ok(()));
    }
    let row = match readable(ROWS.get(view, &(chain.node, newest)), Broken::Changed(newest))? {
        Ok(row) => row,
        Err(broken) => return Ok(Err(broken)),
    };
    let is_there = row.is_some_and(|row| LogEnd::new(witness.first, witness.next, &row.chained) == *witness);
    Ok(if is_there { Ok(()) } else { Err(Broken::Replaced(newest)) })
}

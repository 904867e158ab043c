//! The rows, their chain, and its head.

use crate::base::Timestamp;
use crate::crypto::{Digest, SealingKey, constant_time_eq};
use crate::store::{Direction, Field, LogEnd, Snapshot, StoreError, Table, Transaction, record, schema};

use super::Entry;

/// Which process writes the chain: with an engine for several, each has its own.
const NODE: u32 = 1;

/// A numbered row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it says.
    pub entry: Entry,
    /// The digest of this row and of the one before.
    pub chained: Digest,
}
record!(Row, version 1, { entry, chained });

/// What is known of the whole chain.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The number of the oldest row that is kept.
    first: u64,
    /// What the oldest row is chained to.
    before_first: Digest,
    /// The number that the next row gets.
    next: u64,
    /// The digest in the newest row.
    last: Digest,
    /// Proves that whoever wrote this had the sealing key.
    code: [u8; 32],
}
record!(Head, version 1, { first, before_first, next, last, code });

pub(crate) const ROWS: Table<(u32, u64), Row> = Table::at(schema::AUDIT);
pub(crate) const HEADS: Table<u32, Head> = Table::at(schema::AUDIT_HEADS);

/// Rows read at a time.
const PAGE: usize = 200;

impl Head {
    fn new() -> Self {
        let start = Digest::of(b"gatelodge audit/1");
        Self { first: 1, before_first: start, next: 1, last: start, code: [0; 32] }
    }

    fn code(&self, seal: &SealingKey) -> [u8; 32] {
        let numbers = [self.first.to_be_bytes(), self.next.to_be_bytes()].concat();
        seal.code(b"gatelodge audit head/1", &[&numbers, &self.before_first.0, &self.last.0])
    }

    fn save(mut self, tx: &mut dyn Transaction, seal: &SealingKey) -> Result<(), StoreError> {
        self.code = self.code(seal);
        HEADS.put(tx, &NODE, &self)
    }
}

fn chained(before: &Digest, number: u64, entry: &Entry) -> Digest {
    let mut bytes = before.0.to_vec();
    bytes.extend(number.to_be_bytes());
    entry.put(&mut bytes);
    Digest::of(&bytes)
}

/// Writes a row in the transaction of the act it tells of. Gives its number.
///
/// # Errors
/// When the store fails.
pub fn record(tx: &mut dyn Transaction, seal: &SealingKey, entry: Entry) -> Result<u64, StoreError> {
    let mut head = HEADS.get(tx, &NODE)?.unwrap_or_else(Head::new);
    let number = head.next;
    let chained = chained(&head.last, number, &entry);
    ROWS.put(tx, &(NODE, number), &Row { entry, chained })?;
    head.next += 1;
    head.last = chained;
    head.save(tx, seal)?;
    Ok(number)
}

/// Rows with their numbers: the first in this direction behind `after`, at most `limit`.
///
/// # Errors
/// When the store fails or a row is damaged.
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

/// Where the log ends, by its head: what a backup tells of it. None if nothing was ever noted.
///
/// # Errors
/// When the store fails.
pub fn end(view: &dyn Snapshot) -> Result<Option<LogEnd>, StoreError> {
    let head = HEADS.get(view, &NODE)?;
    Ok(head.map(|head| LogEnd::new(head.first, head.next, &head.last)))
}

/// A chain that holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Verified {
    /// How many rows it has.
    pub rows: u64,
    /// The number of the oldest.
    pub first: u64,
    /// The number that the next one gets.
    pub next: u64,
}

/// Where a chain does not hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Broken {
    /// The head is missing, although there are rows.
    NoHead,
    /// The head was not written with this store's sealing key.
    Head,
    /// This row is missing.
    Missing(u64),
    /// This row, or one before it, was changed.
    Changed(u64),
    /// This row stands where the head knows of none.
    Surplus(u64),
}

/// Follows the chain from its first row to its head.
///
/// # Errors
/// When the store fails or a row is damaged.
pub fn verify(view: &dyn Snapshot, seal: &SealingKey) -> Result<Result<Verified, Broken>, StoreError> {
    let Some(head) = HEADS.get(view, &NODE)? else {
        let is_empty = page(view, None, Direction::Up, 1)?.is_empty();
        return Ok(if is_empty { Ok(Verified { rows: 0, first: 1, next: 1 }) } else { Err(Broken::NoHead) });
    };
    if !constant_time_eq(&head.code(seal), &head.code) {
        return Ok(Err(Broken::Head));
    }
    let (mut expected, mut before) = (head.first, head.before_first);
    let mut after = None;
    loop {
        let rows = page(view, after, Direction::Up, PAGE)?;
        for (number, row) in &rows {
            if *number > expected && expected < head.next {
                return Ok(Err(Broken::Missing(expected)));
            }
            if *number != expected || expected >= head.next {
                return Ok(Err(Broken::Surplus(*number)));
            }
            if chained(&before, *number, &row.entry) != row.chained {
                return Ok(Err(Broken::Changed(*number)));
            }
            (expected, before) = (expected + 1, row.chained);
        }
        after = rows.last().map(|(number, _)| *number).or(after);
        if rows.len() < PAGE {
            break;
        }
    }
    if expected < head.next {
        return Ok(Err(Broken::Missing(expected)));
    }
    // The last digest is the head's as well, or the last row was changed together with its digest.
    if before != head.last {
        return Ok(Err(Broken::Changed(head.next - 1)));
    }
    Ok(Ok(Verified { rows: head.next - head.first, first: head.first, next: head.next }))
}

/// Removes up to `limit` of the oldest rows, as far as they are older than `before`. What is left is still a chain.
/// True if there may be more to remove.
///
/// # Errors
/// When the store fails or a row is damaged.
pub fn retain(
    tx: &mut dyn Transaction,
    seal: &SealingKey,
    before: Timestamp,
    limit: usize,
) -> Result<bool, StoreError> {
    let Some(mut head) = HEADS.get(tx, &NODE)? else { return Ok(false) };
    let rows = page(tx, None, Direction::Up, limit)?;
    let old = rows.iter().take_while(|(_, row)| row.entry.at < before);
    let mut count = 0;
    for (number, row) in old {
        ROWS.delete(tx, &(NODE, *number))?;
        (head.first, head.before_first) = (number + 1, row.chained);
        count += 1;
    }
    if count > 0 {
        head.save(tx, seal)?;
    }
    Ok(count == limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Act, Actor, Outcome};
    use crate::base::{AccountId, ClockState, Moment};
    use crate::store::{Commit, Engine, MemoryEngine};

    fn seal() -> SealingKey {
        SealingKey::draw(&mut Moment::new(Timestamp::default(), [3; 32]))
    }

    fn entry(second: u64) -> Entry {
        Entry {
            at: Timestamp::from_seconds(second),
            clock: ClockState::Sure,
            act: Act::Login,
            outcome: Outcome::WrongPassword,
            actor: Actor::Anyone,
            network: "192.0.2.1".into(),
            subject: AccountId::from_bytes([7; 16]).into(),
            detail: String::new(),
        }
    }

    fn in_transaction<T>(engine: &MemoryEngine, mut work: impl FnMut(&mut dyn Transaction) -> T) -> T {
        let mut outcome = None;
        engine
            .write(&mut |tx| {
                outcome = Some(work(tx));
                Ok(Commit::Yes)
            })
            .expect("memory does not fail");
        outcome.expect("it ran")
    }

    /// A chain of `count` rows, one each second.
    fn chain(count: u64) -> MemoryEngine {
        let engine = MemoryEngine::default();
        for second in 1..=count {
            let number = in_transaction(&engine, |tx| record(tx, &seal(), entry(second)));
            assert_eq!(number, Ok(second));
        }
        engine
    }

    fn verdict(engine: &MemoryEngine) -> Result<Verified, Broken> {
        in_transaction(engine, |tx| verify(tx, &seal())).expect("memory does not fail")
    }

    #[test]
    fn a_chain_that_nobody_touched_holds() {
        assert_eq!(verdict(&chain(0)), Ok(Verified { rows: 0, first: 1, next: 1 }));
        assert_eq!(verdict(&chain(1)), Ok(Verified { rows: 1, first: 1, next: 2 }));
        assert_eq!(verdict(&chain(450)), Ok(Verified { rows: 450, first: 1, next: 451 }));
    }

    #[test]
    fn a_missing_row_is_noticed_wherever_it_stood() {
        for gone in [1, 2, 200, 201, 449, 450] {
            let engine = chain(450);
            in_transaction(&engine, |tx| ROWS.delete(tx, &(NODE, gone))).expect("deleted");
            assert_eq!(verdict(&engine), Err(Broken::Missing(gone)));
        }
    }

    #[test]
    fn a_changed_row_is_noticed() {
        for changed in [1, 5, 10] {
            let engine = chain(10);
            in_transaction(&engine, |tx| {
                let mut row = ROWS.get(tx, &(NODE, changed))?.ok_or(StoreError::Unavailable)?;
                row.entry.outcome = Outcome::Done;
                ROWS.put(tx, &(NODE, changed), &row)
            })
            .expect("changed");
            assert_eq!(verdict(&engine), Err(Broken::Changed(changed)));
        }
    }

    #[test]
    fn a_tail_that_was_cut_and_mended_needs_the_sealing_key() {
        let engine = chain(10);
        in_transaction(&engine, |tx| {
            let mut head = HEADS.get(tx, &NODE)?.ok_or(StoreError::Unavailable)?;
            ROWS.delete(tx, &(NODE, 10))?;
            let ninth = ROWS.get(tx, &(NODE, 9))?.ok_or(StoreError::Unavailable)?;
            (head.next, head.last) = (10, ninth.chained);
            HEADS.put(tx, &NODE, &head)
        })
        .expect("cut");
        assert_eq!(verdict(&engine), Err(Broken::Head));
    }

    #[test]
    fn a_surplus_row_is_noticed() {
        let engine = chain(3);
        in_transaction(&engine, |tx| ROWS.put(tx, &(NODE, 4), &Row { entry: entry(4), chained: Digest([0; 32]) }))
            .expect("added");
        assert_eq!(verdict(&engine), Err(Broken::Surplus(4)));
    }

    #[test]
    fn what_is_kept_after_the_oldest_went_is_still_a_chain() {
        let engine = chain(10);
        let more = in_transaction(&engine, |tx| retain(tx, &seal(), Timestamp::from_seconds(8), 5));
        assert_eq!(more, Ok(true));
        let more = in_transaction(&engine, |tx| retain(tx, &seal(), Timestamp::from_seconds(8), 5));
        assert_eq!(more, Ok(false));
        assert_eq!(verdict(&engine), Ok(Verified { rows: 3, first: 8, next: 11 }));
        assert_eq!(in_transaction(&engine, |tx| record(tx, &seal(), entry(11))), Ok(11));
        assert_eq!(verdict(&engine).map(|verified| verified.rows), Ok(4));
    }
}

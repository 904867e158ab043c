//! The chain as a whole: beginning it, appending to it, verifying it from end to end, cutting its old end.

use crate::base::Moment;
use crate::base::Timestamp;
use crate::store::{Direction, Snapshot, StoreError, Transaction};

use super::Entry;
use super::append::{append, note_break};
use super::head::{Broken, HEADS, When, number_in, proved, proved_to_its_end, stray};
use super::rows::{Chain, PAGE, ROWS, chained, page};

/// Writes a row in the transaction of the act that it reports, and returns its number.
///
/// Before the head is signed anew it is looked at: signing whatever lies there would make a log that somebody cut a whole one
/// again. See `note_break` for what follows when it does not hold.
pub fn record(tx: &mut dyn Transaction, chain: Chain<'_>, entry: Entry) -> Result<u64, StoreError> {
    let head = match proved_to_its_end(tx, chain, When::InAnAct)? {
        Ok(head) => head,
        Err(broken) => note_break(tx, chain, broken, (entry.at, entry.clock))?,
    };
    append(tx, chain, head, entry)
}

/// Begins the log of a store that was only just made, and looks at the end of every other when it is opened, before anything is
/// written: of a log that is gone altogether nothing is left by which [`record()`] could tell it from one that never was.
pub fn begin(tx: &mut dyn Transaction, moment: &Moment, chain: Chain<'_>) -> Result<(), StoreError> {
    match proved_to_its_end(tx, chain, When::AtRest)? {
        Ok(head) if matches!(HEADS.get(tx, &chain.node), Ok(None)) => head.save(tx, chain),
        Ok(_) => Ok(()),
        Err(broken) => go_on_after(tx, moment, chain, broken),
    }
}

/// A chain that holds, and its extent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Verified {
    /// The number of rows.
    pub rows: u64,
    /// The number of the oldest row.
    pub first: u64,
    /// The number that the next row gets.
    pub next: u64,
}

/// Follows the chain from its first row to its head.
pub fn verify(view: &dyn Snapshot, chain: Chain<'_>) -> Result<Result<Verified, Broken>, StoreError> {
    let head = match proved(view, chain, When::AtRest)? {
        Ok(head) => head,
        Err(broken) => return Ok(Err(broken)),
    };
    let broken_at = head.broken_at.unwrap_or_default();
    let (mut expected, mut before) = (head.first, head.before_first);
    // Rows from before a break stand ahead of the new beginning, and prove nothing.
    let mut after = if broken_at > 0 { head.first.checked_sub(1) } else { None };
    loop {
        let rows = page(view, chain.node, after, Direction::Up, PAGE)?;
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
    // The head holds the last digest as well, or the last row could be changed together with its own.
    if before != head.last {
        return Ok(Err(Broken::Changed(head.next - 1)));
    }
    if let Some(key) = stray(view, chain.node)? {
        return Ok(Err(Broken::Surplus(number_in(&key).unwrap_or_default())));
    }
    if broken_at > 0 {
        return Ok(Err(Broken::Before(broken_at)));
    }
    Ok(Ok(Verified { rows: head.next - head.first, first: head.first, next: head.next }))
}

/// Records for good what [`verify`] found, where [`record()`] would not notice it by
/// itself; somebody decided to go on all the same.
pub fn go_on_after(
    tx: &mut dyn Transaction,
    moment: &Moment,
    chain: Chain<'_>,
    broken: Broken,
) -> Result<(), StoreError> {
    note_break(tx, chain, broken, (moment.now(), moment.clock())).map(drop)
}

/// Removes up to `limit` of the oldest rows, as far as they are older than `before`. What is left is still
/// a chain. True if there may be more to remove.
///
/// Each row is verified before it goes: the new beginning is signed, and rows that somebody took
/// away at the old one would not be missed any more.
pub fn retain(
    tx: &mut dyn Transaction,
    moment: &Moment,
    chain: Chain<'_>,
    before: Timestamp,
    limit: usize,
) -> Result<bool, StoreError> {
    let mut head = match proved_to_its_end(tx, chain, When::InAnAct)? {
        Ok(head) => head,
        Err(broken) => return go_on_after(tx, moment, chain, broken).map(|()| false),
    };
    let rows = match page(tx, chain.node, None, Direction::Up, limit) {
        // What cannot be read is left for whoever looks into it; the rest of a sweep goes on.
        Err(StoreError::Damaged(what)) => {
            tracing::error!("old rows of the audit log stay, because one cannot be read: {what}");
            return Ok(false);
        }
        rows => rows?,
    };
    let mut count = 0;
    for (number, row) in rows.iter().take_while(|(_, row)| row.entry.at < before) {
        // Rows before the first are those from before a break: there is nothing left to verify them by.
        if *number >= head.first {
            let found = match number.cmp(&head.first) {
                _ if *number >= head.next => Some(Broken::Surplus(*number)),
                std::cmp::Ordering::Greater => Some(Broken::Missing(head.first)),
                _ if chained(&head.before_first, *number, &row.entry) != row.chained => Some(Broken::Changed(*number)),
                _ => None,
            };
            if let Some(broken) = found {
                return go_on_after(tx, moment, chain, broken).map(|()| false);
            }
            (head.first, head.before_first) = (number + 1, row.chained);
        }
        ROWS.delete(tx, &(chain.node, *number))?;
        count += 1;
    }
    if count > 0 {
        head.save(tx, chain)?;
    }
    Ok(count == limit)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::audit::head::MARKS;
    use crate::audit::{Act, Actor, Outcome, Row, end, goes_on_from};
    use crate::base::{AccountId, ClockState, Moment, NodeId};
    use crate::crypto::{Digest, SealingKey};
    use crate::store::{Commit, Engine, MemoryEngine, schema};

    fn chain() -> Chain<'static> {
        static SEAL: LazyLock<SealingKey> =
            LazyLock::new(|| SealingKey::draw(&mut Moment::new(Timestamp::default(), [3; 32])));
        Chain { node: NodeId::ONE, seal: &SEAL }
    }

    fn moment() -> Moment {
        Moment::new(Timestamp::from_seconds(100), [4; 32])
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

    /// A log of `count` rows, one each second.
    fn log_of(count: u64) -> MemoryEngine {
        let engine = MemoryEngine::default();
        for second in 1..=count {
            let number = in_transaction(&engine, |tx| record(tx, chain(), entry(second)));
            assert_eq!(number, Ok(second));
        }
        engine
    }

    fn verdict(engine: &MemoryEngine) -> Result<Verified, Broken> {
        in_transaction(engine, |tx| verify(tx, chain())).expect("memory does not fail")
    }

    #[test]
    fn a_chain_that_nobody_touched_holds() {
        assert_eq!(verdict(&log_of(0)), Ok(Verified { rows: 0, first: 1, next: 1 }));
        assert_eq!(verdict(&log_of(1)), Ok(Verified { rows: 1, first: 1, next: 2 }));
        assert_eq!(verdict(&log_of(450)), Ok(Verified { rows: 450, first: 1, next: 451 }));
    }

    #[test]
    fn a_missing_row_is_noticed_wherever_it_stood() {
        for gone in [1, 2, 200, 201, 449, 450] {
            let engine = log_of(450);
            in_transaction(&engine, |tx| ROWS.delete(tx, &(NodeId::ONE, gone))).expect("deleted");
            assert_eq!(verdict(&engine), Err(Broken::Missing(gone)));
        }
    }

    #[test]
    fn a_changed_row_is_noticed() {
        for changed in [1, 5, 10] {
            let engine = log_of(10);
            in_transaction(&engine, |tx| {
                let mut row = ROWS.get(tx, &(NodeId::ONE, changed))?.ok_or(StoreError::Unavailable)?;
                row.entry.outcome = Outcome::Done;
                ROWS.put(tx, &(NodeId::ONE, changed), &row)
            })
            .expect("changed");
            assert_eq!(verdict(&engine), Err(Broken::Changed(changed)));
        }
    }

    #[test]
    fn a_tail_that_was_cut_and_mended_needs_the_sealing_key() {
        let engine = log_of(10);
        in_transaction(&engine, |tx| {
            let mut head = HEADS.get(tx, &NodeId::ONE)?.ok_or(StoreError::Unavailable)?;
            ROWS.delete(tx, &(NodeId::ONE, 10))?;
            let ninth = ROWS.get(tx, &(NodeId::ONE, 9))?.ok_or(StoreError::Unavailable)?;
            (head.next, head.last) = (10, ninth.chained);
            HEADS.put(tx, &NodeId::ONE, &head)
        })
        .expect("cut");
        assert_eq!(verdict(&engine), Err(Broken::Head));
    }

    #[test]
    fn a_surplus_row_is_noticed() {
        let engine = log_of(3);
        in_transaction(&engine, |tx| {
            ROWS.put(tx, &(NodeId::ONE, 4), &Row { entry: entry(4), chained: Digest([0; 32]) })
        })
        .expect("added");
        assert_eq!(verdict(&engine), Err(Broken::Surplus(4)));
    }

    #[test]
    fn what_is_kept_after_the_oldest_went_is_still_a_chain() {
        let engine = log_of(10);
        let more = in_transaction(&engine, |tx| retain(tx, &moment(), chain(), Timestamp::from_seconds(8), 5));
        assert_eq!(more, Ok(true));
        let more = in_transaction(&engine, |tx| retain(tx, &moment(), chain(), Timestamp::from_seconds(8), 5));
        assert_eq!(more, Ok(false));
        assert_eq!(verdict(&engine), Ok(Verified { rows: 3, first: 8, next: 11 }));
        assert_eq!(in_transaction(&engine, |tx| record(tx, chain(), entry(11))), Ok(11));
        assert_eq!(verdict(&engine).map(|verified| verified.rows), Ok(4));
    }

    type Tampering = fn(&mut dyn Transaction) -> Result<(), StoreError>;

    fn row(tx: &mut dyn Transaction, number: u64) -> Row {
        ROWS.get(tx, &(NodeId::ONE, number)).expect("readable").expect("there")
    }

    fn take_away(tx: &mut dyn Transaction, numbers: std::ops::RangeInclusive<u64>) -> Result<(), StoreError> {
        numbers.into_iter().try_for_each(|number| ROWS.delete(tx, &(NodeId::ONE, number)))
    }

    /// Sets the head back to an earlier row, as whoever has not the key can: with the code that is there.
    fn set_back(tx: &mut dyn Transaction, to: u64) -> Result<(), StoreError> {
        let mut head = HEADS.get(tx, &NodeId::ONE)?.ok_or(StoreError::Unavailable)?;
        (head.next, head.last) = (to + 1, row(tx, to).chained);
        HEADS.put(tx, &NodeId::ONE, &head)
    }

    const ALL_OF_IT: &str = "all of it, in a store that has lived";

    /// What an intruder does to the end of a log of ten rows, and what there is to see of it.
    const TAMPERINGS: &[(&str, Tampering, Broken)] = &[
        ("the newest row", |tx| take_away(tx, 10..=10), Broken::Missing(10)),
        (
            "the newest rows, and the head set back",
            |tx| take_away(tx, 9..=10).and_then(|()| set_back(tx, 8)),
            Broken::Head,
        ),
        (
            "another newest row",
            |tx| {
                let mut changed = row(tx, 10);
                changed.entry.outcome = Outcome::Done;
                changed.chained = chained(&row(tx, 9).chained, 10, &changed.entry);
                ROWS.put(tx, &(NodeId::ONE, 10), &changed)
            },
            Broken::Changed(10),
        ),
        (
            "one row more",
            |tx| ROWS.put(tx, &(NodeId::ONE, 11), &Row { entry: entry(11), chained: Digest([0; 32]) }),
            Broken::Surplus(11),
        ),
        (
            "the last number there is",
            |tx| ROWS.put(tx, &(NodeId::ONE, u64::MAX), &Row { entry: entry(11), chained: Digest([0; 32]) }),
            Broken::Surplus(u64::MAX),
        ),
        (
            "a row of nobody's",
            |tx| ROWS.put(tx, &(NodeId::from_number(2), 5), &Row { entry: entry(11), chained: Digest([0; 32]) }),
            Broken::Surplus(5),
        ),
        ("no head", |tx| HEADS.delete(tx, &NodeId::ONE), Broken::NoHead),
        (
            "no head and no rows",
            |tx| take_away(tx, 1..=10).and_then(|()| HEADS.delete(tx, &NodeId::ONE)),
            Broken::NoHead,
        ),
        ("no mark", |tx| MARKS.delete(tx, &NodeId::ONE), Broken::Mark),
        (
            "nothing that can be read",
            |tx| tx.put(&[&[schema::AUDIT_HEADS.prefix][..], &NodeId::ONE.number().to_be_bytes()].concat(), b"?"),
            Broken::Head,
        ),
        (
            ALL_OF_IT,
            |tx| {
                take_away(tx, 1..=10)?;
                HEADS.delete(tx, &NodeId::ONE)?;
                MARKS.delete(tx, &NodeId::ONE)?;
                tx.put(&[&[schema::ACCOUNTS.prefix][..], &[7; 16]].concat(), b"an account")
            },
            Broken::NoHead,
        ),
    ];

    /// The next act must not make a whole log of it again, and must not fail either.
    #[test]
    fn what_somebody_did_to_the_log_is_not_signed_over_by_the_next_row() {
        for (what, tampering, seen) in TAMPERINGS {
            let engine = log_of(10);
            in_transaction(&engine, |tx| tampering(tx)).expect("tampered");
            assert_eq!(verdict(&engine), Err(*seen), "{what}");
            // The store is opened again.
            if *what == ALL_OF_IT {
                in_transaction(&engine, |tx| begin(tx, &moment(), chain())).expect("begun");
            }
            let next = in_transaction(&engine, |tx| record(tx, chain(), entry(11))).expect("acts go on");
            let told = if *what == ALL_OF_IT { 1 } else { next - 1 };
            assert_eq!(verdict(&engine), Err(Broken::Before(told)), "{what}");
            let told = in_transaction(&engine, |tx| row(tx, next - 1).entry);
            assert_eq!((told.act, told.detail), (Act::AuditBroken, seen.to_string()), "{what}");
            for second in 12..15 {
                in_transaction(&engine, |tx| record(tx, chain(), entry(second))).expect("acts go on");
            }
            assert_eq!(verdict(&engine), Err(Broken::Before(next - 1)), "told once: {what}");
            // What is done to the new rows is seen as well.
            in_transaction(&engine, |tx| take_away(tx, next..=next)).expect("tampered");
            assert_eq!(verdict(&engine), Err(Broken::Missing(next)), "{what}");
            // It stays known when the row that tells of it has gone.
            in_transaction(&engine, |tx| record(tx, chain(), entry(15))).expect("acts go on");
            in_transaction(&engine, |tx| retain(tx, &moment(), chain(), Timestamp::from_seconds(1_000), 500))
                .expect("swept");
            assert!(matches!(verdict(&engine), Err(Broken::Before(_))), "{what}");
        }
    }

    /// A whole older state of head and rows, code and all, is told by the mark.
    #[test]
    fn a_head_that_was_put_back_is_noticed() {
        let engine = log_of(5);
        let old = in_transaction(&engine, |tx| HEADS.get(tx, &NodeId::ONE)).expect("readable").expect("there");
        for second in 6..=10 {
            in_transaction(&engine, |tx| record(tx, chain(), entry(second))).expect("written");
        }
        in_transaction(&engine, |tx| {
            take_away(tx, 6..=10)?;
            HEADS.put(tx, &NodeId::ONE, &old)
        })
        .expect("put back");
        assert_eq!(verdict(&engine), Err(Broken::Mark));
        // The mark remembers how far the log had come: no number is given twice.
        assert_eq!(in_transaction(&engine, |tx| record(tx, chain(), entry(11))), Ok(12));
        assert_eq!(verdict(&engine), Err(Broken::Before(11)));
    }

    #[test]
    fn the_sweep_signs_no_beginning_that_somebody_made() {
        let change: Tampering = |tx| {
            let mut first = row(tx, 1);
            first.entry.outcome = Outcome::Done;
            ROWS.put(tx, &(NodeId::ONE, 1), &first)
        };
        for (tampering, broken) in
            [((|tx| take_away(tx, 1..=2)) as Tampering, Broken::Missing(1)), (change, Broken::Changed(1))]
        {
            let engine = log_of(10);
            in_transaction(&engine, |tx| tampering(tx)).expect("tampered");
            let more = in_transaction(&engine, |tx| retain(tx, &moment(), chain(), Timestamp::from_seconds(5), 500));
            assert_eq!(more, Ok(false));
            assert_eq!(verdict(&engine), Err(Broken::Before(11)));
            assert_eq!(in_transaction(&engine, |tx| row(tx, 11).entry.detail), broken.to_string());
        }
    }

    #[test]
    fn the_head_of_an_older_program_is_taken_once_and_gets_a_mark() {
        let engine = log_of(3);
        in_transaction(&engine, |tx| {
            let mut head = HEADS.get(tx, &NodeId::ONE)?.ok_or(StoreError::Unavailable)?;
            head.broken_at = None;
            head.code = head.code(chain());
            HEADS.put(tx, &NodeId::ONE, &head)?;
            MARKS.delete(tx, &NodeId::ONE)
        })
        .expect("as it was");
        assert_eq!(verdict(&engine).map(|verified| verified.rows), Ok(3));
        in_transaction(&engine, |tx| record(tx, chain(), entry(4))).expect("written");
        assert_eq!(verdict(&engine).map(|verified| verified.rows), Ok(4));
        in_transaction(&engine, |tx| MARKS.delete(tx, &NodeId::ONE)).expect("taken away");
        assert_eq!(verdict(&engine), Err(Broken::Mark));
    }

    #[test]
    fn a_log_that_a_backup_knows_better_is_found_out() {
        let (engine, younger) = (log_of(10), log_of(4));
        let witness = in_transaction(&engine, |tx| end(tx, NodeId::ONE)).expect("readable").expect("it has lived");
        let goes_on = |engine: &MemoryEngine| in_transaction(engine, |tx| goes_on_from(tx, chain(), &witness));
        in_transaction(&engine, |tx| record(tx, chain(), entry(11))).expect("written");
        assert_eq!(goes_on(&engine), Ok(Ok(())));
        assert_eq!(verdict(&younger).map(|verified| verified.rows), Ok(4));
        assert_eq!(goes_on(&younger), Ok(Err(Broken::Shorter(10))));
        for second in 5..=11 {
            in_transaction(&younger, |tx| record(tx, chain(), entry(second + 50))).expect("written");
        }
        assert_eq!(goes_on(&younger), Ok(Err(Broken::Replaced(10))));
        in_transaction(&engine, |tx| retain(tx, &moment(), chain(), Timestamp::from_seconds(11), 500)).expect("swept");
        assert_eq!(goes_on(&engine), Ok(Ok(())), "what is gone because of its age says nothing");
    }
}

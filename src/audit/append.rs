//! Appends rows, and goes on behind what was changed from outside.

use crate::base::{ClockState, Moment, Timestamp};
use crate::crypto::SealingKey;
use crate::store::{Direction, KeySpan, StoreError, Transaction, schema};

use super::head::{Broken, HEADS, Head, MARKS, When, number_in, proved_to_its_end, stray};
use super::rows::{Chain, ROWS, Row, chained};
use super::{Act, Entry, Outcome, Source, Subject};

pub(super) fn append(
    tx: &mut dyn Transaction,
    chain: Chain<'_>,
    mut head: Head,
    entry: Entry,
) -> Result<u64, StoreError> {
    let number = head.next;
    let chained = chained(&head.last, number, &entry);
    ROWS.put(tx, &(chain.node, number), &Row { entry, chained })?;
    head.next += 1;
    head.last = chained;
    head.save(tx, chain)?;
    Ok(number)
}

/// The numbers from here on are only used by intruders, who may want to leave none for us.
const MAX_NUMBER: u64 = 1 << 53;
/// Rows of nobody's that are removed at once; any more are found again by the next act.
const MAX_STRAYS: usize = 32;

/// Records that the log was changed from outside, and begins a new chain behind what there is.
///
/// An act must not be refused because of it: whoever broke the log would keep everybody from logging in,
/// and the evidence would end there. Nor must the next row be signed as if nothing had happened: that is
/// what the intruder waits for. So a row reports it, and its number stands in the head, under the key, for
/// good: `verify` reports it ever after, even when the row is long gone. The rows before stay where they
/// are, for whoever wants to compare them with a backup.
pub(super) fn note_break(
    tx: &mut dyn Transaction,
    chain: Chain<'_>,
    broken: Broken,
    (at, clock): (Timestamp, ClockState),
) -> Result<Head, StoreError> {
    tracing::error!("THE AUDIT LOG WAS CHANGED FROM OUTSIDE: {broken}. See `gatelodge audit verify`");
    let number = free_number(tx, chain)?;
    let source = Source::appliance();
    let entry = Entry {
        at,
        clock,
        act: Act::AuditBroken,
        outcome: Outcome::Done,
        actor: source.actor,
        network: source.network,
        subject: Subject::NONE,
        detail: broken.to_string(),
    };
    append(tx, chain, Head::new(number, number), entry)?;
    HEADS.get(tx, &chain.node)?.ok_or(StoreError::Damaged("the head of the audit log"))
}

/// A number behind every row that there is, and behind every one that there was as far as that is proved. Rows that nobody can have
/// written make room.
fn free_number(tx: &mut dyn Transaction, chain: Chain<'_>) -> Result<u64, StoreError> {
    for _ in 0..MAX_STRAYS {
        match stray(tx, chain.node)? {
            Some(key) => tx.delete(&key)?,
            None => break,
        }
    }
    let head = HEADS.get(tx, &chain.node).ok().flatten().filter(|head| head.is_ours(chain)).map(|head| head.next);
    let mark = MARKS.get(tx, &chain.node).ok().flatten().filter(|mark| mark.is_ours(chain)).map(|mark| mark.next);
    let rows = [&[schema::AUDIT.prefix][..], &chain.node.number().to_be_bytes()].concat();
    loop {
        // By the keys alone: a row may be one that cannot be read.
        let newest = tx.scan(&KeySpan::prefix(&rows), Direction::Down, 1)?;
        let Some((key, _)) = newest.into_iter().next() else { break Ok(head.max(mark).unwrap_or(1)) };
        match number_in(&key).filter(|number| key.len() == rows.len() + 8 && *number < MAX_NUMBER) {
            Some(number) => break Ok(head.max(mark).unwrap_or(1).max(number + 1)),
            // Not one that we wrote, and in the way: behind the highest number there would be none for us.
            None => tx.delete(&key)?,
        }
    }
}

/// Has another key prove the log from now on. What does not hold under the old one is noted first, not signed over.
pub fn reseal(tx: &mut dyn Transaction, moment: &Moment, old: Chain<'_>, new: &SealingKey) -> Result<(), StoreError> {
    let head = match proved_to_its_end(tx, old, When::AtRest)? {
        Ok(head) => head,
        Err(broken) => note_break(tx, old, broken, (moment.now(), moment.clock()))?,
    };
    head.save(tx, Chain { seal: new, ..old })
}

//! What is done to every mail of the outbox: some at a time, each time in a transaction of its own, so that nobody waits long for it.

use crate::base::{DAY, MailId, NodeId, Seconds, Timestamp};
use crate::store::{StoreError, Transaction, next_after};

use super::outbox::{MAILS, Mail, MailState, PAUSES, fail, retry, save};

/// Mails that are looked at in one step. Each has a few rows, and a step changes fewer than a hundred.
const PER_STEP: usize = 12;
/// Seconds for which a failed mail is kept for the administrator to see.
const KEEP_FAILED: Seconds = 30 * DAY;

/// What a step came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutboxStep {
    /// How many mails it was done to.
    pub count: usize,
    /// The mail behind which the next step goes on; none at the end.
    pub after: Option<MailId>,
}

/// Runs `work`, which says whether it did anything, on the next mails.
fn step(
    tx: &mut dyn Transaction,
    after: Option<MailId>,
    mut work: impl FnMut(&mut dyn Transaction, MailId, Mail) -> Result<bool, StoreError>,
) -> Result<OutboxStep, StoreError> {
    let page = MAILS.page(tx, after.as_ref(), PER_STEP)?;
    let after = next_after(&page, PER_STEP);
    let mut count = 0;
    for (id, mail) in page {
        count += usize::from(work(tx, id, mail)?);
    }
    Ok(OutboxStep { count, after })
}

/// Queues failed mails that are still useful.
pub fn retry_failed(tx: &mut dyn Transaction, after: Option<MailId>, now: Timestamp) -> Result<OutboxStep, StoreError> {
    step(tx, after, |tx, id, mail| Ok(mail.state == MailState::Failed && retry(tx, id, now)?))
}

/// Has attempts of this node that were under way when it stopped be due at once. Another node's may be under way still: they would
/// arrive twice.
pub fn release_claims(
    tx: &mut dyn Transaction,
    node: NodeId,
    after: Option<MailId>,
    now: Timestamp,
) -> Result<OutboxStep, StoreError> {
    step(tx, after, |tx, id, before| {
        let is_own = before.claimed_by.unwrap_or(NodeId::ONE) == node;
        if before.state != MailState::Sending || !is_own {
            return Ok(false);
        }
        let released = Mail { state: MailState::Queued, due_at: now, ..before.clone() };
        save(tx, id, Some(&before), &released).map(|()| true)
    })
}

/// Has leave what was to leave later than any pause reaches: it was queued or postponed while the clock was ahead.
pub fn bring_forward(
    tx: &mut dyn Transaction,
    after: Option<MailId>,
    now: Timestamp,
) -> Result<OutboxStep, StoreError> {
    let latest = now.plus(PAUSES[PAUSES.len() - 1]);
    step(tx, after, |tx, id, before| {
        if before.state != MailState::Queued || before.due_at <= latest && before.queued_at <= now {
            return Ok(false);
        }
        let queued_at = before.queued_at.min(now);
        save(tx, id, Some(&before), &Mail { queued_at, due_at: now, ..before.clone() }).map(|()| true)
    })
}

/// Lets held mails go that are still useful, and gives up the others; counts those that go.
pub fn release_held(tx: &mut dyn Transaction, after: Option<MailId>, now: Timestamp) -> Result<OutboxStep, StoreError> {
    step(tx, after, |tx, id, mail| {
        if mail.state != MailState::Held {
            return Ok(false);
        }
        if !retry(tx, id, now)? {
            return fail(tx, id, "it comes from a backup, and what it says is no longer useful").map(|()| false);
        }
        Ok(true)
    })
}

/// Forgets failed mails that nobody looked after.
pub fn sweep(tx: &mut dyn Transaction, after: Option<MailId>, now: Timestamp) -> Result<OutboxStep, StoreError> {
    step(tx, after, |tx, id, mail| {
        if mail.state != MailState::Failed || now.since(mail.queued_at) <= KEEP_FAILED {
            return Ok(false);
        }
        MAILS.delete(tx, &id).map(|()| true)
    })
}

/// Holds every mail that waits: this is a store from a backup, and they may have been delivered since. At once, since nobody uses the
/// store yet.
pub fn hold_all(tx: &mut dyn Transaction) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let held = step(tx, after, |tx, id, before| {
            if !matches!(before.state, MailState::Queued | MailState::Sending) {
                return Ok(false);
            }
            save(tx, id, Some(&before), &Mail { state: MailState::Held, ..before.clone() }).map(|()| true)
        })?;
        after = held.after;
        if after.is_none() {
            return Ok(());
        }
    }
}

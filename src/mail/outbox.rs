//! The outbox, where messages wait. One leaves it only when a server has accepted it, or fails visibly.

use crate::base::{DAY, HOUR, MINUTE, MailId, Moment, NodeId, PhoneNumber, Seconds, Timestamp};
use crate::crypto::SealingKey;
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema, stored_enum};

use super::lanes::{self, MAX_FOR_ONE_RECIPIENT, Place, Urgency};
use super::{Addressee, Channel, Composer, Letter, Recipient};

stored_enum! {
    /// The state of a mail in the outbox.
    MailState {
        /// Waits for its next attempt.
        Queued = 0 "queued",
        /// An attempt is under way, or was when the program stopped.
        Sending = 1 "sending",
        /// Was given up; an administrator may queue it again.
        Failed = 2 "failed",
        /// Comes from a backup and may have been delivered since: waits until an administrator releases it.
        Held = 3 "held",
    }
}

/// A mail in the outbox. Its content is sealed: it holds links that let their reader in.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The name of the letter.
    pub letter: String,
    /// The recipient.
    pub to: Recipient,
    pub(super) sealed: Vec<u8>,
    /// Where it is on its way.
    pub state: MailState,
    /// The number of attempts.
    pub attempts: u32,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When it is tried next; while it is being sent, when the attempt counts as lost.
    pub due_at: Timestamp,
    /// The time from which delivering it makes no sense.
    pub useful_until: Timestamp,
    /// The outcome of the last attempt, if one failed.
    pub last_error: Option<String>,
    /// Which lane it leaves by: the lower goes first.
    pub(super) lane: u32,
    /// Which node sends it, or sent it last. None until one does, and in mails that were sent when there was only one.
    pub(super) claimed_by: Option<NodeId>,
}
record!(Mail, version 3, { letter, to, sealed, state, attempts, queued_at, due_at, useful_until, last_error }, since 2 {
    lane,
}, since 3 {
    claimed_by,
});

pub(crate) const MAILS: Table<MailId, Mail> = Table::at(schema::MAILS);
/// Pauses after each failed attempt; the last one repeats.
pub(super) const PAUSES: [Seconds; 8] = [10, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR];
/// Seconds after which a mail that nobody took is given up.
pub const GIVE_UP_AFTER: Seconds = 4 * DAY;
/// Seconds after which an attempt whose end was never noted is repeated.
const ATTEMPT_LIMIT: Seconds = 15 * MINUTE;
/// Mails that are sealed anew in one look, so that a long outbox does not fill the memory.
const PAGE: usize = 50;

/// Puts messages into the outbox.
#[derive(Clone, Copy)]
pub struct Mailer<'a> {
    /// Composes mails.
    pub composer: &'a Composer,
    /// Seals what waits.
    pub seal: &'a SealingKey,
}

/// A text message to be sent.
#[derive(Clone, Copy, Debug)]
pub struct TextMessage<'a> {
    /// Its kind, for the log and the list of messages.
    pub kind: &'a str,
    /// Its text.
    pub text: &'a str,
    /// How long it is of use, in seconds.
    pub useful_for: Seconds,
}

/// A message on its way into the outbox.
struct NewMessage<'a> {
    id: MailId,
    to: Recipient,
    kind: &'a str,
    bytes: &'a [u8],
    urgency: Urgency,
    useful_for: Seconds,
}

impl Mailer<'_> {
    /// Queues a letter in the transaction that causes it. None if it cannot be composed: a template
    /// of the administrator's fails with these values.
    pub fn queue(
        self,
        tx: &mut dyn Transaction,
        moment: &mut Moment,
        to: Addressee<'_>,
        letter: &Letter,
    ) -> Result<Option<MailId>, StoreError> {
        let id = MailId::draw_in_order(moment);
        let message = match self.composer.compose(letter, to, id, moment) {
            Ok(message) => message,
            Err(error) => {
                // No error, which would undo the act that causes the mail: a bad
                // template must not keep people from logging in.
                tracing::error!(%error, letter = letter.name(), "a mail could not be put together; it is dropped");
                return Ok(None);
            }
        };
        let (urgency, useful_for) = (letter.urgency(), letter.useful_for());
        let (to, kind, bytes) = (Recipient::Email(to.address.clone()), letter.name(), message.bytes.as_slice());
        self.put(tx, moment, NewMessage { id, to, kind, bytes, urgency, useful_for }).map(Some)
    }

    /// Queues a text message in the transaction that causes it.
    pub fn queue_text(
        self,
        tx: &mut dyn Transaction,
        moment: &mut Moment,
        to: &PhoneNumber,
        TextMessage { kind, text, useful_for }: TextMessage<'_>,
    ) -> Result<MailId, StoreError> {
        let (id, to) = (MailId::draw_in_order(moment), Recipient::Phone(to.clone()));
        let (bytes, urgency) = (text.as_bytes(), Urgency::Awaited);
        self.put(tx, moment, NewMessage { id, to, kind, bytes, urgency, useful_for })
    }

    fn put(
        self,
        tx: &mut dyn Transaction,
        moment: &mut Moment,
        NewMessage { id, to, kind, bytes, urgency, useful_for }: NewMessage<'_>,
    ) -> Result<MailId, StoreError> {
        // By the earlier time: a mail queued while the clock is in doubt must not wait until the later one has come.
        let now = moment.earliest();
        let waiting = make_room(tx, &to, urgency)?;
        let mail = Mail {
            letter: kind.to_owned(),
            to,
            sealed: self.seal.seal(&associated_data(id).each_ref().map(Vec::as_slice), bytes, moment),
            state: MailState::Queued,
            attempts: 0,
            queued_at: now,
            due_at: now,
            useful_until: now.plus(useful_for),
            last_error: None,
            lane: urgency.lane(waiting),
            claimed_by: None,
        };
        save(tx, id, None, &mail)?;
        Ok(id)
    }
}

/// Returns how many messages of the same class wait for a recipient, after giving up the oldest of too many.
fn make_room(tx: &mut dyn Transaction, to: &Recipient, urgency: Urgency) -> Result<usize, StoreError> {
    let mut waiting = Vec::new();
    for id in lanes::waiting_for(tx, to, 2 * MAX_FOR_ONE_RECIPIENT + 1)? {
        let same = MAILS.get(tx, &id)?.filter(|mail| Urgency::of_lane(mail.lane) == urgency);
        waiting.extend(same.map(|mail| (id, mail)));
    }
    let surplus = (waiting.len() + 1).saturating_sub(MAX_FOR_ONE_RECIPIENT);
    // What is being sent now is left alone.
    for (id, mail) in waiting.iter().filter(|(_, mail)| mail.state == MailState::Queued).take(surplus) {
        tracing::warn!(mail.id = %id, letter = mail.letter, "a mail is given up: too many wait for its recipient");
        fail(tx, *id, "too many mails waited for this recipient; later ones take its place")?;
    }
    Ok(waiting.len())
}

fn associated_data(id: MailId) -> [Vec<u8>; 2] {
    [schema::MAILS.name.into(), id.bytes().to_vec()]
}

/// Writes a mail and moves it to its place in the order of due times.
pub(super) fn save(tx: &mut dyn Transaction, id: MailId, before: Option<&Mail>, mail: &Mail) -> Result<(), StoreError> {
    if let Some(before) = before {
        before.turn(id).leave(tx)?;
    }
    if matches!(mail.state, MailState::Queued | MailState::Sending) {
        mail.turn(id).take(tx)?;
    }
    MAILS.put(tx, &id, mail)
}

impl Mail {
    fn turn(&self, id: MailId) -> Place<'_> {
        Place { id, to: &self.to, lane: self.lane, due_at: self.due_at }
    }
}

/// Returns when the next mail is due, if any waits.
pub fn next_due(view: &dyn Snapshot, channel: Channel) -> Result<Option<Timestamp>, StoreError> {
    Ok(lanes::firsts(view, channel)?.into_iter().map(|(due_at, _)| due_at).min())
}

/// Returns the mail whose turn it is, if one is due by now.
pub fn due(view: &dyn Snapshot, channel: Channel, now: Timestamp) -> Result<Option<MailId>, StoreError> {
    Ok(lanes::firsts(view, channel)?.into_iter().find(|(due_at, _)| *due_at <= now).map(|(_, id)| id))
}

/// Notes that an attempt begins and returns the recipient and the bytes. None if the mail is gone, given up, or no
/// longer useful; the last becomes a visible failure.
pub fn claim(
    tx: &mut dyn Transaction,
    (node, seal): (NodeId, &SealingKey),
    id: MailId,
    now: Timestamp,
) -> Result<Option<(Recipient, Vec<u8>)>, StoreError> {
    let Some(before) = MAILS.get(tx, &id)?.filter(|mail| matches!(mail.state, MailState::Queued | MailState::Sending))
    else {
        return Ok(None);
    };
    if now >= before.useful_until {
        let reason = before.last_error.clone().unwrap_or_else(|| "it was never tried".into());
        fail(tx, id, &format!("no longer useful; the last attempt: {reason}"))?;
        return Ok(None);
    }
    // Given up for an administrator to see, rather than an error: the mails behind it must leave.
    let Ok(content) = seal.open(&associated_data(id).each_ref().map(Vec::as_slice), &before.sealed) else {
        tracing::error!(mail.id = %id, "a mail's content cannot be unsealed; it is given up");
        fail(tx, id, "its content is damaged, or was not sealed with this store's key")?;
        return Ok(None);
    };
    let mail = Mail {
        state: MailState::Sending,
        attempts: before.attempts + 1,
        // A program that stops before the outcome is noted sends it again after this: twice is better than never.
        due_at: now.plus(ATTEMPT_LIMIT),
        claimed_by: Some(node),
        ..before.clone()
    };
    save(tx, id, Some(&before), &mail)?;
    Ok(Some((mail.to, content)))
}

/// Deletes a mail that a server has accepted: nothing of its links and codes is kept.
pub fn delivered(tx: &mut dyn Transaction, id: MailId) -> Result<(), StoreError> {
    if let Some(mail) = MAILS.get(tx, &id)? {
        mail.turn(id).leave(tx)?;
        MAILS.delete(tx, &id)?;
    }
    Ok(())
}

/// Queues a mail again after a failure that may pass, or gives it up when it is too old. True if it was given up.
pub fn postpone(tx: &mut dyn Transaction, id: MailId, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
    let Some(before) = MAILS.get(tx, &id)? else { return Ok(false) };
    let pause = PAUSES[(before.attempts.max(1) as usize - 1).min(PAUSES.len() - 1)];
    let next = now.plus(pause);
    if next >= before.useful_until || next.since(before.queued_at) >= GIVE_UP_AFTER {
        return fail(tx, id, reason).map(|()| true);
    }
    let mail = Mail { state: MailState::Queued, due_at: next, last_error: Some(reason.to_owned()), ..before.clone() };
    save(tx, id, Some(&before), &mail).map(|()| false)
}

/// Marks a mail as failed, and keeps it for the administrator to see.
pub fn fail(tx: &mut dyn Transaction, id: MailId, reason: &str) -> Result<(), StoreError> {
    let Some(before) = MAILS.get(tx, &id)? else { return Ok(()) };
    let mail = Mail { state: MailState::Failed, last_error: Some(reason.to_owned()), ..before.clone() };
    save(tx, id, Some(&before), &mail)
}

/// Returns a mail that waits, is held or has failed.
pub fn find(view: &dyn Snapshot, id: MailId) -> Result<Option<Mail>, StoreError> {
    MAILS.get(view, &id)
}

/// Whether a mail was given up.
pub fn is_failed(view: &dyn Snapshot, id: MailId) -> Result<bool, StoreError> {
    Ok(MAILS.get(view, &id)?.is_some_and(|mail| mail.state == MailState::Failed))
}

/// Queues a failed or waiting mail for now. False if none has this id, it is being sent, or it is no longer useful.
pub fn retry(tx: &mut dyn Transaction, id: MailId, now: Timestamp) -> Result<bool, StoreError> {
    let Some(before) = MAILS.get(tx, &id)? else { return Ok(false) };
    // One that is being sent is left alone, or it would leave twice.
    if before.state == MailState::Sending || now >= before.useful_until {
        return Ok(false);
    }
    save(tx, id, Some(&before), &Mail { state: MailState::Queued, due_at: now, ..before.clone() })?;
    Ok(true)
}

/// Removes a mail that waits, is held or has failed. Returns its kind; none if no mail has this id, or it is being sent.
pub fn discard(tx: &mut dyn Transaction, id: MailId) -> Result<Option<String>, StoreError> {
    // One that is being sent may have arrived already: what became of it is noted first.
    let Some(mail) = MAILS.get(tx, &id)?.filter(|mail| mail.state != MailState::Sending) else { return Ok(None) };
    if mail.state == MailState::Queued {
        mail.turn(id).leave(tx)?;
    }
    MAILS.delete(tx, &id)?;
    Ok(Some(mail.letter))
}

/// A page of the mails that wait or have failed.
pub fn list(view: &dyn Snapshot, after: Option<MailId>, limit: usize) -> Result<Vec<(MailId, Mail)>, StoreError> {
    MAILS.page(view, after.as_ref(), limit)
}

/// Seals the content of every mail with another key. At once, since the store has one key at any time.
///
/// # Errors
/// When the store fails, or something was not sealed with the old key.
pub fn reseal(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    (old, new): (&SealingKey, &SealingKey),
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = MAILS.page(tx, after.as_ref(), PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        for (id, mail) in page {
            let sealed = old.hand_over(new, &associated_data(id).each_ref().map(Vec::as_slice), &mail.sealed, moment);
            let sealed = sealed.map_err(|_| StoreError::Damaged("a mail's content"))?;
            MAILS.put(tx, &id, &Mail { sealed, ..mail })?;
        }
    }
}

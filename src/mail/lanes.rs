//! The order in which messages leave: a priority queue, fair by recipient.
//!
//! What somebody waits for at this moment, a code or a link, goes before every notice; and in each of the two classes
//! everybody's first message goes before anybody's second. So whoever causes many mails to one recipient delays that
//! recipient's own, and no others.

use crate::base::{EmailAddress, MailId, Timestamp};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, schema};

use super::{Channel, Recipient};

/// When a message is due, and which one.
type Due = (Timestamp, MailId);

/// The first lane, and all mails of earlier versions.
pub(crate) const DUE: Table<Due, ()> = Table::at(schema::MAILS_DUE);
/// The other lanes.
pub(crate) const BEHIND: Table<(u8, Due), ()> = Table::at(schema::MAILS_BEHIND);
pub(crate) const TEXTS_DUE: Table<Due, ()> = Table::at(schema::TEXTS_DUE);
/// The messages that wait, by recipient.
pub(crate) const OF_RECIPIENT: Table<(String, MailId), ()> = Table::at(schema::MAILS_OF);

/// Lanes of each class: the first is for whoever has none waiting, the second for whoever has one, and so on; the last
/// for all further ones. Those of notices stand behind those of mails that somebody waits for.
const LANES_OF_A_CLASS: u32 = 8;
/// The most messages of one class that may wait for one recipient. Beyond it the oldest is given up, visibly: what
/// comes later is more recent, and its links are the valid ones.
pub(super) const MAX_FOR_ONE_RECIPIENT: usize = 64;

/// The urgency of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Urgency {
    /// Somebody waits for it: a code, a link.
    Awaited,
    /// It is a notice.
    Notice,
}

impl Urgency {
    /// Returns the lane of a message whose recipient has so many others of the class waiting.
    pub(super) fn lane(self, waiting: usize) -> u32 {
        let behind = u32::try_from(waiting).unwrap_or(u32::MAX).min(LANES_OF_A_CLASS - 1);
        match self {
            Self::Awaited => behind,
            Self::Notice => LANES_OF_A_CLASS + behind,
        }
    }

    /// Returns the class of a lane.
    pub(super) const fn of_lane(lane: u32) -> Self {
        if lane < LANES_OF_A_CLASS { Self::Awaited } else { Self::Notice }
    }
}

/// A message's place in the order.
pub(super) struct Place<'a> {
    pub id: MailId,
    pub to: &'a Recipient,
    pub lane: u32,
    pub due_at: Timestamp,
}

impl Place<'_> {
    /// Returns the recipient in one spelling, so that one person has one place.
    fn recipient(&self) -> String {
        key_of(self.to)
    }

    /// Enters the message into the order.
    pub(super) fn take(&self, tx: &mut dyn Transaction) -> Result<(), StoreError> {
        let place = (self.due_at, self.id);
        OF_RECIPIENT.put(tx, &(self.recipient(), self.id), &())?;
        match (self.to.channel(), self.behind()) {
            (Channel::Text, _) => TEXTS_DUE.put(tx, &place, &()),
            (Channel::Mail, 0) => DUE.put(tx, &place, &()),
            (Channel::Mail, lane) => BEHIND.put(tx, &(lane, place), &()),
        }
    }

    /// Removes the message from the order.
    pub(super) fn leave(&self, tx: &mut dyn Transaction) -> Result<(), StoreError> {
        let place = (self.due_at, self.id);
        OF_RECIPIENT.delete(tx, &(self.recipient(), self.id))?;
        match (self.to.channel(), self.behind()) {
            (Channel::Text, _) => TEXTS_DUE.delete(tx, &place),
            (Channel::Mail, 0) => DUE.delete(tx, &place),
            (Channel::Mail, lane) => BEHIND.delete(tx, &(lane, place)),
        }
    }

    fn behind(&self) -> u8 {
        u8::try_from(self.lane).unwrap_or(u8::MAX)
    }
}

fn key_of(to: &Recipient) -> String {
    to.email().map_or_else(|| to.as_str().to_owned(), EmailAddress::canonical)
}

/// Returns the messages that wait for a recipient, oldest first, at most `limit`.
pub(super) fn waiting_for(view: &dyn Snapshot, to: &Recipient, limit: usize) -> Result<Vec<MailId>, StoreError> {
    let rows = OF_RECIPIENT.under(view, &key_of(to), Direction::Up, limit)?;
    Ok(rows.into_iter().map(|((_, id), ())| id).collect())
}

/// Returns the first message of each lane, in the order of the lanes.
pub(super) fn firsts(view: &dyn Snapshot, channel: Channel) -> Result<Vec<Due>, StoreError> {
    let first = match channel {
        Channel::Mail => DUE.all(view, Direction::Up, 1)?,
        Channel::Text => TEXTS_DUE.all(view, Direction::Up, 1)?,
    };
    let mut firsts: Vec<_> = first.into_iter().map(|(place, ())| place).collect();
    if channel == Channel::Mail {
        let mut lane = 1;
        // From lane to lane: those without a mail cost nothing.
        while let Some((found, place)) = first_from(view, lane)? {
            firsts.push(place);
            lane = found.saturating_add(1);
        }
    }
    Ok(firsts)
}

fn first_from(view: &dyn Snapshot, lane: u8) -> Result<Option<(u8, Due)>, StoreError> {
    let before = (lane - 1, (Timestamp::from_seconds(u64::MAX), MailId::from_bytes([u8::MAX; 16])));
    Ok(BEHIND.page(view, Some(&before), 1)?.into_iter().next().map(|(key, ())| key))
}

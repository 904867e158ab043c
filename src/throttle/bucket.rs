//! The buckets of the rate limits in the store, and what fills and empties them.

use crate::base::{AccountId, DAY, Moment, NodeId, Seconds, SessionId, Timestamp};
use crate::config::Throttle as Settings;
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, next_after, record, schema};

use super::{DeviceId, Kind, Level};

/// Failures in a row after which a password opens nothing: NIST SP 800-63B-4, 3.2.2.
pub const MAX_CONSECUTIVE: u32 = 100;
/// Seconds after its last failure for which the count of a device or a session is kept: as long as a device cookie
/// lives.
const KEEP_DEVICES: Seconds = 400 * DAY;

/// A bucket: what is counted, and for whom.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Bucket {
    /// The kind of attempt that it counts.
    pub kind: Kind,
    /// The account, network, browser or name that it counts for.
    pub id: [u8; 16],
    /// The text that lists show for it, where that is nobody's secret: a network.
    pub shown: String,
}

impl Bucket {
    /// The one bucket of a kind that counts everybody.
    #[must_use]
    pub const fn everybody(kind: Kind, node: NodeId) -> Self {
        let above_one = node.number() - NodeId::ONE.number();
        Self { kind, id: (above_one as u128).to_be_bytes(), shown: String::new() }
    }

    /// A bucket that lists show by its id, or by the account that the id stands for.
    #[must_use]
    pub const fn of(kind: Kind, id: [u8; 16]) -> Self {
        Self { kind, id, shown: String::new() }
    }

    /// The bucket of a browser.
    #[must_use]
    pub const fn of_device(id: DeviceId) -> Self {
        Self::of(Kind::Device, id.0)
    }
}

/// What is kept of a bucket.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    full_at: Timestamp,
    failures: u32,
    failed_at: Timestamp,
    told_at: Option<Timestamp>,
    shown: String,
}
record!(Stored, version 1, { full_at, failures, failed_at, told_at, shown });

pub(crate) const BUCKETS: Table<(Kind, [u8; 16]), Stored> = Table::at(schema::BUCKETS);

impl Stored {
    fn level(&self) -> Level {
        Level { full_at: self.full_at, failures: self.failures }
    }
}

/// Returns how full a bucket is.
pub fn level_of(view: &dyn Snapshot, bucket: &Bucket) -> Result<Level, StoreError> {
    Ok(BUCKETS.get(view, &(bucket.kind, bucket.id))?.map_or(Level::FULL, |stored| stored.level()))
}

/// Takes one attempt out of each bucket. Returns the kinds of those that this emptied.
pub fn charge(
    tx: &mut dyn Transaction,
    moment: &Moment,
    settings: &Settings,
    buckets: &[Bucket],
) -> Result<Vec<Kind>, StoreError> {
    // By the earlier time: while a leap of the clock is in doubt no bucket is full again because of it.
    let now = moment.earliest();
    let mut emptied = Vec::new();
    for bucket in buckets {
        let key = (bucket.kind, bucket.id);
        let before = BUCKETS.get(tx, &key)?;
        let level = before.as_ref().map_or(Level::FULL, Stored::level);
        let rate = bucket.kind.rate(settings);
        let after = level.charged(rate, now);
        if after.is_empty(rate, now) && !level.is_empty(rate, now) {
            emptied.push(bucket.kind);
        }
        let told_at = before.and_then(|stored| stored.told_at);
        let stored = Stored {
            full_at: after.full_at,
            failures: after.failures,
            failed_at: now,
            told_at,
            shown: bucket.shown.clone(),
        };
        BUCKETS.put(tx, &key, &stored)?;
    }
    Ok(emptied)
}

/// Clears the failures in a row of the account and the browser, as somebody proved that they are the owner. The
/// attempts that are left stay what they are, so that a success shows nothing to anybody else.
pub fn passed(tx: &mut dyn Transaction, account: AccountId, device: Option<DeviceId>) -> Result<(), StoreError> {
    let keys = [
        Some((Kind::Account, *account.bytes())),
        Some((Kind::KnownDevices, *account.bytes())),
        device.map(|device| (Kind::Device, device.0)),
    ];
    begin_anew(tx, keys.into_iter().flatten())
}

/// Clears the wrong codes in a row, as somebody gave a right one.
pub fn passed_second_factor(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    let keys = [Kind::SecondFactor, Kind::HalfLogins].map(|kind| (kind, *account.bytes()));
    begin_anew(tx, keys.into_iter())
}

/// Clears the wrong digits in a row, as somebody logged in by what was mailed.
pub fn passed_mailed_digits(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    begin_anew(tx, std::iter::once((Kind::MailedDigits, *account.bytes())))
}

/// Clears the failures in a row of a session, as its holder gave a fresh proof.
pub fn passed_in_session(tx: &mut dyn Transaction, session: SessionId) -> Result<(), StoreError> {
    begin_anew(tx, std::iter::once((Kind::Session, *session.bytes())))
}

fn begin_anew(tx: &mut dyn Transaction, keys: impl Iterator<Item = (Kind, [u8; 16])>) -> Result<(), StoreError> {
    for key in keys {
        // Most logins come after no failure, and then write nothing.
        if let Some(stored) = BUCKETS.get(tx, &key)?.filter(|stored| stored.failures > 0) {
            BUCKETS.put(tx, &key, &Stored { failures: 0, ..stored })?;
        }
    }
    Ok(())
}

/// Forgets what was counted against an account that is deleted, or against its old password.
pub fn forget(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    for kind in [Kind::Account, Kind::SecondFactor, Kind::MailedDigits, Kind::KnownDevices, Kind::HalfLogins] {
        BUCKETS.delete(tx, &(kind, *account.bytes()))?;
    }
    Ok(())
}

/// Records that the owner of an account is told of failures. False if they were told within the last `pause`, or it is
/// not due.
pub(super) fn note_told(
    tx: &mut dyn Transaction,
    (kind, account): (Kind, AccountId),
    now: Timestamp,
    pause: Seconds,
    is_due: impl Fn(&Level) -> bool,
) -> Result<bool, StoreError> {
    let key = (kind, *account.bytes());
    let Some(stored) = BUCKETS.get(tx, &key)? else { return Ok(false) };
    let was_told = stored.told_at.is_some_and(|told_at| now.since(told_at) < pause);
    if was_told || !is_due(&stored.level()) {
        return Ok(false);
    }
    BUCKETS.put(tx, &key, &Stored { told_at: Some(now), ..stored })?;
    Ok(true)
}

/// Deletes a bucket, so that attempts pass again. False if nothing was counted.
pub fn lift(tx: &mut dyn Transaction, kind: Kind, id: [u8; 16]) -> Result<bool, StoreError> {
    let found = BUCKETS.get(tx, &(kind, id))?.is_some();
    if found {
        BUCKETS.delete(tx, &(kind, id))?;
    }
    Ok(found)
}

/// The buckets that were charged, behind `after`, at most `limit`; among them rows that no longer say anything, until
/// the next sweep.
pub fn all(
    view: &dyn Snapshot,
    after: Option<(Kind, [u8; 16])>,
    limit: usize,
) -> Result<Vec<(Bucket, Level)>, StoreError> {
    let rows = BUCKETS.page(view, after.as_ref(), limit)?;
    Ok(rows
        .into_iter()
        .map(|((kind, id), stored)| {
            let level = stored.level();
            (Bucket { kind, id, shown: stored.shown }, level)
        })
        .collect())
}

/// Removes rows that no longer say anything, looking at up to `limit` behind `after`. Returns where to go on, or none
/// at the end. Failures in a row are kept whatever they count, or whoever is patient enough to wait for the sweep could
/// guess without end (NIST SP 800-63B-4, 3.2.2): those of an account as long as `is_account` knows it.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    after: Option<(Kind, [u8; 16])>,
    limit: usize,
    is_account: impl Fn(&dyn Snapshot, AccountId) -> Result<bool, StoreError>,
) -> Result<Option<(Kind, [u8; 16])>, StoreError> {
    let page = BUCKETS.page(tx, after.as_ref(), limit)?;
    for ((kind, id), stored) in &page {
        let is_full = stored.full_at <= now;
        let counts = kind.counts_in_a_row() && stored.failures > 0;
        let is_wanted = counts
            && match kind {
                Kind::Device | Kind::Session => now.since(stored.failed_at) < KEEP_DEVICES,
                _ => is_account(tx, AccountId::from_bytes(*id))?,
            };
        // Whoever was told today is not to be told again before tomorrow.
        let was_told = stored.told_at.is_some_and(|told_at| now.since(told_at) < DAY);
        if is_full && !is_wanted && !was_told {
            BUCKETS.delete(tx, &(*kind, *id))?;
        }
    }
    Ok(next_after(&page, limit))
}

/// Corrects rows written while the clock was ahead, at `from`, now that it is known to be `to`: else whoever did
/// anything then would have to wait until that time has come.
pub fn take_back(
    tx: &mut dyn Transaction,
    settings: &Settings,
    (from, to): (Timestamp, Timestamp),
    after: Option<(Kind, [u8; 16])>,
    limit: usize,
) -> Result<Option<(Kind, [u8; 16])>, StoreError> {
    let page = BUCKETS.page(tx, after.as_ref(), limit)?;
    for (key, stored) in &page {
        let rate = key.0.rate(settings);
        let latest = to.plus(rate.every.seconds() * u64::from(rate.burst));
        // More than was ever owed: it was written then.
        let is_of_then = stored.full_at > latest || stored.failed_at > to;
        if !is_of_then {
            continue;
        }
        let full_at =
            if stored.full_at > latest { stored.full_at.minus(from.since(to)).min(latest) } else { stored.full_at };
        let told_at = stored.told_at.map(|told_at| told_at.min(to));
        let taken_back = Stored { full_at, failed_at: stored.failed_at.min(to), told_at, ..stored.clone() };
        BUCKETS.put(tx, key, &taken_back)?;
    }
    Ok(next_after(&page, limit))
}

/// The number of rows, counted up to `limit`.
pub fn count(view: &dyn Snapshot, limit: usize) -> Result<usize, StoreError> {
    Ok(BUCKETS.all(view, Direction::Up, limit)?.len())
}

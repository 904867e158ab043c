//! The buckets in the store: who they belong to, and what fills and empties them.

use serde_json::Value;

use crate::base::{AccountId, DAY, Moment, Seconds, Timestamp};
use crate::config::{Rate, Throttle as Settings};
use crate::store::{Direction, Key, Snapshot, StoreError, Table, Transaction, record, schema};

use super::{DeviceId, Level, MailPurpose};

/// Whose tries a bucket counts.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// A name as it was typed, known or not: by a keyed digest of its canonical form.
    Name,
    /// An account, by whatever name; for unknown names a stand-in of the same form.
    Account,
    /// A browser that somebody logged in with before.
    Device,
    /// A network: an IPv4 address, or an IPv6 /64.
    Network,
    /// An IPv6 /48.
    WideNetwork,
    /// Everybody together.
    Everybody,
    /// A network that asks for mails.
    MailNetwork,
    /// A wide network that asks for mails.
    MailWideNetwork,
    /// Everybody together who asks for mails.
    MailEverybody,
    /// An address that mails of one purpose go to.
    MailAddress(MailPurpose),
    /// A network that tries links.
    LinkNetwork,
    /// An account whose password is known, and that asks for a code.
    SecondFactor,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Name => 1,
            Self::Account => 2,
            Self::Device => 3,
            Self::Network => 4,
            Self::WideNetwork => 5,
            Self::Everybody => 6,
            Self::MailNetwork => 7,
            Self::MailWideNetwork => 8,
            Self::MailEverybody => 9,
            Self::LinkNetwork => 10,
            Self::SecondFactor => 11,
            Self::MailAddress(MailPurpose::Confirm) => 16,
            Self::MailAddress(MailPurpose::Reset) => 17,
            Self::MailAddress(MailPurpose::Known) => 18,
            Self::MailAddress(MailPurpose::Approval) => 19,
            Self::MailAddress(MailPurpose::LogIn) => 20,
            Self::MailAddress(MailPurpose::Text) => 21,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Name,
            2 => Self::Account,
            3 => Self::Device,
            4 => Self::Network,
            5 => Self::WideNetwork,
            6 => Self::Everybody,
            7 => Self::MailNetwork,
            8 => Self::MailWideNetwork,
            9 => Self::MailEverybody,
            10 => Self::LinkNetwork,
            11 => Self::SecondFactor,
            16 => Self::MailAddress(MailPurpose::Confirm),
            17 => Self::MailAddress(MailPurpose::Reset),
            18 => Self::MailAddress(MailPurpose::Known),
            19 => Self::MailAddress(MailPurpose::Approval),
            20 => Self::MailAddress(MailPurpose::LogIn),
            21 => Self::MailAddress(MailPurpose::Text),
            _ => return None,
        })
    }

    /// The number by which lists go on.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.code()
    }

    /// The kind of this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Self::from_code(number)
    }

    /// The word for lists and for the audit log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Account => "account",
            Self::Device => "device",
            Self::Network => "network",
            Self::WideNetwork => "wide-network",
            Self::Everybody => "everybody",
            Self::MailNetwork => "mail-network",
            Self::MailWideNetwork => "mail-wide-network",
            Self::MailEverybody => "mail-everybody",
            Self::MailAddress(MailPurpose::Text) => "text-account",
            Self::MailAddress(_) => "mail-address",
            Self::LinkNetwork => "link-network",
            Self::SecondFactor => "second-factor",
        }
    }

    /// Its limit.
    #[must_use]
    pub const fn rate(self, settings: &Settings) -> Rate {
        match self {
            Self::Name | Self::Account => settings.name,
            Self::Device => settings.device,
            Self::Network => settings.network,
            Self::WideNetwork => settings.wide_network,
            Self::Everybody => settings.everybody,
            Self::MailNetwork => settings.mail_network,
            Self::MailWideNetwork => settings.mail_wide_network,
            Self::MailEverybody => settings.mail_everybody,
            Self::MailAddress(MailPurpose::Text) => settings.text_account,
            Self::MailAddress(_) => settings.mail_address,
            Self::LinkNetwork => settings.link_network,
            Self::SecondFactor => settings.second_factor,
        }
    }

    /// Whether failures in a row count, however long they take.
    #[must_use]
    pub const fn counts_in_a_row(self) -> bool {
        matches!(self, Self::Account | Self::Device | Self::SecondFactor)
    }
}

impl Key for Kind {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.code());
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        Self::from_code(u8::take(input)?)
    }

    fn show_key(&self) -> Value {
        self.code().into()
    }

    fn key_from_shown(shown: &Value) -> Option<Self> {
        u8::key_from_shown(shown).and_then(Self::from_code)
    }
}

/// Failures in a row after which a password opens nothing: NIST SP 800-63B-4, 3.2.2.
pub const MAX_CONSECUTIVE: u32 = 100;
/// Seconds after its last failure for which a device's count is kept: longer than its cookie lives.
const KEEP_DEVICES: Seconds = 400 * DAY;

/// One bucket.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Bucket {
    /// What it counts.
    pub kind: Kind,
    /// Whose.
    pub id: [u8; 16],
    /// What lists call it, where that is nobody's secret: a network.
    pub shown: String,
}

impl Bucket {
    /// The bucket of everybody.
    #[must_use]
    pub const fn everybody(kind: Kind) -> Self {
        Self { kind, id: [0; 16], shown: String::new() }
    }

    /// A bucket that lists show by its id, or by whom that stands for.
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

/// How full a bucket is.
///
/// # Errors
/// When the store fails.
pub fn level_of(view: &dyn Snapshot, bucket: &Bucket) -> Result<Level, StoreError> {
    Ok(BUCKETS.get(view, &(bucket.kind, bucket.id))?.map_or(Level::FULL, |stored| stored.level()))
}

/// Takes one try out of each bucket. Gives those that this emptied.
///
/// # Errors
/// When the store fails.
pub fn charge(
    tx: &mut dyn Transaction,
    moment: &Moment,
    settings: &Settings,
    buckets: &[Bucket],
) -> Result<Vec<Kind>, StoreError> {
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

/// Somebody proved that they are the owner: failures in a row begin anew, for the account and for the browser.
/// The tries that are left stay what they are, so that a success shows nobody else anything.
///
/// # Errors
/// When the store fails.
pub fn passed(tx: &mut dyn Transaction, account: AccountId, device: Option<DeviceId>) -> Result<(), StoreError> {
    let keys = [Some((Kind::Account, *account.bytes())), device.map(|device| (Kind::Device, device.0))];
    begin_anew(tx, keys.into_iter().flatten())
}

/// Somebody gave a right code: wrong ones in a row begin anew.
///
/// # Errors
/// When the store fails.
pub fn passed_second_factor(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    begin_anew(tx, std::iter::once((Kind::SecondFactor, *account.bytes())))
}

fn begin_anew(tx: &mut dyn Transaction, keys: impl Iterator<Item = (Kind, [u8; 16])>) -> Result<(), StoreError> {
    for key in keys {
        if let Some(stored) = BUCKETS.get(tx, &key)?.filter(|stored| stored.failures > 0) {
            BUCKETS.put(tx, &key, &Stored { failures: 0, ..stored })?;
        }
    }
    Ok(())
}

/// The account is gone, or its password is another: what was counted against the old one is forgotten.
///
/// # Errors
/// When the store fails.
pub fn forget(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    BUCKETS.delete(tx, &(Kind::Account, *account.bytes()))?;
    BUCKETS.delete(tx, &(Kind::SecondFactor, *account.bytes()))
}

/// Notes that the owner of an account is told of failures, if they were not told within the last `pause`.
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

/// Lets tries pass again. False if nothing was counted.
///
/// # Errors
/// When the store fails.
pub fn lift(tx: &mut dyn Transaction, kind: Kind, id: [u8; 16]) -> Result<bool, StoreError> {
    let found = BUCKETS.get(tx, &(kind, id))?.is_some();
    BUCKETS.delete(tx, &(kind, id))?;
    Ok(found)
}

/// Buckets that somebody took from, behind `after`, at most `limit`; rows that say nothing any more are left out by
/// the next sweep.
///
/// # Errors
/// When the store fails or a row is damaged.
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

/// Removes rows that say nothing any more, looking at up to `limit` behind `after`. Returns where to go on, or none at
/// the end. What accounts and browsers failed in a row is kept, as long as `is_account` knows the account.
///
/// # Errors
/// When the store fails or a row is damaged.
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
        let is_wanted = match kind {
            Kind::Account => counts && is_account(tx, AccountId::from_bytes(*id))?,
            Kind::Device => counts && now.since(stored.failed_at) < KEEP_DEVICES,
            _ => false,
        };
        // Who was told today is remembered until tomorrow.
        let was_told = stored.told_at.is_some_and(|told_at| now.since(told_at) < DAY);
        if is_full && !is_wanted && !was_told {
            BUCKETS.delete(tx, &(*kind, *id))?;
        }
    }
    Ok((page.len() == limit).then(|| page.last().map(|(key, _)| *key)).flatten())
}

/// How many rows there are, counted up to `limit`.
///
/// # Errors
/// When the store fails or a row is damaged.
pub fn count(view: &dyn Snapshot, limit: usize) -> Result<usize, StoreError> {
    Ok(BUCKETS.all(view, Direction::Up, limit)?.len())
}

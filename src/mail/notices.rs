//! Sums notices of one kind up that come close together: an account that does the same thing a hundred times causes a
//! few mails and then one that says how often, not a hundred.

use std::collections::BTreeSet;

use crate::base::{AccountId, DAY, MINUTE, Seconds, Timestamp};
use crate::store::{Snapshot, StoreError, Table, Transaction, next_after, record, schema, stored_enum};
use crate::texts::{Text, happened};

stored_enum! {
    /// Something that an owner is notified of.
    Notable {
        /// An API token was made.
        TokenMade = 1 "token-made",
        /// An API token was revoked.
        TokenRevoked = 2 "token-revoked",
        /// A second factor was added.
        FactorAdded = 3 "factor-added",
        /// A second factor was removed.
        FactorRemoved = 4 "factor-removed",
        /// Recovery codes were made.
        CodesMade = 5 "codes-made",
        /// Somebody logged in with a second factor.
        FactorUsed = 7 "factor-used",
        /// Somebody logged in from a place that is new.
        NewLogin = 8 "new-login",
        /// The password was changed.
        PasswordChanged = 9 "password-changed",
        /// The user name was changed.
        UsernameChanged = 10 "username-changed",
        /// Another address was asked for.
        AddressAsked = 11 "address-asked",
        /// The telephone number was changed.
        PhoneChanged = 12 "phone-changed",
        /// An application password was made.
        AppPasswordMade = 13 "app-password-made",
        /// An application password was revoked.
        AppPasswordRevoked = 14 "app-password-revoked",
    }
}

stored_enum! {
    /// The topic under which notices are summed up.
    Topic {
        /// API tokens.
        Tokens = 1 "tokens",
        /// Second factors and their codes.
        Factors = 2 "factors",
        /// Uses of second factors.
        FactorUses = 3 "factor-uses",
        /// Logins.
        Logins = 4 "logins",
        /// The password.
        Password = 5 "password",
        /// The names of the account.
        Names = 6 "names",
        /// The address: apart, so that nobody hides a change of it behind others.
        Address = 7 "address",
        /// Application passwords.
        AppPasswords = 8 "app-passwords",
    }
}

impl Topic {
    const fn number(self) -> u8 {
        match self {
            Self::Tokens => 1,
            Self::Factors => 2,
            Self::FactorUses => 3,
            Self::Logins => 4,
            Self::Password => 5,
            Self::Names => 6,
            Self::Address => 7,
            Self::AppPasswords => 8,
        }
    }

    fn of_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|topic| topic.number() == number)
    }
}

impl Notable {
    /// Returns the topic under which it is summed up.
    #[must_use]
    pub const fn topic(self) -> Topic {
        match self {
            Self::TokenMade | Self::TokenRevoked => Topic::Tokens,
            Self::FactorAdded | Self::FactorRemoved | Self::CodesMade => Topic::Factors,
            Self::FactorUsed => Topic::FactorUses,
            Self::NewLogin => Topic::Logins,
            Self::PasswordChanged => Topic::Password,
            Self::UsernameChanged | Self::PhoneChanged => Topic::Names,
            Self::AddressAsked => Topic::Address,
            Self::AppPasswordMade | Self::AppPasswordRevoked => Topic::AppPasswords,
        }
    }

    /// Says how often it happened: "3 API tokens were made".
    #[must_use]
    pub fn happened(self, count: u32) -> Text {
        match self {
            Self::TokenMade => happened::token_made(count),
            Self::TokenRevoked => happened::token_revoked(count),
            Self::FactorAdded => happened::factor_added(count),
            Self::FactorRemoved => happened::factor_removed(count),
            Self::CodesMade => happened::codes_made(count),
            Self::FactorUsed => happened::factor_used(count),
            Self::NewLogin => happened::new_login(count),
            Self::PasswordChanged => happened::password_changed(count),
            Self::UsernameChanged => happened::username_changed(count),
            Self::AddressAsked => happened::address_asked(count),
            Self::PhoneChanged => happened::phone_changed(count),
            Self::AppPasswordMade => happened::app_password_made(count),
            Self::AppPasswordRevoked => happened::app_password_revoked(count),
        }
    }
}

/// How often something happened that no mail has reported yet.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Untold {
    what: Notable,
    count: u32,
}
record!(part Untold { what, count });

/// What an owner was notified of under a topic, and what not yet.
#[derive(Clone, Debug)]
pub struct NoticeCount {
    at: Timestamp,
    sent: u32,
    /// Until when further ones are collected.
    quiet_until: Timestamp,
    pause: Seconds,
    last_at: Timestamp,
    untold: BTreeSet<Untold>,
}
record!(NoticeCount, version 1, { at, sent, quiet_until, pause, last_at, untold });

/// The account, and the topic.
pub type NoticeKey = (AccountId, u8);

pub(crate) const NOTICES: Table<NoticeKey, NoticeCount> = Table::at(schema::NOTICES);

/// Notices of a topic that are mailed at once, before those that follow are
/// collected: nobody does more in a row by hand.
const AT_ONCE: u32 = 3;
/// Seconds for which notices are collected; the span doubles with each
/// summary, so that a mailbox gets a few a day at most.
const FIRST_PAUSE: Seconds = 15 * MINUTE;
const LONGEST_PAUSE: Seconds = DAY;

/// Whether the owner is mailed about this at once. If not, it is counted, and summed up with others of its topic.
pub fn is_told_at_once(
    tx: &mut dyn Transaction,
    (account, what): (AccountId, Notable),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let key = (account, what.topic().number());
    let before = NOTICES.get(tx, &key)?.filter(|told| now < told.quiet_until || !told.untold.is_empty());
    let mut told = before.unwrap_or_else(|| NoticeCount {
        at: now,
        sent: 0,
        quiet_until: now.plus(FIRST_PAUSE),
        pause: FIRST_PAUSE,
        last_at: now,
        untold: BTreeSet::new(),
    });
    let at_once = told.sent < AT_ONCE;
    if at_once {
        told.sent += 1;
        told.at = now;
    } else {
        told.add(what, now);
    }
    NOTICES.put(tx, &key, &told)?;
    Ok(at_once)
}

/// Counts what nobody is mailed about by itself, where others of its topic are being collected.
pub fn count(
    tx: &mut dyn Transaction,
    (account, what): (AccountId, Notable),
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = (account, what.topic().number());
    let Some(mut told) = NOTICES.get(tx, &key)?.filter(|told| !told.untold.is_empty()) else { return Ok(()) };
    told.add(what, now);
    NOTICES.put(tx, &key, &told)
}

impl NoticeCount {
    fn add(&mut self, what: Notable, now: Timestamp) {
        let before = self.untold.iter().find(|untold| untold.what == what).copied();
        let count = before.map_or(0, |untold| untold.count).saturating_add(1);
        self.untold.retain(|untold| untold.what != what);
        self.untold.insert(Untold { what, count });
        self.last_at = now;
    }
}

/// A summary that is due.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The account whose owner is notified.
    pub account: AccountId,
    /// The topic.
    pub topic: Topic,
    /// When the owner was last notified of it.
    pub since: Timestamp,
    /// When it last happened.
    pub last: Timestamp,
    /// What happened: one line each.
    pub lines: Vec<Text>,
}

/// Returns rows whose time is over, behind `after`, looking at up to `limit`; and where to go on.
pub fn over(
    view: &(impl Snapshot + ?Sized),
    now: Timestamp,
    after: Option<NoticeKey>,
    limit: usize,
) -> Result<(Vec<NoticeKey>, Option<NoticeKey>), StoreError> {
    let page = NOTICES.page(view, after.as_ref(), limit)?;
    let next = next_after(&page, limit);
    Ok((page.into_iter().filter(|(_, told)| told.quiet_until <= now).map(|(key, _)| key).collect(), next))
}

/// Takes what was collected in a row whose time is over. None if nothing was: then the row is deleted.
pub fn take(tx: &mut dyn Transaction, key: NoticeKey, now: Timestamp) -> Result<Option<Summary>, StoreError> {
    let Some(told) = NOTICES.get(tx, &key)?.filter(|told| told.quiet_until <= now) else { return Ok(None) };
    let (Some(topic), false) = (Topic::of_number(key.1), told.untold.is_empty()) else {
        return NOTICES.delete(tx, &key).map(|()| None);
    };
    let pause = (told.pause * 2).min(LONGEST_PAUSE);
    let lines = told.untold.iter().map(|untold| untold.what.happened(untold.count)).collect();
    let summary = Summary { account: key.0, topic, since: told.at, last: told.last_at, lines };
    let next = NoticeCount { at: now, quiet_until: now.plus(pause), pause, untold: BTreeSet::new(), ..told };
    NOTICES.put(tx, &key, &next)?;
    Ok(Some(summary))
}

/// Deletes the notices of an account that is gone.
pub fn forget(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    Topic::ALL.iter().try_for_each(|topic| NOTICES.delete(tx, &(account, topic.number())))
}

//! Sessions, and the tables that keep them.

use std::collections::BTreeSet;

use super::Method;
use super::epochs::{Endable, epoch_of};
use crate::base::{AccountId, SLACK, Seconds, SessionId, Timestamp};
use crate::crypto::{Bearer, Digest};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema, stored_enum};

stored_enum! {
    /// The way in which a client carries its session.
    Carrier {
        /// A cookie that dies with the browser.
        BrowserCookie = 0 "browser-cookie",
        /// A cookie that is kept: "remember me".
        KeptCookie = 1 "kept-cookie",
        /// An `Authorization` header.
        BearerToken = 2 "bearer-token",
        /// An `Authorization` header that a refresh token renews every few minutes.
        RefreshedToken = 3 "refreshed-token",
    }
}

/// A login that lasts. The store keeps the digest of its secret, never the secret.
#[derive(Clone, Debug)]
pub struct Session {
    /// The id by which lists and clients name it; it opens nothing.
    pub id: SessionId,
    /// The account it belongs to.
    pub account: AccountId,
    /// The store's generation: a restored backup revives no session.
    pub(super) generation: [u8; 16],
    /// The time of the login.
    pub created_at: Timestamp,
    /// The time of its last use; may lag by some minutes.
    pub seen_at: Timestamp,
    /// Seconds for which it may be unused.
    pub idle: Seconds,
    /// The time at which it ends in any case.
    pub ends_at: Timestamp,
    /// The way in which the client carries it.
    pub carrier: Carrier,
    /// The time at which the person last proved who they are.
    pub proved_at: Timestamp,
    /// The methods by which they did.
    pub methods: BTreeSet<Method>,
    /// The network address that the login came from.
    pub network: String,
    /// The browser or program, as it calls itself.
    pub agent: String,
    /// The family of its refresh tokens, if it has any.
    pub(super) family: Option<Digest>,
    /// The time at which its present access token ends, if a refresh token renews it.
    pub access_until: Option<Timestamp>,
    /// The epoch that its account was in when it started.
    pub(super) epoch: u64,
}
record!(Session, version 3, {
    id, account, generation, created_at, seen_at, idle, ends_at, carrier, proved_at, methods, network, agent,
}, since 2 { family, access_until }, since 3 { epoch });

impl Carrier {
    /// Whether a program carries it, rather than a browser's cookie.
    #[must_use]
    pub const fn is_bearer(self) -> bool {
        matches!(self, Self::BearerToken | Self::RefreshedToken)
    }
}

impl Session {
    /// Whether its holder proved more than a first step.
    #[must_use]
    pub fn has_second_factor(&self) -> bool {
        self.methods.iter().any(|method| method.is_second_factor())
    }

    /// Whether it still lets its holder in, given when it was last used.
    #[must_use]
    pub fn is_alive(&self, seen_at: Timestamp, now: Timestamp, generation: &[u8; 16]) -> bool {
        // One that was made while the clock was ahead by years must not live that long once the clock is right again.
        let has_begun = self.created_at <= now.plus(SLACK);
        has_begun
            && now < self.ends_at
            && now.since(seen_at.max(self.seen_at)) < self.idle
            && self.generation == *generation
    }

    /// Whether its secret still opens it: an access token ends before its session does.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.access_until.is_none_or(|until| now < until)
    }

    /// Seconds after which a use is worth writing down: often enough for the idle limit, rarely enough for an SD card.
    #[must_use]
    pub fn note_after(&self) -> Seconds {
        const MOST: Seconds = 5 * crate::base::MINUTE;
        (self.idle / 10).clamp(1, MOST)
    }
}

impl Session {
    /// Returns the session that a program's request by itself is worth, for so many seconds. No store has it.
    #[must_use]
    pub fn of_request(
        account: AccountId,
        method: Method,
        generation: [u8; 16],
        now: Timestamp,
        within: Seconds,
    ) -> Self {
        Self {
            id: SessionId::from_bytes([0; 16]),
            account,
            generation,
            created_at: now,
            seen_at: now,
            // A program may rest for months: only its end ends it.
            idle: Seconds::MAX,
            ends_at: now.plus(within),
            carrier: Carrier::BearerToken,
            proved_at: now,
            methods: [method].into(),
            network: String::new(),
            agent: String::new(),
            family: None,
            access_until: None,
            epoch: 0,
        }
    }
}

/// The rows, those of a past epoch too until they are swept. They are read by [`find`], [`of_account`] and what sweeps,
/// and by nothing else.
pub(crate) const SESSIONS: Table<Digest, Session> = Table::at(schema::SESSIONS);

pub(crate) const OF_ACCOUNT: Table<(AccountId, SessionId), Digest> = Table::at(schema::SESSIONS_OF);

/// The refresh tokens of a session.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    pub(super) account: AccountId,
    pub(super) session: SessionId,
    pub(super) generation: [u8; 16],
    /// The digest of the one refresh token that works.
    pub(super) current: Digest,
}
record!(Family, version 1, { account, session, generation, current });

pub(crate) const FAMILIES: Table<Digest, Family> = Table::at(schema::REFRESH_FAMILIES);

/// Sessions that an account may have; a login beyond that ends the one that was unused for longest.
pub const MAX_SESSIONS: usize = 100;

/// Finds the session whose secret has this digest, alive or not. One that ended with all of its account is not there,
/// whether or not it was swept.
pub fn find(view: &(impl Snapshot + ?Sized), digest: Digest) -> Result<Option<Session>, StoreError> {
    // Found by the digest of a 256-bit random secret: how long a look-up takes may depend on the digest, which leads to
    // no secret, so nothing has to be compared in constant time.
    let Some(session) = SESSIONS.get(view, &digest)? else { return Ok(None) };
    Ok(is_present(view, &session)?.then_some(session))
}

/// Whether a row is of the epoch that its account is in: what has ended all of them has ended any other.
pub(super) fn is_present(view: &(impl Snapshot + ?Sized), session: &Session) -> Result<bool, StoreError> {
    Ok(session.epoch == epoch_of(view, session.account, Endable::Sessions)?)
}

/// Finds the session of an account with this id, alive or not.
pub fn find_by_id(
    view: &(impl Snapshot + ?Sized),
    account: AccountId,
    id: SessionId,
) -> Result<Option<Session>, StoreError> {
    match OF_ACCOUNT.get(view, &(account, id))? {
        Some(digest) => find(view, digest),
        None => Ok(None),
    }
}

/// Finds the session that `seen` has become by a refresh token, if that is why its secret opens nothing any more: the
/// family of its refresh tokens is the same, so nobody gave a fresh proof or was thrown out.
pub fn find_renewed(view: &dyn Snapshot, seen: &Session) -> Result<Option<Session>, StoreError> {
    let found = find_by_id(view, seen.account, seen.id)?;
    Ok(found.filter(|session| session.family.is_some() && session.family == seen.family))
}

/// The sessions of an account, dead ones too until they are swept, but for those that ended all at once.
pub fn of_account(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<(Digest, Session)>, StoreError> {
    let (mut sessions, epoch) = (rows_of(view, account)?, epoch_of(view, account, Endable::Sessions)?);
    sessions.retain(|(_, session)| session.epoch == epoch);
    Ok(sessions)
}

/// The rows of an account, those of a past epoch too.
pub(super) fn rows_of(
    view: &(impl Snapshot + ?Sized),
    account: AccountId,
) -> Result<Vec<(Digest, Session)>, StoreError> {
    let mut sessions = Vec::new();
    for (_, digest) in OF_ACCOUNT.under(view, &account, Direction::Up, MAX_SESSIONS + 1)? {
        sessions.extend(SESSIONS.get(view, &digest)?.map(|session| (digest, session)));
    }
    Ok(sessions)
}

/// The digest of the secret that opens a session, while it is there.
pub fn secret_of(
    view: &(impl Snapshot + ?Sized),
    account: AccountId,
    id: SessionId,
) -> Result<Option<Digest>, StoreError> {
    let digest = OF_ACCOUNT.get(view, &(account, id))?;
    Ok(digest.map(|digest| find(view, digest)).transpose()?.flatten().and(digest))
}

/// Whether an account has any row, of whatever epoch.
pub fn has_rows(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<bool, StoreError> {
    Ok(!OF_ACCOUNT.under(view, &account, Direction::Up, 1)?.is_empty())
}

/// The number of sessions, counted up to `limit`.
pub fn count(view: &dyn Snapshot, limit: usize) -> Result<usize, StoreError> {
    Ok(SESSIONS.all(view, Direction::Up, limit)?.len())
}

/// Writes a session under the digest of its secret, and the index of its account.
pub(super) fn store(tx: &mut dyn Transaction, secret: &Bearer, session: &Session) -> Result<(), StoreError> {
    let digest = secret.access().digest();
    SESSIONS.put(tx, &digest, session)?;
    OF_ACCOUNT.put(tx, &(session.account, session.id), &digest)
}

/// Removes a session with its refresh tokens and its entry in the index.
pub(super) fn remove(tx: &mut dyn Transaction, digest: Digest, session: &Session) -> Result<(), StoreError> {
    SESSIONS.delete(tx, &digest)?;
    if let Some(family) = &session.family {
        FAMILIES.delete(tx, family)?;
    }
    OF_ACCOUNT.delete(tx, &(session.account, session.id))
}

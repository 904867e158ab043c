//! Sessions of single-page applications: access tokens that live for minutes, and refresh tokens that work once each
//! (RFC 9700, section 4.14.2).
//!
//! A refresh token names its family, which is its session, and holds the secret of one turn; the access token of the
//! turn is derived from it. So the store keeps one row for a family, however often it was refreshed: a token of the
//! family that is not the latest was used before.

use crate::base::{AccountId, Moment, Seconds, Timestamp};
use crate::crypto::Bearer;
use crate::store::{Snapshot, StoreError, Transaction};

use super::session::{FAMILIES, Family, SESSIONS, Session, find, find_by_id, remove, secret_of, store};

/// The outcome of a refresh.
#[derive(Clone, Debug)]
pub enum Refreshed {
    /// The session goes on. The next refresh token is handed out here, once; the access token is derived from it.
    Done(Box<(Bearer, Session)>),
    /// The token no longer works, or never did.
    Refused,
    /// The token was used before, by its owner or by a thief: the session has ended for both.
    Reused(AccountId),
}

/// Begins a family for a session that starts, or that goes on under other secrets.
pub(super) fn begin(
    tx: &mut dyn Transaction,
    session: &mut Session,
    secret: &Bearer,
    access_until: Timestamp,
) -> Result<(), StoreError> {
    let Some(family) = secret.family() else { return Ok(()) };
    if let Some(before) = session.family.replace(family) {
        FAMILIES.delete(tx, &before)?;
    }
    session.access_until = Some(access_until);
    let (account, id, generation) = (session.account, session.id, session.generation);
    FAMILIES.put(tx, &family, &Family { account, session: id, generation, current: secret.digest() })
}

/// Whether there is anything to refresh. It is asked before writing, so that a made-up token costs no write.
pub fn has_family(view: &dyn Snapshot, presented: &Bearer) -> Result<bool, StoreError> {
    match presented.family() {
        Some(family) => match FAMILIES.get(view, &family)? {
            Some(family) => Ok(find_by_id(view, family.account, family.session)?.is_some()),
            None => Ok(false),
        },
        None => Ok(false),
    }
}

/// Exchanges a refresh token for the next one. Of several requests with the same token at once one is served, and then
/// the session ends.
pub fn refresh(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    presented: &Bearer,
    generation: &[u8; 16],
    access: Seconds,
) -> Result<Refreshed, StoreError> {
    let Some(digest) = presented.family() else { return Ok(Refreshed::Refused) };
    let Some(family) = FAMILIES.get(tx, &digest)? else { return Ok(Refreshed::Refused) };
    let at = secret_of(tx, family.account, family.session)?;
    let found = at.map(|at| find(tx, at)).transpose()?.flatten();
    let (Some(at), Some(mut session)) = (at, found) else { return Ok(Refreshed::Refused) };
    let now = moment.now();
    if !session.is_alive(session.seen_at, now, generation) {
        return Ok(Refreshed::Refused);
    }
    // Whose copy is the stolen one cannot be known, so the session ends rather than going on for one of the two (RFC
    // 9700, 4.14.2). Only whoever held a token of the family knows its name.
    if family.current != presented.digest() {
        remove(tx, at, &session)?;
        return Ok(Refreshed::Reused(family.account));
    }
    let next = presented.next_turn(moment);
    session.seen_at = now;
    session.access_until = Some(now.plus(access));
    // The access token of the turn before dies although its minutes are not over: a copy of it must not outlive the
    // refresh.
    SESSIONS.delete(tx, &at)?;
    store(tx, &next, &session)?;
    FAMILIES.put(tx, &digest, &Family { current: next.digest(), ..family })?;
    Ok(Refreshed::Done(Box::new((next, session))))
}

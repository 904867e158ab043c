//! Ends sessions on an administrator's behalf: one person's, or everybody's (ASVS 5.0, 7.4.5).
//!
//! With the sessions go their refresh tokens, the pending logins, and the trust in browsers: whoever logs in next
//! proves completely who they are. API tokens are no sessions: `gatelodge token revoke` is for them.

use crate::audit::{Act, Source, Subject};
use crate::base::{AccountId, BrowserId, SessionId};
use crate::crypto::Digest;
use crate::factors;
use crate::sessions;
use crate::store::StoreError;

use super::person::Person;
use super::{Work, second_step};

/// Ends the sessions of one person, but for `kept`. Returns how many.
pub fn of(work: &mut Work<'_>, source: &Source, kept: Option<SessionId>, person: &Person) -> Result<usize, StoreError> {
    let is_meant = |(_, session): &&(_, sessions::Session)| Some(session.id) != kept;
    let ended = sessions::of_account(work.tx, person.id)?.iter().filter(is_meant).count();
    let trusts = factors::trusts_of(work.tx, person.id)?.len();
    let waiting = second_step::end_waiting(work.tx, person.id)?;
    sessions::end_all(work.tx, person.id, kept)?;
    factors::end_trusts(work.tx, person.id)?;
    // Where nothing has changed there is nothing to audit.
    if ended + trusts + waiting > 0 {
        work.audit_in_detail(source, Act::SessionsEndedFor, person.id, &format!("{ended} sessions"))?;
    }
    Ok(ended)
}

/// A step of ending everybody's sessions: kind by kind, each in one pass over its table, so that people who keep
/// logging in meanwhile do not keep it from its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pass {
    /// Sessions.
    Sessions(Option<Digest>),
    /// Pending logins.
    Waiting(Option<Digest>),
    /// Trusted browsers.
    Trusts(Option<(AccountId, BrowserId)>),
}

impl Pass {
    /// The first step, from its beginning.
    pub const FIRST: Self = Self::Sessions(None);
}

/// Ends everybody's sessions, but for `kept`, looking at up to `limit` rows. Returns how many ended, and where to go
/// on, or none at the end.
pub fn of_everybody(
    work: &mut Work<'_>,
    source: &Source,
    kept: Option<SessionId>,
    pass: Pass,
    limit: usize,
) -> Result<(usize, Option<Pass>), StoreError> {
    let (ended, what, next) = match pass {
        Pass::Sessions(after) => {
            let (ended, next) = sessions::end_some(work.tx, kept, after, limit)?;
            let next = next.map_or(Pass::Waiting(None), |at| Pass::Sessions(Some(at)));
            (ended, "sessions", Some(next))
        }
        Pass::Waiting(after) => {
            let (ended, next) = second_step::end_some_waiting(work.tx, after, limit)?;
            (ended, "logins", Some(next.map_or(Pass::Trusts(None), |at| Pass::Waiting(Some(at)))))
        }
        Pass::Trusts(after) => {
            let (ended, next) = factors::end_some_trusts(work.tx, after, limit)?;
            (ended, "browsers", next.map(|at| Pass::Trusts(Some(at))))
        }
    };
    if ended > 0 {
        let (done, detail) = (Act::SessionsEndedForAll, format!("{ended} {what}"));
        work.audit_in_detail(source, done, Subject::NONE, &detail)?;
    }
    Ok((if matches!(pass, Pass::Sessions(_)) { ended } else { 0 }, next))
}

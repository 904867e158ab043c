//! Ends sessions on an administrator's behalf: one person's, or everybody's (ASVS 5.0, 7.4.5).
//!
//! With the sessions go their refresh tokens, the pending logins, and the trust in browsers: whoever logs in next
//! proves completely who they are. API tokens are no sessions: `gatelodge token revoke` is for them.

use crate::audit::{Act, Source, Subject};
use crate::base::SessionId;
use crate::factors;
use crate::sessions::{self, Session};
use crate::store::StoreError;

use super::person::Person;
use super::{Work, second_step};

/// Ends the sessions of one person, but for `kept`. Returns how many.
pub fn of(work: &mut Work<'_>, source: &Source, kept: Option<SessionId>, person: &Person) -> Result<usize, StoreError> {
    let is_meant = |(_, session): &&(_, Session)| Some(session.id) != kept;
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

/// Ends one session of a person. Returns whether there was one of this id.
pub fn one(work: &mut Work<'_>, source: &Source, person: &Person, id: SessionId) -> Result<bool, StoreError> {
    let ended = sessions::end_by_id(work.tx, person.id, id)?;
    if ended {
        work.audit_in_detail(source, Act::SessionsEndedFor, person.id, "1 session")?;
    }
    Ok(ended)
}

/// Ends everybody's sessions, but for `kept`, in one act: nobody slips past who logs in or refreshes a token meanwhile.
/// Returns how many.
pub fn of_everybody(work: &mut Work<'_>, source: &Source, kept: Option<&Session>) -> Result<usize, StoreError> {
    let ended = sessions::end_everybodys(work.tx, kept)?;
    let waiting = second_step::end_everybodys(work.tx)?;
    let trusts = factors::end_everybodys_trusts(work.tx)?;
    for (count, what) in [(ended, "sessions"), (waiting, "logins"), (trusts, "browsers")] {
        if count > 0 {
            work.audit_in_detail(source, Act::SessionsEndedForAll, Subject::NONE, &format!("{count} {what}"))?;
        }
    }
    Ok(ended)
}

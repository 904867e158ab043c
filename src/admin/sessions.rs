//! Ending sessions: somebody's, or everybody's.

use std::sync::Arc;

use crate::accounts::end_sessions;
use crate::app::{App, Principal};

use super::Refusal;
use super::answers::EndedSessions;
use super::reach::Reach;

/// Ends somebody's sessions; of the caller's own, the one that asks stays.
pub(super) async fn end(app: &Arc<App>, user: String, by: &Principal) -> Result<EndedSessions, Refusal> {
    let (reach, source, kept) = (Reach::of(by), by.source(), by.session().map(|session| session.id));
    let ended = app.write_as(by, move |work| match reach.find(work.tx, &user)? {
        Ok(person) => end_sessions::of(work, &source, kept, &person).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    });
    Ok(EndedSessions { ended: ended.await?? })
}

/// Ends everybody's sessions but the one that asks.
pub(super) async fn end_all(app: &Arc<App>, by: &Principal) -> Result<EndedSessions, Refusal> {
    if Reach::of(by) != Reach::Everybody {
        return Err(Refusal::needs_login());
    }
    let (source, kept) = (by.source(), by.session().cloned());
    let ended = app.write_as(by, move |work| end_sessions::of_everybody(work, &source, kept.as_ref()));
    Ok(EndedSessions { ended: ended.await? })
}

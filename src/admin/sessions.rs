//! Ending sessions: somebody's, or everybody's.

use std::sync::Arc;

use crate::accounts::end_sessions::{self, Pass};
use crate::app::{App, Principal};

use super::Refusal;
use super::answers::EndedSessions;
use super::reach::Reach;

/// The rows looked at in one transaction. A session has two others beside it: a step changes fewer than a hundred, which
/// is what a replicated store takes at once.
const PER_STEP: usize = 30;

/// Ends somebody's sessions; of the caller's own, the one that asks stays.
pub(super) async fn end(app: &Arc<App>, user: String, by: &Principal) -> Result<EndedSessions, Refusal> {
    let (reach, source, kept) = (Reach::of(by), by.source(), by.session());
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
    let (mut ended, mut next) = (0, Some(Pass::FIRST));
    while let Some(pass) = next {
        let (source, kept) = (by.source(), by.session());
        let step = app.write_as(by, move |work| end_sessions::of_everybody(work, &source, kept, pass, PER_STEP));
        let (count, following) = step.await?;
        (ended, next) = (ended + count, following);
    }
    Ok(EndedSessions { ended })
}

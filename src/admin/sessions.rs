//! Sessions: somebody's, or everybody's, and how they are ended.

use std::sync::Arc;

use crate::accounts::end_sessions;
use crate::app::{App, Principal};
use crate::base::SessionId;
use crate::sessions;
use crate::store::Snapshot;
use crate::texts::refusal;

use super::answers::{EndedSessions, Page, Session};
use super::reach::Reach;
use super::{Refusal, named};

/// Lists somebody's sessions that are alive.
pub(super) async fn list(app: &App, user: &str) -> Result<Page<Session>, Refusal> {
    let (person, now) = (named::find(app, user).await?, app.now());
    let sessions = app.read(|view: &dyn Snapshot| sessions::of_account(view, person.id)).await?;
    let generation = app.env().generation;
    let alive = sessions.iter().map(|(_, session)| session);
    let alive = alive.filter(|session| session.is_alive(session.seen_at, now, &generation));
    Ok(Page::whole(alive.map(describe).collect()))
}

fn describe(session: &sessions::Session) -> Session {
    Session {
        id: session.id.to_string(),
        created_at: session.created_at,
        last_seen_at: session.seen_at,
        expires_at: session.ends_at,
        network: session.network.clone(),
        agent: session.agent.clone(),
    }
}

/// Ends somebody's sessions; of the caller's own, the one that asks stays.
pub(super) async fn end(app: &Arc<App>, user: String, by: &Principal) -> Result<EndedSessions, Refusal> {
    let (caller, source, kept) = (by.clone(), by.source(), by.session().map(|session| session.id));
    let ended = app.write_as(by, move |work| match Reach::within(work.tx, &caller)?.find(work.tx, &user)? {
        Ok(person) => end_sessions::of(work, &source, kept, &person).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    });
    Ok(EndedSessions { ended: ended.await?? })
}

/// Ends one session of somebody's.
pub(super) async fn end_one(app: &Arc<App>, user: String, id: &str, by: &Principal) -> Result<EndedSessions, Refusal> {
    let unknown = || Refusal::unknown(refusal::no_session(id), None);
    let session: SessionId = id.parse().map_err(|_| unknown())?;
    let (caller, source) = (by.clone(), by.source());
    let ended = app.write_as(by, move |work| match Reach::within(work.tx, &caller)?.find(work.tx, &user)? {
        Ok(person) => end_sessions::one(work, &source, &person, session).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    });
    if ended.await?? { Ok(EndedSessions { ended: 1 }) } else { Err(unknown()) }
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

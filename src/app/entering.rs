//! Log in and out, and the list of sessions.

use std::sync::Arc;

use crate::accounts::Person;
use crate::accounts::login::{self, Attempt, Login};
use crate::base::{Identity, SessionId};
use crate::crypto::{Bearer, Digest, Password};
use crate::sessions::{self, Carrier, Client, Session};

use super::{App, Fault, LoggedIn};

/// Somebody at the door.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who they say they are.
    pub identity: Identity,
    /// Their password.
    pub password: Password,
    /// How the session is to be carried.
    pub carrier: Carrier,
    /// Where they come from.
    pub client: Client,
    /// The session that their cookie names; it ends.
    pub replaces: Option<Digest>,
}

/// Somebody who is in.
#[derive(Debug)]
pub struct Entered {
    /// The session's secret, handed out once.
    pub secret: Bearer,
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub person: Person,
}

impl App {
    /// Logs somebody in, or not; why not is not told.
    ///
    /// # Errors
    /// When the store fails, or too many passwords wait.
    pub async fn log_in(self: &Arc<Self>, entry: Entry) -> Result<Option<Entered>, Fault> {
        let candidate = self.read(|view| login::look_up(view, &self.services, &entry.identity))?;
        let matched = self.hasher.verify(entry.password.clone(), candidate.hash.clone()).await?;
        let rehashed = if matched && self.hasher.is_outdated(&candidate.hash) {
            Some(self.hasher.hash(entry.password, self.moment()).await?)
        } else {
            None
        };
        let Entry { carrier, client, replaces, .. } = entry;
        let attempt = Attempt { matched, rehashed, carrier, client, replaces };
        let outcome =
            self.write(move |tx, moment, services| login::conclude(tx, moment, services, &candidate, &attempt)).await?;
        Ok(match outcome {
            Login::Refused => None,
            Login::Welcome(welcome) => {
                let (secret, session, person) = *welcome;
                Some(Entered { secret, session, person })
            }
        })
    }

    /// Ends the session with this secret.
    ///
    /// # Errors
    /// When the store fails: then the session may live on, and the person must know.
    pub async fn log_out(self: &Arc<Self>, digest: Digest) -> Result<(), Fault> {
        Ok(self.write(move |tx, _, _| sessions::end(tx, digest)).await?)
    }

    /// The living sessions of the person who asks, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sessions_of(&self, asking: &LoggedIn) -> Result<Vec<Session>, Fault> {
        let now = self.now();
        let mut found: Vec<Session> = self
            .read(|view| sessions::of_account(view, asking.person.id))?
            .into_iter()
            .map(|(_, session)| session)
            .filter(|session| session.is_alive(session.seen_at, now, &self.services.generation))
            .collect();
        found.sort_by_key(|session| std::cmp::Reverse((session.created_at, session.id)));
        Ok(found)
    }

    /// Ends one session of the person who asks. False if they have none of this id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_session(self: &Arc<Self>, asking: &LoggedIn, id: SessionId) -> Result<bool, Fault> {
        let account = asking.person.id;
        Ok(self.write(move |tx, _, _| sessions::end_by_id(tx, account, id)).await?)
    }

    /// Ends all sessions of the person who asks, but for the one they ask with.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_other_sessions(self: &Arc<Self>, asking: &LoggedIn) -> Result<(), Fault> {
        let (account, kept) = (asking.person.id, asking.session.id);
        Ok(self.write(move |tx, _, _| sessions::end_all(tx, account, Some(kept))).await?)
    }
}

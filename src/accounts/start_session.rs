//! Starts sessions for people who have proved who they are.

use std::collections::BTreeSet;

use crate::audit::Act;
use crate::base::Permission;
use crate::crypto::{Bearer, Digest};
use crate::factors;
use crate::groups;
use crate::sessions::{self, Carrier, Client, Method, NewSession, Session};
use crate::store::StoreError;

use super::{Person, Work, known_devices, login_notices};

/// A session as it is asked for.
#[derive(Clone, Debug)]
pub struct SessionRequest {
    /// The way in which the session is to be carried.
    pub carrier: Carrier,
    /// The client that will hold it.
    pub client: Client,
    /// The session that the client has now; it ends.
    pub replaces: Option<Digest>,
}

/// A session that has just started, and its owner.
#[derive(Debug)]
pub struct StartedSession {
    /// Its secret, handed out here, once.
    pub secret: Bearer,
    /// The session.
    pub session: Session,
    /// The owner.
    pub person: Person,
    /// The permissions that the owner has by their groups.
    pub permissions: BTreeSet<Permission>,
}

impl StartedSession {
    /// The secret and the session: all that a browser is given.
    #[must_use]
    pub fn parts(&self) -> (&Bearer, &Session) {
        (&self.secret, &self.session)
    }
}

/// Starts a session in place of the one that the client had, for somebody who proved who they are by these methods.
pub fn start(
    work: &mut Work<'_>,
    person: Person,
    request: &SessionRequest,
    methods: &[Method],
) -> Result<StartedSession, StoreError> {
    // Always a new secret, and the old session ends: one that was planted in the browser before the login is worth
    // nothing after it (session fixation, CWE-384).
    if let Some(replaced) = request.replaces {
        sessions::end(work.tx, replaced)?;
    }
    let by = methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(" ");
    work.audit_in_detail(&request.client.owner_of(person.id), Act::Login, person.id, &by)?;
    login_notices::note_login(work, &person, &request.client, request.carrier, methods)?;
    let new = NewSession {
        account: person.id,
        carrier: request.carrier,
        methods,
        client: &request.client,
        settings: &work.env.config.session,
        access: work.env.config.spa.access.seconds(),
        generation: work.env.generation,
    };
    let (secret, session) = sessions::start(work.tx, work.moment, &new)?;
    sessions::make_doors(work.tx, &secret, &session, &work.env.config.access.domains)?;
    // A program keeps no cookies, so it never becomes a known browser, and guesses at its account's name can hold up
    // its password. The manual tells it to use an API token, which nobody can hold up (docs/limits.md); a token of a
    // second kind for logging in would be one more secret.
    if !session.carrier.is_bearer() {
        known_devices::note(work, person.id, &request.client, session.id)?;
    }
    let permissions = groups::permissions_of(work.tx, &person.account.groups)?;
    Ok(StartedSession { secret, session, person, permissions })
}

/// Starts a session for somebody who proved nothing but a mailbox, where the configuration wants that.
pub fn start_after_link(
    work: &mut Work<'_>,
    person: Person,
    client: &Client,
    replaces: Option<Digest>,
) -> Result<Option<StartedSession>, StoreError> {
    // A mailbox is no second factor, so it never gets past one; nor does it open an account that is disabled.
    if factors::has_any(work.tx, person.id)? || person.account.disabled_at.is_some() {
        return Ok(None);
    }
    let request = SessionRequest { carrier: Carrier::BrowserCookie, client: client.clone(), replaces };
    start(work, person, &request, &[Method::Link]).map(Some)
}

//! Starts sessions, for whoever proved who they are.

use crate::audit::Act;
use crate::crypto::{Bearer, Digest, PasswordHash};
use crate::factors;
use crate::sessions::{self, Carrier, Client, NewSession, Session};
use crate::store::StoreError;

use super::tries::Tries;
use super::{Person, Work, known_devices, login_notices};

/// How somebody wants to be logged in.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Whether the password matched the candidate's hash.
    pub matched: bool,
    /// Whether so many tries failed before that the password is not considered.
    pub is_locked_out: bool,
    /// What the attempt costs if it fails.
    pub tries: Tries,
    /// The password hashed anew, if the parameters have changed since.
    pub rehashed: Option<PasswordHash>,
    /// By what the person proves who they are.
    pub method: &'static str,
    /// How the session is to be carried.
    pub carrier: Carrier,
    /// Where the attempt comes from.
    pub client: Client,
    /// The session that the client has now; it ends.
    pub replaces: Option<Digest>,
}

impl Attempt {
    /// For somebody who proved who they are by a mailed link.
    #[must_use]
    pub fn proven(carrier: Carrier, client: &Client, replaces: Option<Digest>) -> Self {
        Self {
            matched: true,
            is_locked_out: false,
            tries: Tries::default(),
            rehashed: None,
            method: "link",
            carrier,
            client: client.clone(),
            replaces,
        }
    }
}

/// Starts a session in place of the one that the client had, for somebody who proved themselves as the attempt says.
pub fn start(work: &mut Work<'_>, person: &Person, attempt: &Attempt) -> Result<(Bearer, Session), StoreError> {
    start_by(work, person, attempt, &[attempt.method])
}

/// As [`start`], by several methods.
pub(super) fn start_by(
    work: &mut Work<'_>,
    person: &Person,
    attempt: &Attempt,
    methods: &[&str],
) -> Result<(Bearer, Session), StoreError> {
    if let Some(replaced) = attempt.replaces {
        sessions::end(work.tx, replaced)?;
    }
    let (source, what) = (attempt.client.owner_of(person.id), Act::Login);
    work.audit_in_detail(&source, what, person.id, &methods.join(" "))?;
    login_notices::note_login(work, person, (&attempt.client, attempt.carrier, methods))?;
    let new = NewSession {
        account: person.id,
        carrier: attempt.carrier,
        methods,
        client: &attempt.client,
        settings: &work.env.config.session,
        access: work.env.config.spa.access.seconds(),
        generation: work.env.generation,
    };
    let (secret, session) = sessions::start(work.tx, work.moment, &new)?;
    // A program keeps no cookies, so it is no known browser, and guesses at its account's name can hold up its password. It is told to
    // use an API token, which nobody can hold up (docs/limits.md); a token of a second kind for logging in would be one more secret.
    if !session.carrier.is_bearer() {
        known_devices::note(work.tx, work.env, person.id, (&attempt.client, session.id), session.created_at)?;
    }
    Ok((secret, session))
}

/// Starts a session for somebody who proved nothing but a mailbox, where the configuration wants that: never past a second
/// factor, which a mailbox is not, nor for anybody whose account is not open.
pub fn start_after_link(
    work: &mut Work<'_>,
    person: &Person,
    (client, replaces): (&Client, Option<Digest>),
) -> Result<Option<(Bearer, Session)>, StoreError> {
    if factors::is_on(work.tx, person.id)? || person.account.disabled_at.is_some() {
        return Ok(None);
    }
    let attempt = Attempt::proven(Carrier::BrowserCookie, client, replaces);
    start(work, person, &attempt).map(Some)
}

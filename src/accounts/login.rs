//! Log in: look up, verify outside the transaction, record the outcome.

use crate::base::{AccountId, Identity, Moment, RegistrationId};
use crate::crypto::{Bearer, Digest, PasswordHash};
use crate::sessions::{self, Carrier, Client, NewSession, Session};
use crate::store::{Snapshot, StoreError, Transaction};

use super::links::{self, Wish};
use super::person::{self, Person};
use super::{Services, register};

/// What a password is to be verified against. There is always something: unknown people get a decoy,
/// so that they take as long.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The hash.
    pub hash: PasswordHash,
    who: Who,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Who {
    Account(AccountId),
    Registration(RegistrationId),
    Nobody,
}

/// Finds the hash for whoever is meant.
///
/// # Errors
/// When the store fails.
pub fn look_up(view: &dyn Snapshot, services: &Services, identity: &Identity) -> Result<Candidate, StoreError> {
    // Both look-ups run for everybody.
    let account = person::find(view, identity)?;
    let registration = match identity {
        Identity::Email(address) => register::of_address(view, address)?.into_iter().next(),
        _ => None,
    };
    let found = match (account, registration) {
        (Some(person), _) => person.account.password.map(|hash| (hash, Who::Account(person.id))),
        (None, Some((id, registration))) => Some((registration.password, Who::Registration(id))),
        (None, None) => None,
    };
    let (hash, who) = found.unwrap_or_else(|| (PasswordHash::decoy(services.config.password.cost()), Who::Nobody));
    Ok(Candidate { hash, who })
}

/// How somebody wants to be logged in.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Whether the password matched the candidate's hash.
    pub matched: bool,
    /// The password hashed anew, if the parameters have changed since.
    pub rehashed: Option<PasswordHash>,
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
        Self { matched: true, rehashed: None, carrier, client: client.clone(), replaces }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Login {
    /// Unknown, wrong, disabled, not confirmed: the caller cannot tell which.
    Refused,
    /// In. The secret is handed out here, once.
    Welcome(Box<(Bearer, Session, Person)>),
}

/// Records the outcome, after checking that the account has not changed while the password was verified.
///
/// # Errors
/// When the store fails.
pub fn conclude(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    candidate: &Candidate,
    attempt: &Attempt,
) -> Result<Login, StoreError> {
    let person = match candidate.who {
        Who::Account(id) if attempt.matched => {
            person::load(tx, id)?.filter(|person| may_log_in(services, person, candidate))
        }
        _ => None,
    };
    let Some(mut person) = person else {
        // A commit of one shape for every refusal.
        let resent = match candidate.who {
            Who::Registration(id) if attempt.matched => Some(id),
            _ => None,
        };
        links::wish(tx, moment, &Wish::RefusedLogin(resent))?;
        return Ok(Login::Refused);
    };
    if let Some(rehashed) = &attempt.rehashed {
        person.account.password = Some(rehashed.clone());
        person::save(tx, person.id, &person.account)?;
    }
    let (secret, session) = start_session(tx, moment, services, &person, attempt)?;
    Ok(Login::Welcome(Box::new((secret, session, person))))
}

fn may_log_in(services: &Services, person: &Person, candidate: &Candidate) -> bool {
    let is_unchanged = person.account.password.as_ref() == Some(&candidate.hash);
    let is_confirmed = person.account.confirmed_at.is_some() || person.email.is_none();
    is_unchanged
        && person.account.disabled_at.is_none()
        && (is_confirmed || !services.config.registration.confirm_email)
}

/// Starts a session in place of the one that the client had.
///
/// # Errors
/// When the store fails.
pub fn start_session(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    person: &Person,
    attempt: &Attempt,
) -> Result<(Bearer, Session), StoreError> {
    if let Some(replaced) = attempt.replaces {
        sessions::end(tx, replaced)?;
    }
    let new = NewSession {
        account: person.id,
        carrier: attempt.carrier,
        method: "password",
        client: &attempt.client,
        settings: &services.config.session,
        generation: services.generation,
    };
    sessions::start(tx, moment, &new)
}

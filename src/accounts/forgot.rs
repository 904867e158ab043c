//! Forgot and reset: a mailed link that sets a new password, once.

use crate::audit::{Act, Outcome, Source};
use crate::base::{AccountId, EmailAddress, Moment, Timestamp};
use crate::config::Span;
use crate::crypto::{PasswordHash, Purpose, TokenFault};
use crate::factors;
use crate::mail::Letter;
use crate::sessions::{self, Client};
use crate::store::{Snapshot, StoreError, Transaction};
use crate::throttle::{self, MailPurpose};

use super::links::{self, is_recent, may_be_mailed, may_take_mail, owner_to_mail};
use super::person::{self, Person};
use super::{Services, known_devices, notices};

/// Mails a link to the owner of an address. Never to an unconfirmed one, and not while a young one is out.
pub(super) fn mail_link(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    address: &EmailAddress,
) -> Result<(), StoreError> {
    let Some(mut person) = owner_to_mail(tx, address)? else { return Ok(()) };
    if services.config.throttle.enabled && is_recent(person.account.reset_asked_at, moment)
        || !may_take_mail(tx, moment, services, MailPurpose::Reset, address)?
    {
        return Ok(());
    }
    send_link(tx, moment, services, &mut person, |link, within| Letter::ResetPassword { link, within })
}

/// Mails a link to somebody, whatever they were mailed before; it kills older ones.
///
/// # Errors
/// When the store fails.
pub(super) fn send_link(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    person: &mut Person,
    letter: impl FnOnce(String, Span) -> Letter,
) -> Result<(), StoreError> {
    let id = person.id;
    person.account.reset_count += 1;
    person.account.reset_asked_at = Some(moment.earliest());
    person::save(tx, id, &person.account)?;
    let within = services.config.tokens.reset_within;
    let state = State::of(services, person);
    let link =
        services.signed_link(tx, moment, "/reset/", (Purpose::ResetPassword, *id.bytes()), &state.parts(), within)?;
    let Some(to) = person.verified_address() else { return Ok(()) };
    services.audit(tx, moment, &Source::appliance(), (Act::ResetMailed, Outcome::Done), id)?;
    services.mail(tx, moment, to, &letter(link, within))
}

/// What a reset link is bound to: it dies when it was used, when the password or the address changes another way,
/// when a newer link is asked for, and when a backup is restored.
struct State {
    generation: [u8; 16],
    password: String,
    address: String,
    count: [u8; 8],
}

impl State {
    fn of(services: &Services, person: &Person) -> Self {
        Self {
            generation: services.generation,
            password: person.account.password.as_ref().map(ToString::to_string).unwrap_or_default(),
            address: person.verified_address().map(EmailAddress::canonical).unwrap_or_default(),
            count: person.account.reset_count.to_be_bytes(),
        }
    }

    fn parts(&self) -> [&[u8]; 4] {
        [&self.generation, self.password.as_bytes(), self.address.as_bytes(), &self.count]
    }
}

/// A reset link that works.
#[derive(Clone, Debug)]
pub struct Usable {
    /// Whose password it sets.
    pub person: Person,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Looks a reset link up and changes nothing.
///
/// # Errors
/// When the store fails.
pub fn look_up(
    view: &dyn Snapshot,
    services: &Services,
    token: &str,
    now: Timestamp,
) -> Result<Result<Usable, TokenFault>, StoreError> {
    links::open(view, services, (token, &[Purpose::ResetPassword]), now, |opened| {
        let person = person::load(view, AccountId::from_bytes(opened.subject))?.filter(may_be_mailed);
        let person = person.filter(|person| opened.is_bound_to(&State::of(services, person).parts()));
        Ok(person.map(|person| Usable { person, expires_at: opened.expires_at }))
    })
}

/// Sets the password, consumes the link, ends every session, and tells the owner.
///
/// # Errors
/// When the store fails.
pub fn reset(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    (token, hash): (&str, &PasswordHash),
    client: &Client,
) -> Result<Result<Person, TokenFault>, StoreError> {
    let mut person = match look_up(tx, services, token, moment.now())? {
        Ok(usable) => usable.person,
        Err(fault) => return Ok(Err(fault)),
    };
    set_password(tx, moment, services, &mut person, hash, None)?;
    links::spend(tx, moment, token)?;
    services.audit(tx, moment, &client.owner_of(person.id), (Act::PasswordReset, Outcome::Done), person.id)?;
    Ok(Ok(person))
}

/// Sets a password with all that belongs to it: sessions end (but for one), links die, the owner is told.
pub(super) fn set_password(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    person: &mut Person,
    hash: &PasswordHash,
    kept: Option<crate::base::SessionId>,
) -> Result<(), StoreError> {
    person.account.set_password(hash.clone(), moment.now());
    person.account.retired_password = None;
    // A change of address that somebody with the old password asked for dies with it.
    person.account.new_address = None;
    person.account.address_count += 1;
    person::save(tx, person.id, &person.account)?;
    sessions::end_all(tx, person.id, kept)?;
    // Whoever knew the old password may have made their browser trusted, or known: both end with it, wherever they are.
    factors::end_trusts(tx, person.id)?;
    known_devices::forget(tx, person.id)?;
    throttle::forget(tx, person.id)?;
    let letter = Letter::PasswordChanged { at: moment.now(), forgot: services.forgot_link() };
    notices::tell(tx, moment, services, person, &letter)
}

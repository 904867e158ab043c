//! Confirm: makes an account of a registration, or a new address an account's own.

use crate::audit::{Act, Outcome};
use crate::base::{AccountId, Moment, RegistrationId, Timestamp, Username};
use crate::crypto::{Digest, Opened, Purpose, TokenFault};
use crate::sessions::Client;
use crate::store::{Snapshot, StoreError, Transaction};

use super::person::{self, Account};
use super::register::{self, Registration};
use super::{Person, Services, change_address, identity, keyring, links};

/// What a token would confirm.
#[derive(Clone, Debug)]
pub enum Target {
    /// A registration. It needs the password chosen with it, or the browser that made it.
    Registration(RegistrationId, Box<Registration>),
    /// An account's address, or a new one. The link is proof enough: the change was asked for with the password.
    Address(AccountId),
}

/// Looks a token up and changes nothing.
///
/// # Errors
/// When the store fails.
pub fn look_up(
    view: &dyn Snapshot,
    services: &Services,
    token: &str,
    now: Timestamp,
) -> Result<Result<Target, TokenFault>, StoreError> {
    let keys = keyring::load(view, &services.seal)?;
    let opened = match Opened::open(token, &keys, now) {
        Ok(opened) => opened,
        Err(fault) => return Ok(Err(fault)),
    };
    let target = match opened.purpose {
        Purpose::ConfirmRegistration => find_registration(view, services, &opened)?,
        Purpose::ConfirmAddress => {
            change_address::find(view, services, &opened)?.map(|person| Target::Address(person.id))
        }
        Purpose::ResetPassword => None,
    };
    Ok(target.ok_or(TokenFault::Invalid))
}

fn find_registration(
    view: &dyn Snapshot,
    services: &Services,
    opened: &Opened<'_>,
) -> Result<Option<Target>, StoreError> {
    let id = RegistrationId::from_bytes(opened.subject);
    let Some(registration) = register::find(view, id)? else { return Ok(None) };
    let is_bound = opened.is_bound_to(&links::state(services, &registration.email.canonical()));
    let is_free = identity::owner_of_email(view, &registration.email)?.is_none();
    Ok((is_bound && is_free).then(|| Target::Registration(id, Box::new(registration))))
}

/// What came of confirming.
#[derive(Clone, Debug)]
pub enum Confirmed {
    /// The address is confirmed; for a registration the account exists now.
    Done(Box<Person>),
    /// Somebody took the user name meanwhile; another may be given.
    UsernameTaken,
    /// The token does not work, or no longer.
    Refused(TokenFault),
}

/// How the confirming person proved that a registration is their own.
#[derive(Clone, Copy, Debug)]
pub enum Proof {
    /// By the browser that made it, whose cookie has this digest.
    Browser(Digest),
    /// By the password that was chosen with it: it was verified against this registration.
    Password(RegistrationId),
    /// Not at all; enough for a change of address.
    None,
}

impl Proof {
    /// Whether it proves that this registration is the person's own.
    #[must_use]
    pub fn covers(&self, id: RegistrationId, registration: &Registration) -> bool {
        match self {
            Self::Browser(digest) => *digest == registration.browser,
            Self::Password(verified) => *verified == id,
            Self::None => false,
        }
    }
}

/// Confirms, and consumes the token.
///
/// # Errors
/// When the store fails.
pub fn confirm(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    (token, proof): (&str, Proof),
    username: Option<&Username>,
    client: &Client,
) -> Result<Confirmed, StoreError> {
    match look_up(tx, services, token, moment.now())? {
        Err(fault) => Ok(Confirmed::Refused(fault)),
        Ok(Target::Address(account)) => change_address::complete(tx, moment, services, account, client),
        Ok(Target::Registration(id, registration)) if proof.covers(id, &registration) => {
            let confirmed = open_account(tx, moment, *registration, username)?;
            if let Confirmed::Done(person) = &confirmed {
                let what = (Act::Confirmed, Outcome::Done);
                services.audit_in_detail(tx, moment, &client.owner_of(person.id), what, person.id, &id.to_string())?;
            }
            Ok(confirmed)
        }
        Ok(Target::Registration(..)) => Ok(Confirmed::Refused(TokenFault::Invalid)),
    }
}

/// Makes the account of a registration and deletes the address's others: nothing of theirs survives.
pub(super) fn open_account(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    registration: Registration,
    username: Option<&Username>,
) -> Result<Confirmed, StoreError> {
    let username = username.or(registration.username.as_ref());
    if let Some(username) = username
        && identity::owner_of_username(tx, username)?.is_some()
    {
        return Ok(Confirmed::UsernameTaken);
    }
    let now = moment.now();
    let id = AccountId::draw(moment);
    let mut account = Account::new(Some(registration.password), registration.name, now);
    account.language = registration.language;
    account.confirmed_at = Some(now);
    person::save(tx, id, &account)?;
    identity::set_email(tx, id, &registration.email, Some(now))?;
    if let Some(username) = username {
        identity::set_username(tx, id, username, now)?;
    }
    register::remove_all(tx, &registration.email)?;
    let person = person::load(tx, id)?.ok_or(StoreError::Damaged("an account just made"))?;
    Ok(Confirmed::Done(Box::new(person)))
}

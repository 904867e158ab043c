//! User names: choosing another, and being told a forgotten one.

use crate::audit::{Act, Outcome, Source};
use crate::base::{AccountId, EmailAddress, Moment, Username};
use crate::mail::Letter;
use crate::sessions::Client;
use crate::store::{StoreError, Transaction};
use crate::throttle::MailPurpose;

use super::links::{may_take_mail, owner_to_mail};
use super::{Services, identity, notices, person};

/// What came of choosing a user name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Chosen {
    /// It is the account's own from now on.
    Done,
    /// Somebody else has it.
    Taken,
    /// It is the present one.
    Unchanged,
    /// It is reserved: administrators give it.
    Reserved,
}

/// Gives an account another user name, and tells its owner.
pub fn choose(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    (account, new): (AccountId, &Username),
    client: &Client,
) -> Result<Chosen, StoreError> {
    let Some(person) = person::load(tx, account)? else { return Ok(Chosen::Unchanged) };
    if person.username.as_ref() == Some(new) {
        return Ok(Chosen::Unchanged);
    }
    if services.config.reserves(new) {
        return Ok(Chosen::Reserved);
    }
    if identity::owner_of_username(tx, new)?.is_some() {
        return Ok(Chosen::Taken);
    }
    identity::set_username(tx, account, new, moment.now())?;
    services.audit(tx, moment, &client.owner_of(account), (Act::UsernameChanged, Outcome::Done), account)?;
    let (username, at) = (new.as_str().to_owned(), moment.now());
    let letter = Letter::UsernameChanged { username, at, forgot: services.forgot_link() };
    notices::tell(tx, moment, services, &person, &letter)?;
    Ok(Chosen::Done)
}

/// Mails a forgotten user name to the owner of an address; if the account has none, says that.
pub(super) fn mail(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    address: &EmailAddress,
) -> Result<(), StoreError> {
    let Some(person) = owner_to_mail(tx, address)? else { return Ok(()) };
    let Some(to) = person.verified_address() else { return Ok(()) };
    if !may_take_mail(tx, moment, services, MailPurpose::Known, to)? {
        return Ok(());
    }
    let username = person.username.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default();
    services.audit(tx, moment, &Source::appliance(), (Act::UsernameMailed, Outcome::Done), person.id)?;
    services.mail(tx, moment, to, &Letter::Username { username, login: services.config.site.url.link("/login") })
}

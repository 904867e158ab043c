//! User names: choosing another, and recovering a forgotten one.

use crate::audit::{Act, Source};
use crate::base::{AccountId, EmailAddress, Username};
use crate::mail::Letter;
use crate::sessions::Client;
use crate::store::StoreError;
use crate::throttle::MailPurpose;

use super::identity::StoredKind;
use super::mail_rules::{may_take_mail, owner_to_mail};
use super::{Person, Work, identity, notices, person};

/// The outcome of choosing a user name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Chosen {
    /// It is the account's own from now on.
    Done,
    /// Another account has it, or had it.
    Taken,
    /// As many names as can be are kept for the account already.
    TooMany,
    /// It is the present one.
    Unchanged,
    /// It is reserved: only administrators give it.
    Reserved,
}

/// Gives an account another user name, and tells its owner. The old one is kept for them.
pub fn choose(work: &mut Work<'_>, account: AccountId, new: &Username, client: &Client) -> Result<Chosen, StoreError> {
    let Some(person) = person::load(work.tx, account)? else { return Ok(Chosen::Unchanged) };
    if person.username.as_ref() == Some(new) {
        return Ok(Chosen::Unchanged);
    }
    if work.env.config.reserves(new) {
        return Ok(Chosen::Reserved);
    }
    give(work, &client.owner_of(account), &person, new)
}

/// Gives an account another user name on an administrator's behalf, be it a reserved one, and tells its owner.
pub fn give(work: &mut Work<'_>, source: &Source, person: &Person, new: &Username) -> Result<Chosen, StoreError> {
    let account = person.id;
    if person.username.as_ref() == Some(new) {
        return Ok(Chosen::Unchanged);
    }
    if identity::is_username_taken(work.tx, new, Some(account))? {
        return Ok(Chosen::Taken);
    }
    // Whoever takes a name back has no more of them kept than before.
    let takes_back = identity::former_owner_of_username(work.tx, new)?.is_some();
    let present = identity::of_account(work.tx, account, StoredKind::Username)?;
    if !takes_back && present.is_some_and(|present| present.given_up >= identity::MAX_GIVEN_UP) {
        return Ok(Chosen::TooMany);
    }
    identity::set_username(work.tx, account, new, work.moment.now())?;
    work.audit(source, Act::UsernameChanged, account)?;
    let (username, at) = (new.as_str().to_owned(), work.now());
    let letter = Letter::UsernameChanged { username, at, forgot: work.env.forgot_link() };
    notices::tell(work, person, &letter)?;
    Ok(Chosen::Done)
}

/// Mails a forgotten user name to the owner of an address; if the account has none, the mail says that.
pub(super) fn mail(work: &mut Work<'_>, address: &EmailAddress) -> Result<(), StoreError> {
    let Some(person) = owner_to_mail(work.tx, address)? else { return Ok(()) };
    let Some(to) = person.verified_address() else { return Ok(()) };
    if !may_take_mail(work, MailPurpose::Known, to)? {
        return Ok(());
    }
    let username = person.username.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default();
    work.audit(&Source::appliance(), Act::UsernameMailed, person.id)?;
    work.mail(person.at(to), &Letter::Username { username, login: work.env.config.site.url.link("/login") })
}

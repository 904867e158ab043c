//! Changing the address: asked for with a proof, confirmed at the new address, reported to the old one.

use crate::audit::{Act, Source};
use crate::base::{AccountId, EmailAddress};
use crate::crypto::{OpenedToken, PasswordHash, Purpose};
use crate::mail::Letter;
use crate::sessions::Client;
use crate::store::{Snapshot, StoreError};
use crate::throttle::{self, Bucket, Kind, MailPurpose};

use super::change_refused::ChangeRefused;
use super::mail_requests::{self, MailRequest};
use super::mail_rules::{is_recent, may_take_mail};
use super::person::{self, Person};
use super::{Env, Work, already_registered, former_addresses, identity, notices, registration};

/// The outcome of asking for another address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AddressChange {
    /// The new address may be mailed a link: a worker decides.
    Asked,
    /// It is the present address, spelt another way from now on.
    Respelled,
}

/// Records the wanted address after `verified` matched the password, if the account has one, and tells the present
/// address. Whether the new one belongs to somebody is not looked at here: the answer and its time must not depend on
/// it; a worker finds out.
pub fn ask(
    work: &mut Work<'_>,
    account: AccountId,
    verified: Option<&PasswordHash>,
    new: &EmailAddress,
    client: &Client,
) -> Result<Result<AddressChange, ChangeRefused>, StoreError> {
    // The hash was verified outside this transaction: if the password was changed meanwhile, the proof is void.
    let Some(mut person) =
        person::load(work.tx, account)?.filter(|person| person.account.password.as_ref() == verified)
    else {
        return Ok(Err(ChangeRefused::WrongPassword));
    };
    // Another spelling of the same mailbox, which is proved already.
    if let Some(verified_at) =
        person.email.as_ref().filter(|email| email.address == *new).and_then(|email| email.verified_at)
    {
        identity::set_email(work.tx, account, new, Some(verified_at))?;
        work.audit(&client.owner_of(account), Act::AddressChanged, account)?;
        return Ok(Ok(AddressChange::Respelled));
    }
    // Whoever has an account could have the site write to strangers without end: a mail cannon (OWASP, automated threat
    // OAT-019).
    let bucket = Bucket::of(Kind::MailByAccount, *account.bytes());
    if let Err(seconds) = throttle::take(work.tx, work.moment, &work.env.config.throttle, bucket)? {
        return Ok(Err(ChangeRefused::TooMany(seconds)));
    }
    // While a link to the same address is young no other is mailed, and it stays alive. Another address is mailed at
    // once, since whoever mistyped must not wait, and the link to the one before dies.
    if person.account.new_address.as_ref() != Some(new) {
        person.account.address_asked_at = None;
    }
    person.account.new_address = Some(new.clone());
    if person.account.address_asked_at.is_none() {
        person.account.address_count += 1;
    }
    person::save(work.tx, account, &person.account)?;
    work.audit(&client.owner_of(account), Act::AddressChangeAsked, account)?;
    mail_requests::request(work.tx, work.moment, &MailRequest::ConfirmAddress(account))?;
    let (knew_password, forgot) = (verified.is_some(), work.env.forgot_link());
    let letter = Letter::AddressChangeAsked { knew_password, new: new.masked(), forgot };
    // The owner hears of it before anything has changed: a thief may be asking.
    notices::tell(work, &person, &letter)?;
    Ok(Ok(AddressChange::Asked))
}

/// The address that waits to be confirmed: a new one, or the present one if it was never confirmed.
fn waiting(person: &Person) -> Option<&EmailAddress> {
    let unconfirmed = person.email.as_ref().filter(|email| email.verified_at.is_none()).map(|email| &email.address);
    person.account.new_address.as_ref().or(unconfirmed)
}

/// Mails the link to the waiting address; if that is another account's, tells its owner instead.
pub(super) fn mail_link(work: &mut Work<'_>, id: AccountId) -> Result<(), StoreError> {
    let Some(mut person) = person::load(work.tx, id)?.filter(|person| person.account.disabled_at.is_none()) else {
        return Ok(());
    };
    let Some(new) = waiting(&person).cloned() else { return Ok(()) };
    if identity::owner_of_email(work.tx, &new)?.is_some_and(|owner| owner != id) {
        return already_registered::tell(work, &new);
    }
    let purpose = if person.account.new_address.is_some() { MailPurpose::Change } else { MailPurpose::Confirm };
    if work.env.config.throttle.enabled && is_recent(person.account.address_asked_at, work.moment)
        || !may_take_mail(work, purpose, &new)?
    {
        return Ok(());
    }
    person.account.address_asked_at = Some(work.earliest());
    person.account.address_count += 1;
    person::save(work.tx, id, &person.account)?;
    let within = work.env.config.tokens.confirm_within;
    let state = State::of(&person, &new);
    let link = work.signed_link(Purpose::ConfirmAddress, *id.bytes(), &state.parts(), within)?;
    work.audit(&Source::appliance(), Act::ConfirmationMailed, id)?;
    work.mail(person.at(&new), &Letter::ConfirmAddress { link, within, account: called(&person) })
}

/// The words by which the reader of the mail recognises the account, which may be a stranger's: its user name, or its
/// present address masked. Empty for one that has neither yet.
#[must_use]
pub fn called(person: &Person) -> String {
    let by_name = person.username.as_ref().map(ToString::to_string);
    by_name.or_else(|| person.verified_address().map(EmailAddress::masked)).unwrap_or_default()
}

/// The state that the link is bound to: both addresses, and which of the links it is.
struct State {
    old: String,
    new: String,
    count: [u8; 8],
}

impl State {
    fn of(person: &Person, new: &EmailAddress) -> Self {
        Self {
            old: person.email.as_ref().map(|email| email.address.canonical()).unwrap_or_default(),
            new: new.canonical(),
            count: person.account.address_count.to_be_bytes(),
        }
    }

    fn parts(&self) -> [&[u8]; 3] {
        [self.old.as_bytes(), self.new.as_bytes(), &self.count]
    }
}

/// Finds the account whose waiting address the token would confirm.
pub(super) fn find(
    view: &dyn Snapshot,
    env: &Env,
    opened: &OpenedToken<'_>,
) -> Result<Option<(Person, EmailAddress)>, StoreError> {
    let id = AccountId::from_bytes(opened.subject);
    let Some(person) = person::load(view, id)?.filter(|person| person.account.disabled_at.is_none()) else {
        return Ok(None);
    };
    let Some(new) = waiting(&person).cloned() else { return Ok(None) };
    let is_bound = env.is_bound(opened, &State::of(&person, &new).parts());
    let is_free = identity::owner_of_email(view, &new)?.is_none_or(|owner| owner == id);
    Ok((is_bound && is_free).then_some((person, new)))
}

/// Makes the waiting address the account's own and tells both. The caller has checked the token.
pub(super) fn complete(work: &mut Work<'_>, id: AccountId, client: &Client) -> Result<Box<Person>, StoreError> {
    let damaged = || StoreError::Damaged("an account just read");
    let mut person = person::load(work.tx, id)?.ok_or_else(damaged)?;
    let new = waiting(&person).cloned().ok_or_else(damaged)?;
    let old = person.verified_address().filter(|old| **old != new).cloned();
    let now = work.now();
    person.account.new_address = None;
    person.account.address_count += 1;
    person.account.address_asked_at = None;
    person.account.confirmed_at.get_or_insert(now);
    person::save(work.tx, id, &person.account)?;
    identity::set_email(work.tx, id, &new, Some(now))?;
    work.audit(&client.owner_of(id), Act::AddressChanged, id)?;
    // The address has an owner who proved it: nobody who registered it may still confirm.
    registration::remove_all(work.tx, &new)?;
    if let Some(old) = old {
        // Only the old mailbox gets the link that undoes this: a thief may read the new one.
        let undo = former_addresses::keep(work, id, &old)?.unwrap_or_default();
        let letter = |undo| Letter::AddressChanged { old: old.masked(), new: new.masked(), undo };
        work.mail(person.at(&old), &letter(undo))?;
        work.mail(person.at(&new), &letter(String::new()))?;
    }
    Ok(Box::new(person::load(work.tx, id)?.ok_or_else(damaged)?))
}

//! Forgotten passwords: a mailed link that sets a new password, once.

use crate::audit::{Act, Source};
use crate::base::{AccountId, EmailAddress, SessionId, Timestamp};
use crate::config::Span;
use crate::crypto::{PasswordFault, PasswordHash, Purpose, TokenFault};
use crate::factors;
use crate::mail::Letter;
use crate::sessions::{self, Client};
use crate::store::{Snapshot, StoreError};
use crate::throttle::{self, MailPurpose};

use super::mail_rules::{is_recent, may_be_mailed, may_take_mail, owner_to_mail};
use super::person::{self, Person};
use super::{Env, Work, identity, known_devices, links, notices, registration};

/// Mails a link to the owner of an address, unless a recent one is out. To an unconfirmed address only if the account
/// has no password yet: then nobody but the reader of the mail has anything in it.
pub(super) fn mail_link(work: &mut Work<'_>, address: &EmailAddress) -> Result<(), StoreError> {
    let Some(mut person) = owner_to_mail(work.tx, address)? else {
        return match identity::owner_of_email(work.tx, address)? {
            Some(id) => mail_first_link(work, id),
            None => Ok(()),
        };
    };
    if work.env.config.throttle.enabled && is_recent(person.account.reset_asked_at, work.moment)
        || !may_take_mail(work, MailPurpose::Reset, address)?
    {
        return Ok(());
    }
    let within = work.env.config.tokens.reset_within;
    send_link(work, &mut person, within, |link| Letter::ResetPassword { link, within })
}

/// Mails a link to the owner of an account that was made without a password: it sets the first one, and confirms the
/// address. Not while a recent one is out.
pub(super) fn mail_first_link(work: &mut Work<'_>, id: AccountId) -> Result<(), StoreError> {
    let Some(mut person) = person::load(work.tx, id)?.filter(has_yet_to_choose) else { return Ok(()) };
    let Some(to) = address_of_link(&person).cloned() else { return Ok(()) };
    if work.env.config.throttle.enabled && is_recent(person.account.reset_asked_at, work.moment)
        || !may_take_mail(work, MailPurpose::Confirm, &to)?
    {
        return Ok(());
    }
    let within = work.env.config.tokens.confirm_within;
    send_link(work, &mut person, within, |link| Letter::ChoosePassword { link, within })
}

/// Whether an account waits for its first password.
pub(super) fn has_yet_to_choose(person: &Person) -> bool {
    let account = &person.account;
    account.password.is_none() && account.disabled_at.is_none() && person.email.is_some()
}

/// The address that a link is mailed to: one that is confirmed, or one that only its owner can confirm, by setting the
/// first password.
fn address_of_link(person: &Person) -> Option<&EmailAddress> {
    let entered = person.email.as_ref().filter(|_| has_yet_to_choose(person)).map(|email| &email.address);
    person.verified_address().or(entered)
}

/// The outcome of sending somebody a link on an administrator's behalf.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkSent {
    /// It is on its way.
    Done,
    /// There is no address that it could go to.
    NoAddress,
    /// The account is disabled.
    Disabled,
    /// The address has had its share of mails.
    MailedEnough,
}

/// Mails somebody a link to set a password, because an administrator or the help desk wants it. Older ones stop
/// working.
pub fn send_for(work: &mut Work<'_>, source: &Source, person: &mut Person) -> Result<LinkSent, StoreError> {
    if person.account.disabled_at.is_some() {
        return Ok(LinkSent::Disabled);
    }
    let Some(to) = address_of_link(person).cloned() else { return Ok(LinkSent::NoAddress) };
    // Among the mails that administrators cause: strangers must not use up what helps the owner.
    if !may_take_mail(work, MailPurpose::Invite, &to)? {
        return Ok(LinkSent::MailedEnough);
    }
    work.audit(source, Act::ResetSent, person.id)?;
    if has_yet_to_choose(person) {
        let within = work.env.config.tokens.confirm_within;
        send_link(work, person, within, |link| Letter::ChoosePassword { link, within })?;
    } else {
        let within = work.env.config.tokens.reset_within;
        send_link(work, person, within, |link| Letter::ResetPassword { link, within })?;
    }
    Ok(LinkSent::Done)
}

/// Mails a link whatever was mailed before; older ones stop working.
pub(super) fn send_link(
    work: &mut Work<'_>,
    person: &mut Person,
    within: Span,
    letter: impl FnOnce(String) -> Letter,
) -> Result<(), StoreError> {
    let id = person.id;
    person.account.reset_count += 1;
    person.account.reset_asked_at = Some(work.earliest());
    person::save(work.tx, id, &person.account)?;
    let state = State::of(person);
    let link = work.signed_link(Purpose::ResetPassword, *id.bytes(), &state.parts(), within)?;
    let Some(to) = address_of_link(person) else { return Ok(()) };
    work.audit(&Source::appliance(), Act::ResetMailed, id)?;
    work.mail(person.at(to), &letter(link))
}

/// The state that a reset link is bound to: it dies when it was used, when the password or the address changes another
/// way, when a newer link is asked for, and when a backup is restored.
struct State {
    password: String,
    address: String,
    count: [u8; 8],
}

impl State {
    fn of(person: &Person) -> Self {
        Self {
            password: person.account.password.as_ref().map(ToString::to_string).unwrap_or_default(),
            address: address_of_link(person).map(EmailAddress::canonical).unwrap_or_default(),
            count: person.account.reset_count.to_be_bytes(),
        }
    }

    fn parts(&self) -> [&[u8]; 3] {
        [self.password.as_bytes(), self.address.as_bytes(), &self.count]
    }
}

/// A reset link that works.
#[derive(Clone, Debug)]
pub struct Usable {
    /// The account whose password it sets.
    pub person: Person,
    /// The time from which on it is refused.
    pub expires_at: Timestamp,
}

/// Looks up a reset link and changes nothing.
pub fn look_up(
    view: &dyn Snapshot,
    env: &Env,
    token: &str,
    now: Timestamp,
) -> Result<Result<Usable, TokenFault>, StoreError> {
    links::open(view, env, links::Presented { token, purposes: &[Purpose::ResetPassword] }, now, |opened| {
        let person = person::load(view, AccountId::from_bytes(opened.subject))?;
        let person = person.filter(|person| may_be_mailed(person) || has_yet_to_choose(person));
        let person = person.filter(|person| env.is_bound(opened, &State::of(person).parts()));
        Ok(person.map(|person| Usable { person, expires_at: opened.expires_at }))
    })
}

/// The reason for refusing a reset; the token is not consumed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResetRefused {
    /// The token does not work.
    Token(TokenFault),
    /// The policy refuses the password.
    Password(PasswordFault),
}

/// Sets the password, consumes the link, ends every session, and tells the owner. Whoever follows the link has the
/// mailbox, so an address that an administrator entered is confirmed by it.
pub fn reset(
    work: &mut Work<'_>,
    token: &str,
    hash: &PasswordHash,
    client: &Client,
) -> Result<Result<Person, TokenFault>, StoreError> {
    // Looked up again, as the password was hashed outside this transaction: of two posts of one link the second finds
    // it used.
    let mut person = match look_up(work.tx, work.env, token, work.moment.now())? {
        Ok(usable) => usable.person,
        Err(fault) => return Ok(Err(fault)),
    };
    let now = work.now();
    if let Some(email) = person.email.as_mut().filter(|email| email.verified_at.is_none()) {
        email.verified_at = Some(now);
        identity::set_email(work.tx, person.id, &email.address, Some(now))?;
        registration::remove_all(work.tx, &email.address)?;
        person.account.confirmed_at.get_or_insert(now);
        work.audit(&client.owner_of(person.id), Act::AddressConfirmed, person.id)?;
    }
    // No session is kept: whoever needs a reset may have lost the account to somebody who is logged in.
    set_password(work, &mut person, hash, SetBy::Owner { kept: None })?;
    links::spend(work.tx, work.moment, token)?;
    work.audit(&client.owner_of(person.id), Act::PasswordReset, person.id)?;
    Ok(Ok(person))
}

/// The person who sets a password.
#[derive(Clone, Copy, Debug)]
pub(super) enum SetBy {
    /// The owner, who keeps this session.
    Owner {
        kept: Option<SessionId>,
    },
    Administrator,
}

/// Sets a password and does all that goes with it: sessions end (but for one), links die, the owner is told.
pub(super) fn set_password(
    work: &mut Work<'_>,
    person: &mut Person,
    hash: &PasswordHash,
    by: SetBy,
) -> Result<(), StoreError> {
    let (kept, by_administrator) = match by {
        SetBy::Owner { kept } => (kept, false),
        SetBy::Administrator => (None, true),
    };
    person.account.set_password(hash.clone(), work.now());
    person.account.retired_password = None;
    // A change of address that was asked for with the old password dies with it.
    person.account.new_address = None;
    person.account.address_count += 1;
    person::save(work.tx, person.id, &person.account)?;
    sessions::end_all(work.tx, person.id, kept)?;
    // Whoever knew the old password may have made their browser trusted, or known: both end with it, everywhere.
    factors::end_trusts(work.tx, person.id)?;
    known_devices::forget(work.tx, person.id)?;
    throttle::forget(work.tx, person.id)?;
    let letter = Letter::PasswordChanged { at: work.now(), by_administrator, forgot: work.env.forgot_link() };
    notices::tell(work, person, &letter)
}

//! Administration of accounts: what administrators do for others, by command line, page or API.

use crate::audit::{Act, Outcome, Source};
use crate::base::{AccountId, EmailAddress, GroupName, Identity, IdentityKind, PhoneNumber, Username};
use crate::crypto::PasswordHash;
use crate::groups::MAX_PER_ACCOUNT;
use crate::mail::Letter;
use crate::sessions;
use crate::store::{Snapshot, StoreError};

use super::create_account::{self, Added, CreatedBy, Creation, NewAccount};
use super::delete_account::DeletedBy;
use super::forgot::SetBy;
use super::mail_requests::{self, MailRequest};
use super::person::{self, Person};
use super::{
    Work, accept_registration, administrators, delete_account, forgot, identity, notices, registration, set_up,
};

/// Creates an account. If it has no password, a link to choose one is mailed, which confirms the address too; if only
/// the address is not confirmed, the link that confirms it.
pub fn add(work: &mut Work<'_>, source: &Source, new: &NewAccount) -> Result<Added, StoreError> {
    let how = Creation { by: CreatedBy::Other(source), act: Act::AccountAdded, detail: "" };
    let added = create_account::create(work, how, new.clone())?;
    if let Added::Done(person) = &added
        && new.email.is_some()
    {
        match (&new.password, new.confirmed) {
            (None, _) => mail_requests::request(work.tx, work.moment, &MailRequest::ChoosePassword(person.id))?,
            (Some(_), false) => mail_requests::request(work.tx, work.moment, &MailRequest::ConfirmAddress(person.id))?,
            (Some(_), true) => {}
        }
    }
    Ok(added)
}

/// Finds the account that an administrator names: by id, address, user name or telephone number.
pub fn find(view: &dyn Snapshot, named: &str) -> Result<Option<Person>, StoreError> {
    match named.parse::<AccountId>() {
        Ok(id) => person::load(view, id),
        Err(_) => match person::find(view, &Identity::parse(named))? {
            Some(person) => Ok(Some(person)),
            // A text that reads as a user name may be a number, too.
            None => person::find(view, &Identity::parse_as(named, &[IdentityKind::Phone])),
        },
    }
}

/// Sets a password, ends every session and tells the owner.
///
/// ASVS 5.0, 6.4.6 (level 3) would have administrators send a link only. This is deliberate: people without an address
/// have no other way back, and whoever administers the site could change the address and send the link there. It asks
/// for a login with a fresh proof, never for a token alone, is audited, and is mailed to the owner.
pub fn set_password(
    work: &mut Work<'_>,
    source: &Source,
    person: &mut Person,
    hash: &PasswordHash,
) -> Result<(), StoreError> {
    work.audit(source, Act::PasswordSet, person.id)?;
    forgot::set_password(work, person, hash, SetBy::Administrator)
}

/// The outcome of confirming an address on its owner's behalf.
#[derive(Clone, Debug)]
pub enum ConfirmedFor {
    /// The address counts as confirmed.
    Done(Box<Person>),
    /// Nobody registered it, and no account has it.
    Unknown,
    /// Several people registered it, so many; which of them is meant is not for a machine to guess.
    Several(usize),
    /// The registration's user name was taken meanwhile.
    UsernameTaken,
}

/// Confirms an address on its owner's behalf: an account's, or that of the one registration that waits.
pub fn confirm(work: &mut Work<'_>, source: &Source, named: &str) -> Result<ConfirmedFor, StoreError> {
    if let Some(mut person) = find(work.tx, named)? {
        let now = work.now();
        let is_confirmed = person.account.confirmed_at.is_some();
        if is_confirmed && person.email.as_ref().is_none_or(|email| email.verified_at.is_some()) {
            return Ok(ConfirmedFor::Done(Box::new(person)));
        }
        person.account.confirmed_at.get_or_insert(now);
        person::save(work.tx, person.id, &person.account)?;
        if let Some(email) = person.email.as_mut().filter(|email| email.verified_at.is_none()) {
            email.verified_at = Some(now);
            identity::set_email(work.tx, person.id, &email.address, Some(now))?;
        }
        work.audit(source, Act::AddressConfirmed, person.id)?;
        return Ok(ConfirmedFor::Done(Box::new(person)));
    }
    let Ok(address) = EmailAddress::parse(named) else { return Ok(ConfirmedFor::Unknown) };
    let mut waiting = registration::of_address(work.tx, &address)?;
    match (waiting.pop(), waiting.len()) {
        (None, _) => Ok(ConfirmedFor::Unknown),
        (Some((_, registration)), 0) => {
            let how = Creation { by: CreatedBy::Other(source), act: Act::AddressConfirmed, detail: "" };
            Ok(match accept_registration::accept(work, how, registration, None)? {
                Some(Added::Done(person)) => ConfirmedFor::Done(person),
                Some(Added::UsernameTaken) => ConfirmedFor::UsernameTaken,
                _ => ConfirmedFor::Unknown,
            })
        }
        (Some(_), others) => Ok(ConfirmedFor::Several(others + 1)),
    }
}

/// Frees a user name that was given up, for anybody. Returns whether one was.
pub fn free_username(work: &mut Work<'_>, source: &Source, name: &Username) -> Result<bool, StoreError> {
    let Some(former) = identity::free_username(work.tx, name)? else { return Ok(false) };
    work.audit(source, Act::UsernameFreed, former)?;
    Ok(true)
}

/// The outcome of a change that may have to be refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Changed {
    /// It is done.
    Done,
    /// Nobody else administers the appliance: nothing was changed.
    LastAdministrator,
    /// The account is in as many groups as one may be in.
    TooManyGroups,
}

/// Disables an account, which ends its sessions, or enables it again.
pub fn set_disabled(
    work: &mut Work<'_>,
    source: &Source,
    person: &mut Person,
    disabled: bool,
) -> Result<Changed, StoreError> {
    if disabled && administrators::is_last(work.tx, work.env, person)? {
        return Ok(Changed::LastAdministrator);
    }
    if disabled == person.account.disabled_at.is_some() {
        return Ok(Changed::Done);
    }
    let act = if disabled { Act::AccountDisabled } else { Act::AccountEnabled };
    work.audit(source, (act, Outcome::Done), person.id)?;
    person.account.disabled_at = disabled.then(|| work.now());
    person::save(work.tx, person.id, &person.account)?;
    if disabled {
        // API tokens stay: every use of one looks at the account, and they work again when it is enabled.
        sessions::end_all(work.tx, person.id, None)?;
    }
    Ok(Changed::Done)
}

/// Deletes an account and tells its owner.
pub fn delete(work: &mut Work<'_>, source: &Source, person: &Person) -> Result<Changed, StoreError> {
    if administrators::is_last(work.tx, work.env, person)? {
        return Ok(Changed::LastAdministrator);
    }
    delete_account::delete(work, person, DeletedBy::Administrator, source)?;
    Ok(Changed::Done)
}

/// The outcome of setting or removing a telephone number.
#[derive(Clone, Debug)]
pub enum PhoneSet {
    /// It is done.
    Done(Box<Person>),
    /// Another account has it.
    Taken,
    /// The account could not be named without it.
    Last,
    /// Nobody else administers the appliance, and without it this one could not log in.
    LastAdministrator,
}

/// Sets the telephone number by which somebody may log in, or removes it, and tells them.
pub fn set_phone(
    work: &mut Work<'_>,
    source: &Source,
    person: &Person,
    phone: Option<&PhoneNumber>,
) -> Result<PhoneSet, StoreError> {
    let id = person.id;
    if let Some(phone) = phone
        && identity::owner_of_phone(work.tx, phone)?.is_some_and(|owner| owner != id)
    {
        return Ok(PhoneSet::Taken);
    }
    if phone.is_none() && person.email.is_none() && person.username.is_none() {
        return Ok(PhoneSet::Last);
    }
    if person.phone.as_ref() == phone {
        return Ok(PhoneSet::Done(Box::new(person.clone())));
    }
    // An administrator who logs in by this number alone must not lose it if nobody else could administer the appliance.
    let after = Person { phone: phone.cloned(), ..person.clone() };
    if administrators::is_last(work.tx, work.env, person)? && !administrators::could_log_in(work.env, &after) {
        return Ok(PhoneSet::LastAdministrator);
    }
    identity::set_phone(work.tx, id, phone, work.moment.now())?;
    work.audit(source, Act::PhoneChanged, id)?;
    let letter = Letter::PhoneChanged { phone: phone.map(ToString::to_string).unwrap_or_default(), at: work.now() };
    notices::tell(work, person, &letter)?;
    let person = person::load(work.tx, id)?.ok_or(StoreError::Damaged("an account just read"))?;
    Ok(PhoneSet::Done(Box::new(person)))
}

/// Puts somebody into a group, or takes them out.
pub fn set_group(
    work: &mut Work<'_>,
    source: &Source,
    person: &mut Person,
    group: &GroupName,
    member: bool,
) -> Result<Changed, StoreError> {
    if !member && *group == GroupName::administrators() && administrators::is_last(work.tx, work.env, person)? {
        return Ok(Changed::LastAdministrator);
    }
    let groups = &person.account.groups;
    if member && groups.len() >= MAX_PER_ACCOUNT && !groups.contains(group) {
        return Ok(Changed::TooManyGroups);
    }
    if member == groups.contains(group) {
        return Ok(Changed::Done);
    }
    let act = if member { Act::GroupJoined } else { Act::GroupLeft };
    work.audit_in_detail(source, (act, Outcome::Done), person.id, group.as_str())?;
    let groups = &mut person.account.groups;
    if member {
        groups.insert(group.clone());
    } else {
        groups.remove(group);
    }
    person::save(work.tx, person.id, &person.account)?;
    // By whatever way somebody became the first administrator: the link that would make another must die.
    if person.account.is_administrator() {
        set_up::end(work.tx)?;
    }
    Ok(Changed::Done)
}

//! Corrections of what people are called and where their mails go, on an administrator's behalf.

use crate::audit::{Act, Source};
use crate::base::{DisplayName, EmailAddress};
use crate::mail::Letter;
use crate::store::StoreError;

use super::mail_requests::{self, MailRequest};
use super::person::{self, Person};
use super::{Work, identity, notices, registration};

/// Sets or removes the display name.
pub fn set_name(
    work: &mut Work<'_>,
    source: &Source,
    person: &mut Person,
    name: Option<&DisplayName>,
) -> Result<(), StoreError> {
    if person.account.name.as_ref() == name {
        return Ok(());
    }
    person.account.name = name.cloned();
    person::save(work.tx, person.id, &person.account)?;
    work.audit(source, Act::NameChanged, person.id)
}

/// The proof that a new address is the person's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AddressProof {
    /// An administrator made sure by other means: it counts at once.
    ByAdministrator,
    /// It is mailed a link, and counts once that was followed.
    ByLink,
}

/// The outcome of setting an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AddressSet {
    /// It is the account's.
    Done,
    /// It will be once it is confirmed.
    Asked,
    /// Another account has it.
    Taken,
}

/// Gives somebody another address, and tells the present one. No link there undoes it, as it does a change by the owner:
/// whoever administers the site has looked into who the owner is, and may be taking a lost or stolen mailbox out.
pub fn set_email(
    work: &mut Work<'_>,
    source: &Source,
    person: &mut Person,
    new: &EmailAddress,
    proved: AddressProof,
) -> Result<AddressSet, StoreError> {
    let id = person.id;
    if identity::owner_of_email(work.tx, new)?.is_some_and(|owner| owner != id) {
        return Ok(AddressSet::Taken);
    }
    let (old, now) = (person.verified_address().cloned(), work.now());
    // Whatever was asked for before, and the links to it, ends.
    person.account.address_count += 1;
    person.account.address_asked_at = None;
    let is_own_already = old.as_ref() == Some(new);
    if proved == AddressProof::ByLink && !is_own_already {
        person.account.new_address = Some(new.clone());
        person::save(work.tx, id, &person.account)?;
        work.audit(source, Act::AddressChangeAsked, id)?;
        mail_requests::request(work.tx, work.moment, &MailRequest::ConfirmAddress(id))?;
        return Ok(AddressSet::Asked);
    }
    person.account.new_address = None;
    person.account.confirmed_at.get_or_insert(now);
    person::save(work.tx, id, &person.account)?;
    identity::set_email(work.tx, id, new, Some(now))?;
    registration::remove_all(work.tx, new)?;
    work.audit(source, Act::AddressChanged, id)?;
    if let Some(old) = old.filter(|old| old != new) {
        let letter = Letter::AddressChanged { old: old.masked(), new: new.masked(), undo: String::new() };
        notices::tell(work, person, &letter)?;
        work.mail(person.at(new), &letter)?;
    }
    if let Some(after) = person::load(work.tx, id)? {
        *person = after;
    }
    Ok(AddressSet::Done)
}

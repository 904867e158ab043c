//! Tells the owner of an address that somebody registers it, or asked for it as the address of another account.

use crate::base::EmailAddress;
use crate::mail::Letter;
use crate::store::StoreError;
use crate::throttle::MailPurpose;

use super::mail_rules::{is_recent, may_take_mail, owner_to_mail};
use super::{Work, person};

/// Tells the owner of an address that it has an account.
pub(super) fn tell(work: &mut Work<'_>, address: &EmailAddress) -> Result<(), StoreError> {
    let Some(mut person) = owner_to_mail(work.tx, address)? else { return Ok(()) };
    if work.env.config.throttle.enabled && is_recent(person.account.address_asked_at, work.moment)
        || !may_take_mail(work, MailPurpose::Known, address)?
    {
        return Ok(());
    }
    person.account.address_asked_at = Some(work.earliest());
    person::save(work.tx, person.id, &person.account)?;
    // To the spelling that its owner proved, never to the one that a stranger typed: some servers tell capitals apart.
    let Some(to) = person.verified_address() else { return Ok(()) };
    let login = work.env.config.site.url.link("/login");
    work.mail(person.at(to), &Letter::AlreadyRegistered { login, forgot: work.env.forgot_link() })
}

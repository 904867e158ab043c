//! Rules for mails that anybody can ask for: who may be mailed what, and how often.

use crate::base::{EmailAddress, MINUTE, Moment, Seconds, Timestamp};
use crate::store::{Snapshot, StoreError};
use crate::throttle::MailPurpose;

use super::person::{self, Person};
use super::{Work, attempt_limits, identity};

/// Seconds for which a link that is out is not replaced: nobody can flood a mailbox, or kill the link that its owner
/// waits for.
pub(super) const RESEND_AFTER: Seconds = 5 * MINUTE;

/// Finds the owner of an address, if they may be mailed about it.
pub(super) fn owner_to_mail(view: &dyn Snapshot, address: &EmailAddress) -> Result<Option<Person>, StoreError> {
    let owner = identity::owner_of_email(view, address)?;
    Ok(owner.map(|id| person::load(view, id)).transpose()?.flatten().filter(may_be_mailed))
}

/// Whether mail about logging in makes sense: the address is verified, and the account is not disabled.
pub(super) fn may_be_mailed(person: &Person) -> bool {
    person.verified_address().is_some() && person.account.disabled_at.is_none()
}

/// Whether a link asked for at `asked_at` is too recent to be replaced.
pub(super) fn is_recent(asked_at: Option<Timestamp>, moment: &Moment) -> bool {
    asked_at.is_some_and(|asked_at| moment.earliest().since(asked_at) < RESEND_AFTER)
}

/// Whether an address may be sent another mail that somebody asked for without being logged in; takes it from the rate
/// limit, if so.
pub(super) fn may_take_mail(
    work: &mut Work<'_>,
    purpose: MailPurpose,
    address: &EmailAddress,
) -> Result<bool, StoreError> {
    work.may_mail(purpose, attempt_limits::address_digest(work.env, address))
}

//! Delete an account, with everything that is kept about it.

use crate::audit::{Act, Source};
use crate::base::AccountId;
use crate::crypto::PasswordHash;
use crate::factors;
use crate::mail::Letter;
use crate::sessions::{self, Client};
use crate::store::StoreError;
use crate::throttle;

use super::{Person, Work, administrators, factor_resets, identity, known_devices, person, taking_back};

/// What came of a wish to delete one's account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Closed {
    /// It is gone.
    Done,
    /// The password was changed meanwhile.
    PasswordChanged,
    /// Nobody else administers the appliance.
    LastAdministrator,
}

/// Deletes the account after `verified` matched its password.
pub fn close(
    work: &mut Work<'_>,
    account: AccountId,
    verified: &PasswordHash,
    client: &Client,
) -> Result<Closed, StoreError> {
    let Some(person) =
        person::load(work.tx, account)?.filter(|person| person.account.password.as_ref() == Some(verified))
    else {
        return Ok(Closed::PasswordChanged);
    };
    if administrators::is_last(work.tx, work.env, &person)? {
        return Ok(Closed::LastAdministrator);
    }
    erase(work, (&person, By::Owner), &client.owner_of(account))?;
    Ok(Closed::Done)
}

/// Who deletes an account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum By {
    Owner,
    Administrator,
}

/// Removes sessions, identities and the account, and tells the owner.
pub(super) fn erase(work: &mut Work<'_>, (person, by): (&Person, By), source: &Source) -> Result<(), StoreError> {
    work.audit(source, Act::AccountDeleted, person.id)?;
    throttle::forget(work.tx, person.id)?;
    sessions::end_all(work.tx, person.id, None)?;
    sessions::revoke_all(work.tx, person.id)?;
    factors::remove_all(work.tx, person.id)?;
    factor_resets::cancel(work.tx, person.id)?;
    known_devices::forget(work.tx, person.id)?;
    crate::mail::notices::forget(work.tx, person.id)?;
    taking_back::forget(work.tx, person.id)?;
    identity::release_all(work.tx, person.id)?;
    person::remove(work.tx, person.id)?;
    let Some(to) = person.verified_address() else { return Ok(()) };
    work.mail(to, &Letter::AccountDeleted { at: work.now(), by_administrator: by == By::Administrator })
}

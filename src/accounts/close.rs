//! Delete an account, with everything that is kept about it.

use crate::audit::{Act, Outcome, Source};
use crate::base::{AccountId, Moment};
use crate::crypto::PasswordHash;
use crate::factors;
use crate::mail::Letter;
use crate::sessions::{self, Client};
use crate::store::{StoreError, Transaction};
use crate::throttle;

use super::{Person, Services, administrators, factor_resets, identity, known_devices, person, taking_back};

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
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    account: AccountId,
    verified: &PasswordHash,
    client: &Client,
) -> Result<Closed, StoreError> {
    let Some(person) = person::load(tx, account)?.filter(|person| person.account.password.as_ref() == Some(verified))
    else {
        return Ok(Closed::PasswordChanged);
    };
    if administrators::is_last(tx, services, &person)? {
        return Ok(Closed::LastAdministrator);
    }
    erase(tx, moment, services, (&person, By::Owner), &client.owner_of(account))?;
    Ok(Closed::Done)
}

/// Who deletes an account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum By {
    Owner,
    Administrator,
}

/// Removes sessions, identities and the account, and tells the owner.
pub(super) fn erase(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    (person, by): (&Person, By),
    source: &Source,
) -> Result<(), StoreError> {
    services.audit(tx, moment, source, (Act::AccountDeleted, Outcome::Done), person.id)?;
    throttle::forget(tx, person.id)?;
    sessions::end_all(tx, person.id, None)?;
    sessions::revoke_all(tx, person.id)?;
    factors::remove_all(tx, person.id)?;
    factor_resets::cancel(tx, person.id)?;
    known_devices::forget(tx, person.id)?;
    crate::mail::notices::forget(tx, person.id)?;
    taking_back::forget(tx, person.id)?;
    identity::release_all(tx, person.id)?;
    person::remove(tx, person.id)?;
    let Some(to) = person.verified_address() else { return Ok(()) };
    services.mail(
        tx,
        moment,
        to,
        &Letter::AccountDeleted { at: moment.now(), by_administrator: by == By::Administrator },
    )
}

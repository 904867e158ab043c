//! Deletes an account, with everything that is kept about it.

use crate::audit::{Act, Source};
use crate::base::AccountId;
use crate::crypto::PasswordHash;
use crate::factors;
use crate::mail::Letter;
use crate::sessions::{self, Client};
use crate::store::StoreError;
use crate::throttle;

use super::change_refused::ChangeRefused;
use super::{Person, Work, administrators, factor_resets, former_addresses, identity, known_devices, person};

/// Deletes the account after `verified` matched its password, if it has one.
pub fn delete_own(
    work: &mut Work<'_>,
    account: AccountId,
    verified: Option<&PasswordHash>,
    client: &Client,
) -> Result<Result<(), ChangeRefused>, StoreError> {
    // The hash was verified outside this transaction: if the password was changed meanwhile, the proof is void.
    let Some(person) = person::load(work.tx, account)?.filter(|person| person.account.password.as_ref() == verified)
    else {
        return Ok(Err(ChangeRefused::WrongPassword));
    };
    if administrators::is_last(work.tx, work.env, &person)? {
        return Ok(Err(ChangeRefused::LastAdministrator));
    }
    delete(work, &person, DeletedBy::Owner, &client.owner_of(account))?;
    Ok(Ok(()))
}

/// The person who deletes an account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum DeletedBy {
    Owner,
    Administrator,
}

/// Removes the account, its sessions, identities and everything else that is kept about it, and tells the owner.
pub(super) fn delete(work: &mut Work<'_>, person: &Person, by: DeletedBy, source: &Source) -> Result<(), StoreError> {
    // The audit log keeps the id, as evidence that the account existed.
    work.audit(source, Act::AccountDeleted, person.id)?;
    throttle::forget(work.tx, person.id)?;
    sessions::end_all(work.tx, person.id, None)?;
    sessions::revoke_all(work.tx, person.id)?;
    factors::remove_all(work.tx, person.id)?;
    factor_resets::cancel(work.tx, person.id)?;
    known_devices::forget(work.tx, person.id)?;
    crate::mail::notices::forget(work.tx, person.id)?;
    former_addresses::forget(work.tx, person.id)?;
    sessions::forget_logins(work.tx, person.id)?;
    identity::release_all(work.tx, person.id)?;
    person::remove(work.tx, person.id)?;
    let Some(to) = person.verified_address() else { return Ok(()) };
    work.mail(to, &Letter::AccountDeleted { at: work.now(), by_administrator: by == DeletedBy::Administrator })
}

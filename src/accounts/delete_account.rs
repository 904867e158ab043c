//! Deletes an account, with everything that is kept about it.

use crate::audit::{Act, Source};
use crate::base::AccountId;
use crate::crypto::PasswordHash;
use crate::factors;
use crate::mail::Letter;
use crate::sessions::{self, Client, Endable};
use crate::store::{StoreError, Table, Transaction, next_after, schema};
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

/// Deleted accounts of which something is left.
pub(crate) const REMAINS: Table<AccountId, ()> = Table::at(schema::REMAINS);

/// Groups of an account, and words by which its owner was found, beside which everything else of it goes in the same
/// transaction: a shared store takes about a hundred rows in one.
const ROWS_BESIDE_THE_REST: usize = 8;

/// Removes the account, its sessions, identities and everything else that is kept about it, and tells the owner. Of an
/// account that has many rows, what lets nobody in and belongs to nobody any more is left to the sweep.
pub(super) fn delete(work: &mut Work<'_>, person: &Person, by: DeletedBy, source: &Source) -> Result<(), StoreError> {
    // The audit log keeps the id, as evidence that the account existed.
    work.audit(source, Act::AccountDeleted, person.id)?;
    let has_many_rows = person.account.groups.len() + person.search_words().len() > ROWS_BESIDE_THE_REST;
    if has_many_rows {
        for what in [Endable::Sessions, Endable::ApiTokens, Endable::TrustedBrowsers] {
            sessions::raise_epoch(work.tx, person.id, what)?;
        }
    } else {
        sessions::end_all(work.tx, person.id, None)?;
        sessions::revoke_all(work.tx, person.id)?;
        factors::end_trusts(work.tx, person.id)?;
    }
    identity::release_all(work.tx, person.id)?;
    person::remove(work.tx, person.id)?;
    if has_many_rows {
        REMAINS.put(work.tx, &person.id, &())?;
    } else {
        forget_rest(work.tx, person.id)?;
    }
    let Some(to) = person.verified_address() else { return Ok(()) };
    work.mail(
        person.at(to),
        &Letter::AccountDeleted { at: work.now(), by_administrator: by == DeletedBy::Administrator },
    )
}

/// Forgets what is kept about an account that is gone.
fn forget_rest(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    throttle::forget(tx, account)?;
    factors::remove_all(tx, account)?;
    factor_resets::cancel(tx, account)?;
    known_devices::forget(tx, account)?;
    crate::mail::notices::forget(tx, account)?;
    former_addresses::forget(tx, account)?;
    sessions::forget_logins(tx, account)
}

/// Forgets what is left of the next deleted account behind `after`. Returns where to go on, or none at the end.
pub fn sweep(tx: &mut dyn Transaction, after: Option<AccountId>) -> Result<Option<AccountId>, StoreError> {
    let next = REMAINS.page(tx, after.as_ref(), 1)?;
    for (account, ()) in &next {
        forget_rest(tx, *account)?;
        REMAINS.delete(tx, account)?;
    }
    Ok(next_after(&next, 1))
}

//! Former addresses of accounts: for a week after a change the owner can have the old one back, and nobody else takes
//! it without proof.

use crate::base::{AccountId, EmailAddress, Id, Timestamp};
use crate::config::{Config, Span};
use crate::crypto::{OpenedToken, Purpose};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema};

use super::person::ACCOUNTS;
use super::{Env, Work};

/// The time within which a change can be undone.
const WITHIN: Span = Config::TAKE_BACK_WITHIN;

/// Marks the id of a change of address that can be undone.
pub enum OfFormerAddress {}

/// An address that an account had until it was changed.
#[derive(Clone, Debug)]
pub struct FormerAddress {
    address: String,
    /// The time at which another took its place.
    pub changed_at: Timestamp,
}
record!(FormerAddress, version 1, { address, changed_at });

impl FormerAddress {
    /// The address, if it is one by today's rules.
    pub(super) fn address(&self) -> Option<EmailAddress> {
        EmailAddress::parse(&self.address).ok()
    }
}

/// The former owner of an address, and until when it is kept for them.
#[derive(Clone, Debug)]
pub struct FormerOwner {
    account: AccountId,
    until: Timestamp,
}
record!(FormerOwner, version 1, { account, until });

pub(crate) const FORMER_OWNERS: Table<String, FormerOwner> = Table::at(schema::FORMER_OWNERS);

/// Whether an address is kept for its former owner, so that nobody else takes it without proving that it is theirs. A
/// thief who moved an account to another address could take the old one at once, and the owner's undo link would find
/// it gone.
pub fn is_reserved(
    view: &(impl Snapshot + ?Sized),
    address: &EmailAddress,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(former) = FORMER_OWNERS.get(view, &address.canonical())?.filter(|former| now < former.until) else {
        return Ok(false);
    };
    // Of a deleted account the row may be left to the sweep.
    Ok(ACCOUNTS.get(view, &former.account)?.is_some())
}

pub(crate) const FORMER: Table<(AccountId, Id<OfFormerAddress>), FormerAddress> = Table::at(schema::FORMER_ADDRESSES);

/// Changes of address that can be undone at a time. Of more only the oldest are kept, which are the owner's: a thief
/// who changes the address again and again does not push them out.
const MAX_FORMER: usize = 10;

/// Keeps the address that was changed away from, and signs the link that restores it. None if there are as many as can
/// be kept.
pub(super) fn keep(work: &mut Work<'_>, account: AccountId, old: &EmailAddress) -> Result<Option<String>, StoreError> {
    if FORMER.under(work.tx, &account, Direction::Up, MAX_FORMER)?.len() == MAX_FORMER {
        return Ok(None);
    }
    let (id, changed_at) = (Id::draw(work.moment), work.now());
    FORMER.put(work.tx, &(account, id), &FormerAddress { address: old.as_str().to_owned(), changed_at })?;
    let until = changed_at.plus(WITHIN.seconds());
    // The latest owner of an address is the one it is kept for: they proved it last.
    FORMER_OWNERS.put(work.tx, &old.canonical(), &FormerOwner { account, until })?;
    work.signed_link(Purpose::UndoAddress, *account.bytes(), &[account.bytes(), id.bytes()], WITHIN).map(Some)
}

/// The former addresses of an account that can still be restored.
pub(super) fn of_account(view: &dyn Snapshot, account: AccountId) -> Result<Vec<EmailAddress>, StoreError> {
    let former = FORMER.under(view, &account, Direction::Up, MAX_FORMER)?;
    Ok(former.iter().filter_map(|(_, former)| former.address()).collect())
}

/// Finds the change of address that a link undoes, if it still can be.
pub(super) fn undone_by(
    view: &dyn Snapshot,
    env: &Env,
    account: AccountId,
    link: &OpenedToken<'_>,
) -> Result<Option<FormerAddress>, StoreError> {
    let former = FORMER.under(view, &account, Direction::Up, MAX_FORMER)?;
    let is_meant = |id: &Id<OfFormerAddress>| env.is_bound(link, &[account.bytes(), id.bytes()]);
    Ok(former.into_iter().find(|((_, id), _)| is_meant(id)).map(|(_, former)| former))
}

/// Stops keeping an address, as its owner has it back.
pub(super) fn restored(tx: &mut dyn Transaction, address: &EmailAddress) -> Result<(), StoreError> {
    FORMER_OWNERS.delete(tx, &address.canonical())
}

/// Forgets the changes made at `since` or later: once the address of that time is restored they cannot be undone.
pub(super) fn forget_since(tx: &mut dyn Transaction, account: AccountId, since: Timestamp) -> Result<(), StoreError> {
    for (key, former) in FORMER.under(tx, &account, Direction::Up, MAX_FORMER)? {
        if former.changed_at >= since {
            FORMER.delete(tx, &key)?;
            release_reserved(tx, account, &former.address)?;
        }
    }
    Ok(())
}

/// Stops keeping an address for this account.
fn release_reserved(tx: &mut dyn Transaction, account: AccountId, address: &str) -> Result<(), StoreError> {
    let Ok(address) = EmailAddress::parse(address) else { return Ok(()) };
    match FORMER_OWNERS.get(tx, &address.canonical())?.filter(|former| former.account == account) {
        Some(_) => FORMER_OWNERS.delete(tx, &address.canonical()),
        None => Ok(()),
    }
}

/// Forgets a deleted account.
pub(super) fn forget(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    forget_since(tx, account, Timestamp::default())
}

/// Removes addresses that can no longer be restored, looking at up to `limit` behind `after`. Returns where to go on,
/// or none at the end.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    after: Option<(AccountId, Id<OfFormerAddress>)>,
    limit: usize,
) -> Result<Option<(AccountId, Id<OfFormerAddress>)>, StoreError> {
    FORMER.sweep(tx, after.as_ref(), limit, |tx, key, former| {
        if now >= former.changed_at.plus(WITHIN.seconds()) {
            FORMER.delete(tx, key)?;
            release_reserved(tx, key.0, &former.address)?;
        }
        Ok(())
    })
}

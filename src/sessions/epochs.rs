//! Epochs: how much that belongs to an account ends at once, by one row.
//!
//! An account may have a hundred sessions. What ends them all is one act in one transaction, and a shared store takes
//! about a hundred rows in one. So each session records the epoch that its account was in when it started; raising the
//! epoch ends all that are older, and the sweep removes their rows later. An account without a row is in epoch 0. One row
//! more counts the times that everybody's ended: who is in any session moves it by a refresh, so that no walk through
//! the table finds them all.

use crate::base::AccountId;
use crate::store::{Snapshot, StoreError, Table, Transaction, schema};

/// A kind of what an account may have many of, and what can end together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Endable {
    /// Sessions.
    Sessions,
    /// API tokens.
    ApiTokens,
    /// Trusted browsers.
    TrustedBrowsers,
    /// Pending logins.
    PendingLogins,
}

impl Endable {
    const ALL: [Self; 4] = [Self::Sessions, Self::ApiTokens, Self::TrustedBrowsers, Self::PendingLogins];

    /// The number in keys. It never changes.
    const fn number(self) -> u8 {
        match self {
            Self::Sessions => 1,
            Self::ApiTokens => 2,
            Self::TrustedBrowsers => 3,
            Self::PendingLogins => 4,
        }
    }
}

/// The account, and the number of the kind.
pub type EpochKey = (AccountId, u8);

pub(crate) const EPOCHS: Table<EpochKey, u64> = Table::at(schema::EPOCHS);

/// Stands for everybody in keys: no account has this id, since ids are drawn.
pub const EVERYBODY: AccountId = AccountId::from_bytes([0; 16]);

/// Returns the epoch that an account is in: what records another one has ended. It is the sum of the account's own and
/// of everybody's; both only grow, as long as anything is left that records one.
pub fn epoch_of(view: &(impl Snapshot + ?Sized), account: AccountId, what: Endable) -> Result<u64, StoreError> {
    Ok(row(view, account, what)? + row(view, EVERYBODY, what)?)
}

fn row(view: &(impl Snapshot + ?Sized), account: AccountId, what: Endable) -> Result<u64, StoreError> {
    Ok(EPOCHS.get(view, &(account, what.number()))?.unwrap_or(0))
}

/// Begins the next epoch of an account, which ends all there is of this kind. Returns it.
pub fn raise_epoch(tx: &mut dyn Transaction, account: AccountId, what: Endable) -> Result<u64, StoreError> {
    let next = row(tx, account, what)? + 1;
    EPOCHS.put(tx, &(account, what.number()), &next)?;
    epoch_of(tx, account, what)
}

/// Begins the next epoch of everybody.
pub fn raise_everybodys(tx: &mut dyn Transaction, what: Endable) -> Result<(), StoreError> {
    let next = row(tx, EVERYBODY, what)? + 1;
    EPOCHS.put(tx, &(EVERYBODY, what.number()), &next)
}

/// Removes epochs of which nothing is left, looking at up to `limit` behind `after`. Returns where to go on, or none at
/// the end. `has_rows` says whether there is any row of the kind, ended or not: as long as there is, the epoch tells
/// which it is.
pub fn sweep_epochs(
    tx: &mut dyn Transaction,
    after: Option<EpochKey>,
    limit: usize,
    has_rows: impl Fn(&dyn Snapshot, AccountId, Endable) -> Result<bool, StoreError>,
) -> Result<Option<EpochKey>, StoreError> {
    EPOCHS.sweep(tx, after.as_ref(), limit, |tx, key, _| {
        let what = Endable::ALL.into_iter().find(|what| what.number() == key.1);
        let what = what.ok_or(StoreError::Damaged("an epoch"))?;
        // Everybody's stays: it is one row, and nobody knows by what it is still recorded.
        if key.0 == EVERYBODY || has_rows(tx, key.0, what)? { Ok(()) } else { EPOCHS.delete(tx, key) }
    })
}

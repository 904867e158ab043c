//! Identities, by which an account is named: an address, a user name, a telephone number. Each belongs to one account
//! at most.

use crate::base::{AccountId, EmailAddress, Identity, PhoneNumber, Timestamp, Username};
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};

/// The kinds of identity, as they stand in keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StoredKind {
    /// An e-mail address.
    Email,
    /// A user name.
    Username,
    /// A telephone number.
    Phone,
}

impl StoredKind {
    const fn code(self) -> u8 {
        match self {
            Self::Email => 1,
            Self::Username => 2,
            Self::Phone => 3,
        }
    }
}

/// An identity of an account.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The identity as its owner wrote it.
    pub shown: String,
    /// The time at which its owner proved that it is theirs; user names are proved by having them.
    pub verified_at: Option<Timestamp>,
}
record!(Claimed, version 1, { shown, verified_at });

pub(crate) const OWNERS: Table<(u8, String), AccountId> = Table::at(schema::IDENTITIES);
pub(crate) const OF_ACCOUNT: Table<(AccountId, u8), Claimed> = Table::at(schema::IDENTITIES_OF);

/// The account that an identity belongs to.
pub fn owner(view: &dyn Snapshot, identity: &Identity) -> Result<Option<AccountId>, StoreError> {
    match identity {
        Identity::Email(address) => owner_of_email(view, address),
        Identity::Username(name) => owner_of_username(view, name),
        Identity::Phone(number) => owner_of_phone(view, number),
        Identity::Nobody => Ok(None),
    }
}

/// The account with this address, verified or not.
pub fn owner_of_email(view: &dyn Snapshot, address: &EmailAddress) -> Result<Option<AccountId>, StoreError> {
    OWNERS.get(view, &(StoredKind::Email.code(), address.canonical()))
}

/// The account with this user name.
pub fn owner_of_username(view: &dyn Snapshot, name: &Username) -> Result<Option<AccountId>, StoreError> {
    OWNERS.get(view, &(StoredKind::Username.code(), name.as_str().to_owned()))
}

/// The account with this telephone number.
pub fn owner_of_phone(view: &dyn Snapshot, number: &PhoneNumber) -> Result<Option<AccountId>, StoreError> {
    OWNERS.get(view, &(StoredKind::Phone.code(), number.as_str().to_owned()))
}

/// The identity of a kind that an account has.
pub fn of_account(view: &dyn Snapshot, account: AccountId, kind: StoredKind) -> Result<Option<Claimed>, StoreError> {
    OF_ACCOUNT.get(view, &(account, kind.code()))
}

/// Gives an account an address, in place of the one it has. The caller has checked that nobody else owns it.
pub fn set_email(
    tx: &mut dyn Transaction,
    account: AccountId,
    address: &EmailAddress,
    verified_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    release(tx, account, StoredKind::Email)?;
    OWNERS.put(tx, &(StoredKind::Email.code(), address.canonical()), &account)?;
    OF_ACCOUNT.put(
        tx,
        &(account, StoredKind::Email.code()),
        &Claimed { shown: address.as_str().to_owned(), verified_at },
    )
}

/// Gives an account a user name, in place of the one it has. The caller has checked that nobody else owns it.
pub fn set_username(
    tx: &mut dyn Transaction,
    account: AccountId,
    name: &Username,
    now: Timestamp,
) -> Result<(), StoreError> {
    claim(tx, account, (StoredKind::Username, name.as_str()), now)
}

/// Gives an account a telephone number in place of the one it has, or removes it. The caller has checked that nobody
/// else owns it.
pub fn set_phone(
    tx: &mut dyn Transaction,
    account: AccountId,
    number: Option<&PhoneNumber>,
    now: Timestamp,
) -> Result<(), StoreError> {
    match number {
        Some(number) => claim(tx, account, (StoredKind::Phone, number.as_str()), now),
        None => release(tx, account, StoredKind::Phone),
    }
}

fn claim(
    tx: &mut dyn Transaction,
    account: AccountId,
    (kind, shown): (StoredKind, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    release(tx, account, kind)?;
    OWNERS.put(tx, &(kind.code(), shown.to_owned()), &account)?;
    OF_ACCOUNT.put(tx, &(account, kind.code()), &Claimed { shown: shown.to_owned(), verified_at: Some(now) })
}

/// Removes an account's address.
pub fn release_email(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    release(tx, account, StoredKind::Email)
}

/// Removes every identity of an account.
pub fn release_all(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    release(tx, account, StoredKind::Email)?;
    release(tx, account, StoredKind::Phone)?;
    release(tx, account, StoredKind::Username)
}

fn release(tx: &mut dyn Transaction, account: AccountId, kind: StoredKind) -> Result<(), StoreError> {
    let Some(claimed) = of_account(tx, account, kind)? else { return Ok(()) };
    OWNERS.delete(tx, &(kind.code(), claimed.shown.to_ascii_lowercase()))?;
    OF_ACCOUNT.delete(tx, &(account, kind.code()))
}

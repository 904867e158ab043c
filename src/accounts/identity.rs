//! Identities, by which an account is named: an address, a user name, a telephone number. Each belongs to one account
//! at most.

use crate::base::{AccountId, EmailAddress, Identity, NameSource, PhoneNumber, Timestamp, Username};
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};

use super::search_index::{self, Renamed};

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
        self.source().code()
    }

    const fn source(self) -> NameSource {
        match self {
            Self::Email => NameSource::Address,
            Self::Username => NameSource::Username,
            Self::Phone => NameSource::Phone,
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
    /// The number of user names that the account gave up before this one, and that are kept for it.
    pub given_up: u64,
}
record!(Claimed, version 2, { shown, verified_at }, since 2 { given_up });

pub(crate) const OWNERS: Table<(u8, String), AccountId> = Table::at(schema::IDENTITIES);
pub(crate) const OF_ACCOUNT: Table<(AccountId, u8), Claimed> = Table::at(schema::IDENTITIES_OF);
pub(crate) const FORMER_USERNAMES: Table<String, AccountId> = Table::at(schema::FORMER_USERNAMES);

/// User names that are kept for an account beside its present one: whoever renames an account again and again collects
/// no more of them.
pub const MAX_GIVEN_UP: u64 = 10;

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

/// Whether a user name is not to be had for `wanted_by`; a new account is nobody yet. A name that was given up, by
/// another choice or with its account, is taken for everybody but its former owner: applications behind the proxy and
/// access rules know people by their names, and would take its next owner for the previous one.
pub fn is_username_taken(
    view: &dyn Snapshot,
    name: &Username,
    wanted_by: Option<AccountId>,
) -> Result<bool, StoreError> {
    // Both are read in any case (equal work): which of them it is does not show.
    let (owner, former) = (owner_of_username(view, name)?, former_owner_of_username(view, name)?);
    Ok(owner.is_some() || former.is_some_and(|former| Some(former) != wanted_by))
}

/// The account that gave this user name up; it may be deleted.
pub fn former_owner_of_username(view: &dyn Snapshot, name: &Username) -> Result<Option<AccountId>, StoreError> {
    FORMER_USERNAMES.get(view, &name.as_str().to_owned())
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
    let claimed = Claimed { shown: address.as_str().to_owned(), verified_at, given_up: 0 };
    note(tx, account, StoredKind::Email, &claimed)
}

/// Gives an account a user name, in place of the one it has, which is kept for it. The caller has checked that the name
/// is not taken.
pub fn set_username(
    tx: &mut dyn Transaction,
    account: AccountId,
    name: &Username,
    now: Timestamp,
) -> Result<(), StoreError> {
    free_username(tx, name)?;
    let before = of_account(tx, account, StoredKind::Username)?;
    let given_up = before.map_or(0, |before| before.given_up + 1);
    let claimed = Claimed { shown: name.as_str().to_owned(), verified_at: Some(now), given_up };
    claim(tx, account, StoredKind::Username, &claimed)
}

/// Forgets that a user name was given up, so that it is free unless an account has it. Returns its former owner.
pub fn free_username(tx: &mut dyn Transaction, name: &Username) -> Result<Option<AccountId>, StoreError> {
    let Some(former) = former_owner_of_username(tx, name)? else { return Ok(None) };
    FORMER_USERNAMES.delete(tx, &name.as_str().to_owned())?;
    if let Some(mut claimed) = of_account(tx, former, StoredKind::Username)? {
        claimed.given_up = claimed.given_up.saturating_sub(1);
        OF_ACCOUNT.put(tx, &(former, StoredKind::Username.code()), &claimed)?;
    }
    Ok(Some(former))
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
        Some(number) => {
            let claimed = Claimed { shown: number.as_str().to_owned(), verified_at: Some(now), given_up: 0 };
            claim(tx, account, StoredKind::Phone, &claimed)
        }
        None => release(tx, account, StoredKind::Phone),
    }
}

fn claim(tx: &mut dyn Transaction, account: AccountId, kind: StoredKind, claimed: &Claimed) -> Result<(), StoreError> {
    release(tx, account, kind)?;
    OWNERS.put(tx, &(kind.code(), claimed.shown.clone()), &account)?;
    note(tx, account, kind, claimed)
}

/// Notes an identity with its account, and the words by which it is found.
fn note(tx: &mut dyn Transaction, account: AccountId, kind: StoredKind, claimed: &Claimed) -> Result<(), StoreError> {
    search_index::note_changed(tx, account, kind.source(), Renamed { before: None, after: Some(&claimed.shown) })?;
    OF_ACCOUNT.put(tx, &(account, kind.code()), claimed)
}

/// Removes an account's address.
pub fn release_email(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    release(tx, account, StoredKind::Email)
}

/// Removes every identity of an account. Its user name stays taken.
pub fn release_all(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    release(tx, account, StoredKind::Email)?;
    release(tx, account, StoredKind::Phone)?;
    release(tx, account, StoredKind::Username)
}

fn release(tx: &mut dyn Transaction, account: AccountId, kind: StoredKind) -> Result<(), StoreError> {
    let Some(claimed) = of_account(tx, account, kind)? else { return Ok(()) };
    let canonical = claimed.shown.to_ascii_lowercase();
    if kind == StoredKind::Username {
        FORMER_USERNAMES.put(tx, &canonical, &account)?;
    }
    OWNERS.delete(tx, &(kind.code(), canonical))?;
    search_index::note_changed(tx, account, kind.source(), Renamed { before: Some(&claimed.shown), after: None })?;
    OF_ACCOUNT.delete(tx, &(account, kind.code()))
}

//! Who administers the appliance. Somebody always does, once somebody did: nobody takes away the last who can log in.

use crate::base::{AccountId, GroupName};
use crate::groups;
use crate::store::{Snapshot, StoreError};

use super::person::{ACCOUNTS, Account, Person};

const PAGE: usize = 100;

/// Whether anybody administers the appliance.
///
/// # Errors
/// When the store fails.
pub fn exist(view: &(impl Snapshot + ?Sized)) -> Result<bool, StoreError> {
    groups::has_members(view, &GroupName::administrators())
}

/// Whether this account administers the appliance, and is not locked.
///
/// # Errors
/// When the store fails.
pub fn is_active(view: &(impl Snapshot + ?Sized), id: AccountId) -> Result<bool, StoreError> {
    let is_active = |account: Account| account.is_administrator() && account.disabled_at.is_none();
    Ok(ACCOUNTS.get(view, &id)?.is_some_and(is_active))
}

/// Whether one of those who administer the appliance, locked or not, is in a group.
///
/// # Errors
/// When the store fails.
pub fn any_is_in(view: &(impl Snapshot + ?Sized), group: &GroupName) -> Result<bool, StoreError> {
    let mut after = None;
    loop {
        let page = groups::members(view, &GroupName::administrators(), after, PAGE)?;
        for id in &page {
            if groups::has_member(view, group, *id)? {
                return Ok(true);
            }
        }
        match page.last() {
            Some(id) => after = Some(*id),
            None => return Ok(false),
        }
    }
}

/// Whether this is the last administrator who can log in.
///
/// # Errors
/// When the store fails.
pub fn is_last(view: &(impl Snapshot + ?Sized), person: &Person) -> Result<bool, StoreError> {
    let is_active = |account: &Account| account.is_administrator() && account.disabled_at.is_none();
    Ok(is_active(&person.account) && find_active(view, |id| id != person.id, 1)?.is_empty())
}

/// Administrators who can log in, at most `limit`.
///
/// # Errors
/// When the store fails.
pub fn find_active(
    view: &(impl Snapshot + ?Sized),
    is_meant: impl Fn(AccountId) -> bool,
    limit: usize,
) -> Result<Vec<AccountId>, StoreError> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = groups::members(view, &GroupName::administrators(), after, PAGE)?;
        for id in &page {
            let is_active = || Ok(ACCOUNTS.get(view, id)?.is_some_and(|account| account.disabled_at.is_none()));
            if is_meant(*id) && is_active()? {
                found.push(*id);
            }
            if found.len() == limit {
                return Ok(found);
            }
        }
        match page.last() {
            Some(id) => after = Some(*id),
            None => return Ok(found),
        }
    }
}

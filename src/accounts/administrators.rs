//! Who administers the appliance. Somebody always does, once somebody did: nobody takes away the last who can log in.

use crate::base::AccountId;
use crate::store::{Snapshot, StoreError};

use super::person::{ACCOUNTS, Account, Person};

const PAGE: usize = 100;

/// Whether anybody administers the appliance. It looks at every account until it finds one who does.
///
/// # Errors
/// When the store fails.
pub fn exist(view: &(impl Snapshot + ?Sized)) -> Result<bool, StoreError> {
    any(view, |_, account| account.is_administrator())
}

/// Whether this is the last administrator who can log in.
///
/// # Errors
/// When the store fails.
pub fn is_last(view: &(impl Snapshot + ?Sized), person: &Person) -> Result<bool, StoreError> {
    let is_active = |account: &Account| account.is_administrator() && account.disabled_at.is_none();
    Ok(is_active(&person.account) && !any(view, |id, account| id != person.id && is_active(account))?)
}

fn any(view: &(impl Snapshot + ?Sized), is_meant: impl Fn(AccountId, &Account) -> bool) -> Result<bool, StoreError> {
    let mut after = None;
    loop {
        let people = ACCOUNTS.page(view, after.as_ref(), PAGE)?;
        if people.iter().any(|(id, account)| is_meant(*id, account)) {
            return Ok(true);
        }
        match people.last() {
            Some((id, _)) => after = Some(*id),
            None => return Ok(false),
        }
    }
}

//! The administrators of the appliance. Once there was one, there always is: nobody takes away the last who could log
//! in.

use crate::base::{AccountId, GroupName, IdentityKind};
use crate::groups;
use crate::store::{Snapshot, StoreError};

use super::Env;
use super::person::{self, ACCOUNTS, Account, Person};

/// Members read at a time.
const PAGE: usize = 100;

/// Whether anybody administers the appliance.
pub fn exist(view: &(impl Snapshot + ?Sized)) -> Result<bool, StoreError> {
    groups::has_members(view, &GroupName::administrators())
}

/// Whether this account administers the appliance, and is not disabled.
pub fn is_active(view: &(impl Snapshot + ?Sized), id: AccountId) -> Result<bool, StoreError> {
    let is_active = |account: Account| account.is_administrator() && account.disabled_at.is_none();
    Ok(ACCOUNTS.get(view, &id)?.is_some_and(is_active))
}

/// Whether one of the administrators, disabled or not, is in a group.
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

/// Whether somebody administers the appliance and could log in now. Nothing counts that depends on a mail or a clock
/// yet to come, except a verified address, to which a link for a new password goes. The conditions are those of
/// [`super::login`].
#[must_use]
pub fn could_log_in(env: &Env, person: &Person) -> bool {
    let (account, settings) = (&person.account, &env.config);
    let is_open = account.is_administrator() && account.disabled_at.is_none();
    let is_confirmed = account.confirmed_at.is_some() || person.email.is_none() || !settings.registration.confirm_email;
    let has_name = |kind: &IdentityKind| match kind {
        IdentityKind::Email => person.email.is_some(),
        IdentityKind::Username => person.username.is_some(),
        IdentityKind::Phone => person.phone.is_some(),
    };
    let is_named = settings.login.identities.iter().any(has_name);
    // Without a password a link can be mailed to set one.
    let has_proof = account.password.is_some() || person.verified_address().is_some();
    is_open && is_confirmed && is_named && has_proof
}

/// Whether this is the last administrator who could log in.
pub fn is_last(view: &dyn Snapshot, env: &Env, person: &Person) -> Result<bool, StoreError> {
    Ok(could_log_in(env, person) && find_active(view, env, |id| id != person.id, 1)?.is_empty())
}

/// The administrators who could log in, at most `limit` of those that `is_meant` picks.
pub fn find_active(
    view: &dyn Snapshot,
    env: &Env,
    is_meant: impl Fn(AccountId) -> bool,
    limit: usize,
) -> Result<Vec<Person>, StoreError> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = groups::members(view, &GroupName::administrators(), after, PAGE)?;
        for id in page.iter().filter(|id| is_meant(**id)) {
            found.extend(person::load(view, *id)?.filter(|person| could_log_in(env, person)));
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

//! The permissions of groups, and the end of a group.

use std::collections::BTreeSet;

use crate::audit::{Act, Outcome, Source, Subject};
use crate::base::{GroupName, Permission};
use crate::groups::{self, MAX_PERMISSIONS};
use crate::store::{Snapshot, StoreError};

use super::person::{self, Account};
use super::{Work, administer};

/// The permission to ask what others may do.
pub const MAY_ASK: &str = "gatelodge:ask";

/// Whether somebody may ask what others may do.
#[must_use]
pub fn may_ask(account: &Account, permissions: &BTreeSet<Permission>) -> bool {
    account.is_administrator() || permissions.iter().any(|permission| permission.as_str() == MAY_ASK)
}

/// Whether the person named by id, address, user name or number has a permission. None if nobody is called so.
pub fn may(view: &dyn Snapshot, named: &str, permission: &Permission) -> Result<Option<bool>, StoreError> {
    let Some(person) = administer::find(view, named)? else { return Ok(None) };
    // An account that is disabled keeps its groups, but may do nothing.
    let is_open = person.account.disabled_at.is_none();
    Ok(Some(is_open && groups::permissions_of(view, &person.account.groups)?.contains(permission)))
}

/// The outcome of giving a group a permission.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Permitted {
    /// It is done.
    Done,
    /// The group has as many permissions as a group may have.
    TooMany,
    /// As many groups have permissions as may have.
    TooManyGroups,
}

/// Gives a group a permission, or removes it.
pub fn permit(
    work: &mut Work<'_>,
    source: &Source,
    name: &GroupName,
    permission: &Permission,
    is_given: bool,
) -> Result<Permitted, StoreError> {
    let mut group = groups::find(work.tx, name)?;
    if group.permissions.contains(permission) == is_given {
        return Ok(Permitted::Done);
    }
    if is_given
        && group.permissions.is_empty()
        && groups::count_with_permissions(work.tx)? >= groups::MAX_WITH_PERMISSIONS
    {
        return Ok(Permitted::TooManyGroups);
    }
    let act = if is_given {
        group.permissions.insert(permission.clone());
        Act::GroupPermitted
    } else {
        group.permissions.remove(permission);
        Act::GroupForbidden
    };
    if is_given && group.permissions.len() > MAX_PERMISSIONS {
        return Ok(Permitted::TooMany);
    }
    groups::save(work.tx, name, &group)?;
    let detail = format!("{} {}", name.as_str(), permission.as_str());
    work.audit_in_detail(source, (act, Outcome::Done), Subject::NONE, &detail)?;
    Ok(Permitted::Done)
}

/// Takes up to `limit` members out of a group, and once nobody is left removes its permissions. Returns whether it is
/// gone.
pub fn disband(work: &mut Work<'_>, source: &Source, name: &GroupName, limit: usize) -> Result<bool, StoreError> {
    for id in groups::members(work.tx, name, None, limit)? {
        let Some(mut person) = person::load(work.tx, id)? else {
            return Err(StoreError::Damaged("a member of a group"));
        };
        person.account.groups.remove(name);
        person::save(work.tx, id, &person.account)?;
        work.audit_in_detail(source, Act::GroupLeft, id, name.as_str())?;
    }
    if groups::has_members(work.tx, name)? {
        return Ok(false);
    }
    groups::save(work.tx, name, &groups::Group::default())?;
    work.audit_in_detail(source, Act::GroupDisbanded, Subject::NONE, name.as_str())?;
    Ok(true)
}

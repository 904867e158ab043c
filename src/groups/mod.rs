//! Groups of people: who is in which, and the permissions that their members have.
//!
//! A group exists as long as somebody is in it or it has a permission; nobody has to create one first.

use std::collections::BTreeSet;

use crate::base::{AccountId, GroupName, Permission};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema};

/// The record of a group, besides its members.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The permissions of its members, in words that mean something to applications.
    pub permissions: BTreeSet<Permission>,
}
record!(Group, version 1, { permissions });

pub(crate) const GROUPS: Table<String, Group> = Table::at(schema::GROUPS);
/// The index of members. The groups themselves stand with each account; this is the way back.
pub(crate) const MEMBERS: Table<(String, AccountId), ()> = Table::at(schema::MEMBERS);

/// Permissions that a group may have.
pub const MAX_PERMISSIONS: usize = 100;
/// Groups with permissions, at most.
pub const MAX_WITH_PERMISSIONS: usize = 500;
/// Groups that an account or an invitation may have. Each stands in every answer about the account. An account that had
/// more before there was this limit keeps them.
pub const MAX_PER_ACCOUNT: usize = 64;
/// Groups that are listed, at most.
pub const MAX_LISTED: usize = 10_000;

/// Keeps the index of members in step when an account's groups change.
pub fn note_changed(
    tx: &mut dyn Transaction,
    account: AccountId,
    before: &BTreeSet<GroupName>,
    after: &BTreeSet<GroupName>,
) -> Result<(), StoreError> {
    for left in before.difference(after) {
        MEMBERS.delete(tx, &(left.as_str().to_owned(), account))?;
    }
    for joined in after.difference(before) {
        MEMBERS.put(tx, &(joined.as_str().to_owned(), account), &())?;
    }
    Ok(())
}

/// The members of a group behind `after`, in the order of their ids, at most `limit`.
pub fn members(
    view: &(impl Snapshot + ?Sized),
    group: &GroupName,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Vec<AccountId>, StoreError> {
    let name = group.as_str().to_owned();
    // A page may run on into the groups that follow in the table; these are cut off below.
    let rows = match after {
        None => MEMBERS.under(view, &name, Direction::Up, limit)?,
        Some(after) => MEMBERS.page(view, Some(&(name.clone(), after)), limit)?,
    };
    Ok(rows.into_iter().take_while(|((found, _), ())| *found == name).map(|((_, id), ())| id).collect())
}

/// Whether anybody is in the group.
pub fn has_members(view: &(impl Snapshot + ?Sized), group: &GroupName) -> Result<bool, StoreError> {
    Ok(!members(view, group, None, 1)?.is_empty())
}

/// Whether an account is in the group.
pub fn has_member(view: &(impl Snapshot + ?Sized), group: &GroupName, account: AccountId) -> Result<bool, StoreError> {
    Ok(MEMBERS.get(view, &(group.as_str().to_owned(), account))?.is_some())
}

/// The record of a group; an empty one if it has no permissions.
pub fn find(view: &(impl Snapshot + ?Sized), name: &GroupName) -> Result<Group, StoreError> {
    Ok(GROUPS.get(view, &name.as_str().to_owned())?.unwrap_or_default())
}

/// Writes the record of a group.
pub fn save(tx: &mut dyn Transaction, name: &GroupName, group: &Group) -> Result<(), StoreError> {
    let key = name.as_str().to_owned();
    if group.permissions.is_empty() { GROUPS.delete(tx, &key) } else { GROUPS.put(tx, &key, group) }
}

/// The permissions that somebody has by these groups.
pub fn permissions_of(
    view: &(impl Snapshot + ?Sized),
    groups: &BTreeSet<GroupName>,
) -> Result<BTreeSet<Permission>, StoreError> {
    let mut permissions = BTreeSet::new();
    for name in groups {
        permissions.extend(find(view, name)?.permissions);
    }
    Ok(permissions)
}

/// Whether the group has members or permissions.
pub fn exists(view: &(impl Snapshot + ?Sized), name: &GroupName) -> Result<bool, StoreError> {
    Ok(!find(view, name)?.permissions.is_empty() || has_members(view, name)?)
}

/// The number of groups with permissions, counted up to one more than there may be.
pub fn count_with_permissions(view: &(impl Snapshot + ?Sized)) -> Result<usize, StoreError> {
    Ok(GROUPS.all(view, Direction::Up, MAX_WITH_PERMISSIONS + 1)?.len())
}

/// The names of the groups that have members or permissions, in alphabetical order; of those with members at most
/// [`MAX_LISTED`].
pub fn names(view: &(impl Snapshot + ?Sized)) -> Result<BTreeSet<GroupName>, StoreError> {
    let mut names = BTreeSet::new();
    let damaged = |_| StoreError::Damaged("a group's name");
    for (name, _) in GROUPS.all(view, Direction::Up, usize::MAX)? {
        names.insert(GroupName::parse(&name).map_err(damaged)?);
    }
    // From each group's first member straight to the next group's: there may be many members, but few groups.
    let mut after: Option<(String, AccountId)> = None;
    for _ in 0..MAX_LISTED {
        let Some(((name, _), ())) = MEMBERS.page(view, after.as_ref(), 1)?.into_iter().next() else { break };
        names.insert(GroupName::parse(&name).map_err(damaged)?);
        after = Some((name, AccountId::from_bytes([0xff; 16])));
    }
    Ok(names)
}

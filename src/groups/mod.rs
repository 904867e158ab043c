//! Groups of people: who is in which, and the words that say what their members may do.
//!
//! A group is there as long as somebody is in it or a word is on it; nobody has to make one first.

use std::collections::BTreeSet;

use crate::base::{AccountId, GroupName, Permission};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema};

/// What is kept about a group besides its members.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// What its members may do, in words that mean something to applications.
    pub permissions: BTreeSet<Permission>,
}
record!(Group, version 1, { permissions });

pub(crate) const GROUPS: Table<String, Group> = Table::at(schema::GROUPS);
/// The groups themselves stand with each account; this is the way back.
pub(crate) const MEMBERS: Table<(String, AccountId), ()> = Table::at(schema::MEMBERS);

/// Permissions that a group may have.
pub const MAX_PERMISSIONS: usize = 100;
/// Groups that have permissions, at most.
pub const MAX_WITH_PERMISSIONS: usize = 500;
/// Groups that an account may be put in, and an invitation name. Each stands in every answer about the account; one that was put in
/// more before there was this limit stays in them.
pub const MAX_PER_ACCOUNT: usize = 64;
/// Groups that are listed at most.
pub const MAX_LISTED: usize = 10_000;

/// Keeps the way back from groups to members, when an account's groups change.
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

/// Members of a group behind `after`, in the order of their ids.
pub fn members(
    view: &(impl Snapshot + ?Sized),
    group: &GroupName,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Vec<AccountId>, StoreError> {
    let name = group.as_str().to_owned();
    // Ids are sixteen bytes behind the name's NUL: the lowest of them stands for "from the first on".
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

/// What is kept about a group; nothing much for one that no word was put on.
pub fn find(view: &(impl Snapshot + ?Sized), name: &GroupName) -> Result<Group, StoreError> {
    Ok(GROUPS.get(view, &name.as_str().to_owned())?.unwrap_or_default())
}

/// Writes what is kept about a group.
pub fn save(tx: &mut dyn Transaction, name: &GroupName, group: &Group) -> Result<(), StoreError> {
    let key = name.as_str().to_owned();
    if group.permissions.is_empty() { GROUPS.delete(tx, &key) } else { GROUPS.put(tx, &key, group) }
}

/// What somebody may do who is in these groups.
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

/// How many groups have permissions, counted up to one more than may have.
pub fn count_with_permissions(view: &(impl Snapshot + ?Sized)) -> Result<usize, StoreError> {
    Ok(GROUPS.all(view, Direction::Up, MAX_WITH_PERMISSIONS + 1)?.len())
}

/// The names of the groups that have members or permissions, in alphabetical order; of those with members at most [`MAX_LISTED`].
pub fn names(view: &(impl Snapshot + ?Sized)) -> Result<BTreeSet<GroupName>, StoreError> {
    let mut names = BTreeSet::new();
    let damaged = |_| StoreError::Damaged("a group's name");
    for (name, _) in GROUPS.all(view, Direction::Up, usize::MAX)? {
        names.insert(GroupName::parse(&name).map_err(damaged)?);
    }
    // From each group's first member to the next group's: there may be many members, but few groups.
    let mut after: Option<(String, AccountId)> = None;
    for _ in 0..MAX_LISTED {
        let Some(((name, _), ())) = MEMBERS.page(view, after.as_ref(), 1)?.into_iter().next() else { break };
        names.insert(GroupName::parse(&name).map_err(damaged)?);
        after = Some((name, AccountId::from_bytes([0xff; 16])));
    }
    Ok(names)
}

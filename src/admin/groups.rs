//! Groups, their members and permissions.

use std::sync::Arc;

use crate::accounts::permissions::{self, Permitted};
use crate::accounts::person;
use crate::app::{App, Principal};
use crate::base::{AccountId, GroupName, Permission};
use crate::groups::{self, MAX_PERMISSIONS, MAX_WITH_PERMISSIONS};
use crate::texts::refusal;

use super::answers::{Account, DisbandedGroup, Group, Page};
use super::reach::Reach;
use super::{MAX_ROWS, Refusal, Remedy, Wanted, named, parse, users};

/// The members removed in one transaction. Each has three rows: a step changes fewer than a hundred, which is what a
/// replicated store takes at once.
const PER_STEP: usize = 24;

pub(super) async fn list(app: &App) -> Result<Page<Group>, Refusal> {
    let found = app
        .read(|view| {
            groups::names(view)?
                .into_iter()
                .map(|name| Ok((groups::find(view, &name)?, name)))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    Ok(Page::whole(found.iter().map(|(group, name)| describe(name, group)).collect()))
}

fn describe(name: &GroupName, group: &groups::Group) -> Group {
    let permissions = group.permissions.iter().map(|permission| permission.as_str().to_owned());
    Group { name: name.as_str().to_owned(), permissions: permissions.collect() }
}

pub(super) async fn members(
    app: &App,
    group: &str,
    after: Option<String>,
    limit: usize,
) -> Result<Page<Account>, Refusal> {
    let name = named::read_group(group)?;
    let after = after.map(|text| parse(&text, Wanted::AccountId, str::parse::<AccountId>)).transpose()?;
    let limit = limit.clamp(1, MAX_ROWS);
    let (ids, people) = app
        .read(|view| {
            // Whoever may list the members of a group may list the groups.
            if let Err(refusal) = Reach::Everybody.require_group(view, &name)? {
                return Ok(Err(refusal));
            }
            let ids = groups::members(view, &name, after, limit)?;
            let people = ids.iter().map(|id| person::load(view, *id)).collect::<Result<Vec<_>, _>>()?;
            Ok(Ok((ids, people)))
        })
        .await??;
    let next = ids.last().filter(|_| ids.len() == limit).map(ToString::to_string);
    Ok(Page { items: people.iter().flatten().map(users::describe).collect(), next })
}

pub(super) async fn permit(
    app: &Arc<App>,
    group: &str,
    permission: &str,
    is_given: bool,
    by: &Principal,
) -> Result<Group, Refusal> {
    let name = named::read_group(group)?;
    let permission = parse(permission, Wanted::Permission, Permission::parse)?;
    let (reach, source) = (Reach::of(by), by.source());
    // An API token may not widen what administrators may do at other applications.
    reach.change_members([&name])?;
    let permitted = app.write_as(by, move |work| {
        if !is_given && let Err(refusal) = reach.require_group(work.tx, &name)? {
            return Ok(Err(refusal));
        }
        let permitted = permissions::permit(work, &source, &name, &permission, is_given)?;
        Ok(Ok((permitted, describe(&name, &groups::find(work.tx, &name)?))))
    });
    match permitted.await?? {
        (Permitted::Done, group) => Ok(group),
        (Permitted::TooMany, _) => Err(Refusal::conflict(refusal::too_many_permissions(group, MAX_PERMISSIONS), None)),
        (Permitted::TooManyGroups, _) => {
            Err(Refusal::conflict(refusal::too_many_groups(MAX_WITH_PERMISSIONS), refusal::too_many_groups_hint())
                .with(Remedy::DisbandGroup))
        }
    }
}

pub(super) async fn disband(app: &Arc<App>, group: &str, by: &Principal) -> Result<DisbandedGroup, Refusal> {
    let name = named::read_group(group)?;
    if name == GroupName::administrators() {
        return Err(Refusal::conflict(refusal::administrators_stay(), refusal::administrators_stay_hint()));
    }
    // In steps, because a group may be large and one transaction holds all of its changes in memory. A crash between
    // two leaves fewer members, and the command can be repeated.
    app.read(|view| Reach::of(by).require_group(view, &name)).await??;
    loop {
        let (name, reach, source) = (name.clone(), Reach::of(by), by.source());
        let step = app.write_as(by, move |work| match reach.disband(work.tx, &name)? {
            Ok(()) => permissions::disband(work, &source, &name, PER_STEP).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        });
        if step.await?? {
            return Ok(DisbandedGroup { disbanded: group.to_owned() });
        }
    }
}

//! Groups, their members, and what these may do.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::accounts::permissions::{self, Permitted};
use crate::accounts::person;
use crate::app::{App, Principal};
use crate::base::{AccountId, GroupName, Permission, try_set_of};
use crate::groups::{self, MAX_PER_ACCOUNT, MAX_PERMISSIONS, MAX_WITH_PERMISSIONS};
use crate::store::{Snapshot, StoreError};

use super::reach::Reach;
use super::{MAX_ROWS, Outcome, Refusal, parse, quoted, users};

/// Members that are taken out in one transaction.
const PER_STEP: usize = 200;

/// The groups that an account or an invitation is to have.
pub(super) fn read_names(texts: &[String]) -> Result<BTreeSet<GroupName>, Refusal> {
    if texts.len() > MAX_PER_ACCOUNT {
        return Err(Refusal::invalid(
            format!("these are more than {MAX_PER_ACCOUNT} groups, the most one may be in"),
            "",
        ));
    }
    try_set_of(texts.iter().map(|text| read_name(text)))
}

pub(super) fn read_name(text: &str) -> Result<GroupName, Refusal> {
    GroupName::parse(text).map_err(|_| {
        Refusal::invalid(
            format!("{} is not a group's name", quoted(text)),
            "it has 1 to 32 of the letters a to z, digits, `.`, `_` and `-`, and begins with a letter or digit",
        )
    })
}

/// Groups that are named when another was meant.
const NAMED: usize = 20;

/// Refuses a group that is not there: nobody is in it, and no permission is on it. The administrators' always is.
pub(super) fn require(view: &dyn Snapshot, name: &GroupName) -> Result<Result<(), Refusal>, StoreError> {
    if *name == GroupName::administrators() || groups::exists(view, name)? {
        return Ok(Ok(()));
    }
    let mut names = groups::names(view)?;
    names.insert(GroupName::administrators());
    let shown: Vec<&str> = names.iter().take(NAMED).map(GroupName::as_str).collect();
    let more = if names.len() > NAMED { ", and more: see `gatelodge group list`" } else { "" };
    let there_are = format!("there {} {}{more}", if shown.len() == 1 { "is" } else { "are" }, shown.join(", "));
    Ok(Err(Refusal::unknown(format!("there is no group {}", name.as_str()), &there_are)))
}

pub(super) fn list(app: &App) -> Outcome {
    let found = app.read(|view| {
        groups::names(view)?
            .into_iter()
            .map(|name| Ok((groups::find(view, &name)?, name)))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let items: Vec<Value> = found.iter().map(|(group, name)| describe(name, group)).collect();
    Ok(json!({"items": items, "next": null}))
}

fn describe(name: &GroupName, group: &groups::Group) -> Value {
    let permissions: Vec<&str> = group.permissions.iter().map(Permission::as_str).collect();
    json!({"name": name.as_str(), "permissions": permissions})
}

pub(super) fn members(app: &App, group: &str, after: Option<String>, limit: usize) -> Outcome {
    let name = read_name(group)?;
    let after = after.map(|text| parse(&text, "an account's id", str::parse::<AccountId>)).transpose()?;
    let limit = limit.clamp(1, MAX_ROWS);
    let (ids, people) = app.read(|view| {
        if let Err(refusal) = require(view, &name)? {
            return Ok(Err(refusal));
        }
        let ids = groups::members(view, &name, after, limit)?;
        let people = ids.iter().map(|id| person::load(view, *id)).collect::<Result<Vec<_>, _>>()?;
        Ok(Ok((ids, people)))
    })??;
    let next = ids.last().filter(|_| ids.len() == limit).map(ToString::to_string);
    Ok(json!({"items": people.iter().flatten().map(users::describe).collect::<Vec<_>>(), "next": next}))
}

pub(super) async fn permit(app: &Arc<App>, group: &str, permission: &str, is_given: bool, by: &Principal) -> Outcome {
    let name = read_name(group)?;
    let permission = parse(permission, "a permission", Permission::parse)?;
    // What the administrators may do elsewhere is no program's to widen.
    Reach::of(by).change_members([&name])?;
    let source = by.source();
    let permitted = app.write_as(by, move |work| {
        if !is_given && let Err(refusal) = require(work.tx, &name)? {
            return Ok(Err(refusal));
        }
        let permitted = permissions::permit(work, &source, (&name, &permission, is_given))?;
        Ok(Ok((permitted, describe(&name, &groups::find(work.tx, &name)?))))
    });
    match permitted.await?? {
        (Permitted::Done, group) => Ok(group),
        (Permitted::TooMany, _) => {
            Err(Refusal::conflict(format!("{group} has {MAX_PERMISSIONS} permissions, the most a group may have"), ""))
        }
        (Permitted::TooManyGroups, _) => Err(Refusal::conflict(
            format!("there are {MAX_WITH_PERMISSIONS} groups with permissions, the most there may be"),
            "take them from one that nobody needs: gatelodge group disband GROUP",
        )),
    }
}

pub(super) async fn disband(app: &Arc<App>, group: &str, by: &Principal) -> Outcome {
    let name = read_name(group)?;
    if name == GroupName::administrators() {
        return Err(Refusal::conflict(
            "the administrators cannot be disbanded",
            "take them out one by one; the last stays",
        ));
    }
    app.read(|view| require(view, &name))??;
    loop {
        let (name, reach, source) = (name.clone(), Reach::of(by), by.source());
        let step = app.write_as(by, move |work| match reach.disband(work.tx, &name)? {
            Ok(()) => permissions::disband(work, &source, &name, PER_STEP).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        });
        if step.await?? {
            return Ok(json!({"disbanded": group}));
        }
    }
}

//! Accounts and groups that administrators name, and the refusals for unknown ones.

use std::collections::BTreeSet;

use crate::accounts::find_people::{self, Sought};
use crate::accounts::{Person, administer};
use crate::app::App;
use crate::base::{GroupName, try_set_of};
use crate::groups::{self, MAX_PER_ACCOUNT};
use crate::store::{Snapshot, StoreError};
use crate::texts::refusal;

use super::{Refusal, Remedy, quoted};

/// The most accounts that are suggested.
const MEANT: usize = 5;

pub(super) fn unknown_account(user: &str) -> Refusal {
    Refusal::unknown(refusal::no_account(user), refusal::names_of_accounts()).with(Remedy::ListAccounts)
}

/// As [`unknown_account`], with suggestions of accounts that a search for the text finds.
pub(super) fn unknown_but_like(view: &dyn Snapshot, user: &str) -> Result<Refusal, StoreError> {
    let sought = Sought { text: Some(user.to_owned()), ..Sought::default() };
    let alike = find_people::find(view, &sought, None, MEANT)?.people;
    if alike.is_empty() {
        return Ok(unknown_account(user));
    }
    let names: Vec<String> = alike.iter().map(name_of).collect();
    Ok(Refusal::unknown(refusal::no_account(user), refusal::did_you_mean(names.join(", "))))
}

/// Finds the account that is named.
pub(super) async fn find(app: &App, user: &str) -> Result<Person, Refusal> {
    let found = app
        .read(|view| match administer::find(view, user)? {
            Some(person) => Ok(Ok(person)),
            None => unknown_but_like(view, user).map(Err),
        })
        .await;
    found?
}

/// Returns what people call an account: its address, else another of its names.
pub(super) fn name_of(person: &Person) -> String {
    let email = person.email.as_ref().map(|email| email.shown.clone());
    let email = email.or_else(|| person.username.as_ref().map(ToString::to_string));
    email.or_else(|| person.phone.as_ref().map(ToString::to_string)).unwrap_or_else(|| person.id.to_string())
}

/// Parses the groups of an account or an invitation.
pub(super) fn read_groups(texts: &[String]) -> Result<BTreeSet<GroupName>, Refusal> {
    if texts.len() > MAX_PER_ACCOUNT {
        return Err(Refusal::invalid(refusal::too_many_groups_given(MAX_PER_ACCOUNT), None));
    }
    try_set_of(texts.iter().map(|text| read_group(text)))
}

pub(super) fn read_group(text: &str) -> Result<GroupName, Refusal> {
    GroupName::parse(text).map_err(|_| Refusal::invalid(refusal::not_a_group(quoted(text)), refusal::group_like()))
}

/// The most groups that are suggested.
const NAMED: usize = 20;

/// Whether a group exists: it has members or permissions. The administrators' always does.
pub(super) fn is_group(view: &dyn Snapshot, name: &GroupName) -> Result<bool, StoreError> {
    Ok(*name == GroupName::administrators() || groups::exists(view, name)?)
}

pub(super) fn unknown_group(name: &GroupName) -> Refusal {
    Refusal::unknown(refusal::no_group(name.as_str()), None)
}

/// As [`unknown_group`], with the groups that there are.
pub(super) fn unknown_among_groups(view: &dyn Snapshot, name: &GroupName) -> Result<Refusal, StoreError> {
    let mut names = groups::names(view)?;
    names.insert(GroupName::administrators());
    let shown: Vec<&str> = names.iter().take(NAMED).map(GroupName::as_str).collect();
    let (there_are, remedy) = match names.len() {
        1 => (refusal::only_group(shown[0]), None),
        2..=NAMED => (refusal::groups(shown.join(", ")), None),
        _ => (refusal::some_groups(shown.join(", ")), Some(Remedy::ListGroups)),
    };
    Ok(Refusal { hint: Some(there_are), remedy, ..unknown_group(name) })
}

//! Accounts and groups that administrators name, and the refusals for unknown ones.

use std::collections::BTreeSet;

use crate::accounts::{Person, person};
use crate::base::{GroupName, try_set_of};
use crate::groups::{self, MAX_PER_ACCOUNT};
use crate::store::{Snapshot, StoreError};

use super::{Refusal, Remedy, quoted};

/// The most accounts that are suggested.
const MEANT: usize = 5;

pub(super) fn unknown_account(user: &str) -> Refusal {
    Refusal::unknown(format!("there is no account {user}"), "name it by id, address or user name")
        .with(Remedy::ListAccounts)
}

/// As [`unknown_account`], with suggestions of accounts whose names contain the text.
pub(super) fn unknown_but_like(view: &dyn Snapshot, user: &str) -> Result<Refusal, StoreError> {
    let alike = person::search(view, user, None, MEANT)?;
    if alike.is_empty() {
        return Ok(unknown_account(user));
    }
    let names: Vec<String> = alike.iter().map(name_of).collect();
    Ok(Refusal::unknown(format!("there is no account {user}"), &format!("did you mean {}?", names.join(", "))))
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
        return Err(Refusal::invalid(
            format!("these are more than {MAX_PER_ACCOUNT} groups, the most one may be in"),
            "",
        ));
    }
    try_set_of(texts.iter().map(|text| read_group(text)))
}

pub(super) fn read_group(text: &str) -> Result<GroupName, Refusal> {
    GroupName::parse(text).map_err(|_| {
        Refusal::invalid(
            format!("{} is not a group's name", quoted(text)),
            "it has 1 to 32 of the letters a to z, digits, `.`, `_` and `-`, and begins with a letter or digit",
        )
    })
}

/// The most groups that are suggested.
const NAMED: usize = 20;

/// Whether a group exists: it has members or permissions. The administrators' always does.
pub(super) fn is_group(view: &dyn Snapshot, name: &GroupName) -> Result<bool, StoreError> {
    Ok(*name == GroupName::administrators() || groups::exists(view, name)?)
}

pub(super) fn unknown_group(name: &GroupName) -> Refusal {
    Refusal::unknown(format!("there is no group {}", name.as_str()), "")
}

/// As [`unknown_group`], with the groups that there are.
pub(super) fn unknown_among_groups(view: &dyn Snapshot, name: &GroupName) -> Result<Refusal, StoreError> {
    let mut names = groups::names(view)?;
    names.insert(GroupName::administrators());
    let shown: Vec<&str> = names.iter().take(NAMED).map(GroupName::as_str).collect();
    let (more, remedy) = if names.len() > NAMED { (", and more", Some(Remedy::ListGroups)) } else { ("", None) };
    let there_are = format!("there {} {}{more}", if shown.len() == 1 { "is" } else { "are" }, shown.join(", "));
    Ok(Refusal { hint: Some(there_are), remedy, ..unknown_group(name) })
}

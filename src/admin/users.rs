//! Accounts.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::accounts::administer::{self, Changed, ConfirmedFor, PhoneSet};
use crate::accounts::factor_resets::{self, Asked};
use crate::accounts::opening::{Added, NewAccount};
use crate::accounts::{Person, Services, person};
use crate::app::{App, Fault, Principal};
use crate::base::{AccountId, DisplayName, EmailAddress, GroupName, Moment, PhoneNumber, Timestamp, Username};
use crate::crypto::{Password, PasswordFault, PasswordHash};
use crate::factors;
use crate::groups::MAX_PER_ACCOUNT;
use crate::sessions;
use crate::store::{Snapshot, StoreError, Transaction};

use super::reach::Reach;
use super::{MAX_ROWS, Outcome, Refusal, parse};

pub(super) fn unknown(user: &str) -> Refusal {
    Refusal::unknown(
        format!("there is no account {user}"),
        "name it by id, address or user name; `gatelodge user list` shows them",
    )
}

fn in_words(fault: PasswordFault) -> Refusal {
    Refusal::invalid(fault.to_string(), "four words that have nothing to do with each other make a good password")
}

/// An account to be made, as it was typed.
pub(super) struct Draft {
    pub email: Option<String>,
    pub username: Option<String>,
    pub phone: Option<String>,
    pub name: Option<String>,
    pub password: Option<String>,
    pub groups: Vec<String>,
    pub is_admin: bool,
    pub is_confirmed: bool,
}

pub(super) async fn add(app: &Arc<App>, draft: Draft, by: &Principal) -> Outcome {
    if draft.email.is_none() && draft.username.is_none() && draft.phone.is_none() {
        let needs = "an account needs an address, a user name or a telephone number";
        return Err(Refusal::invalid(needs, "give one of them, or more"));
    }
    if draft.email.is_none() && draft.password.is_none() {
        return Err(Refusal::invalid(
            "without an address nobody can set a password by mail",
            "give one with --password-stdin",
        ));
    }
    let optional = |text: &Option<String>| text.clone();
    let email =
        optional(&draft.email).map(|text| parse(&text, "an e-mail address", EmailAddress::parse)).transpose()?;
    let username = optional(&draft.username).map(|text| parse(&text, "a user name", Username::parse)).transpose()?;
    if username.as_ref().is_some_and(|name| app.services().config.login.takes_for_number(name)) {
        return Err(Refusal::invalid(
            "the user name reads as a telephone number, and people log in by those here",
            "give another; the number itself is noted with --phone",
        ));
    }
    let phone = optional(&draft.phone).map(|text| read_phone(&text)).transpose()?;
    let name = optional(&draft.name).map(|text| parse(&text, "a name", DisplayName::parse)).transpose()?;
    let administrators = draft.is_admin.then(|| GroupName::ADMINISTRATORS.to_owned());
    let groups = super::groups::read_names(&draft.groups.into_iter().chain(administrators).collect::<Vec<_>>())?;
    Reach::of(by).change_members(&groups)?;
    let services = app.services();
    let mut words = services.site_words();
    words.extend([&draft.email, &draft.username, &draft.name].into_iter().flatten().map(String::as_str));
    let password = match draft.password {
        None => None,
        Some(text) => Some(hash(app, &text, &words).await?),
    };
    let new =
        NewAccount { email, username, phone, name, language: None, password, confirmed: draft.is_confirmed, groups };
    let source = by.source();
    match app.write_as(by, move |tx, moment, services| administer::add(tx, moment, services, &source, &new)).await? {
        Added::Done(person) => Ok(describe(&person)),
        Added::AddressTaken => Err(Refusal::conflict("another account has this address", "")),
        Added::UsernameTaken => Err(Refusal::conflict("another account has this user name", "")),
        Added::PhoneTaken => Err(phone_taken()),
    }
}

fn read_phone(text: &str) -> Result<PhoneNumber, Refusal> {
    let none = || Refusal::invalid("this is no telephone number", "write it with its country, like +49 30 123456");
    PhoneNumber::parse(text).map_err(|_| none())
}

fn phone_taken() -> Refusal {
    Refusal::conflict("another account has this telephone number", "")
}

fn last_administrator(user: &str) -> Refusal {
    Refusal::conflict(
        format!("nobody else administers the site than {user}"),
        "make another administrator first, who can log in: gatelodge user group add USER admins",
    )
}

/// Gives somebody a telephone number, or takes it.
pub(super) async fn set_phone(app: &Arc<App>, user: String, phone: Option<String>, by: &Principal) -> Outcome {
    let phone = phone.map(|text| read_phone(&text)).transpose()?;
    let (named, reach, source) = (user.clone(), Reach::of(by), by.source());
    let set = app.write_as(by, move |tx, moment, services| match reach.find(tx, &named)? {
        Ok(person) => administer::set_phone(tx, moment, services, &source, (&person, phone.as_ref())).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    });
    match set.await?? {
        PhoneSet::Done(person) => Ok(describe(&person)),
        PhoneSet::Taken => Err(phone_taken()),
        PhoneSet::LastAdministrator => Err(last_administrator(&user)),
        PhoneSet::Last => {
            Err(Refusal::conflict("without it nobody could name this account", "give it another name first"))
        }
    }
}

async fn hash(app: &Arc<App>, text: &str, words: &[&str]) -> Result<PasswordHash, Refusal> {
    let password = Password::parse(text).map_err(in_words)?;
    app.services().password_policy().accept(&password, words).map_err(in_words)?;
    app.hasher.hash(password, app.moment()).await.map_err(|busy| Fault::from(busy).into())
}

pub(super) fn find(app: &App, user: &str) -> Result<Person, Refusal> {
    app.read(|view| administer::find(view, user))?.ok_or_else(|| unknown(user))
}

pub(super) fn list(app: &App, after: Option<String>, limit: usize) -> Outcome {
    let after = after.map(|text| parse(&text, "an account's id", str::parse::<AccountId>)).transpose()?;
    let limit = limit.clamp(1, MAX_ROWS);
    let people = app.read(|view| person::page(view, after, limit))?;
    let next = people.last().filter(|_| people.len() == limit).map(|person| person.id.to_string());
    Ok(json!({"items": people.iter().map(describe).collect::<Vec<_>>(), "next": next}))
}

pub(super) fn show(app: &App, user: &str) -> Outcome {
    let person = find(app, user)?;
    let now = app.now();
    let sessions = app.read(|view: &dyn Snapshot| sessions::of_account(view, person.id))?;
    let alive = sessions
        .iter()
        .map(|(_, session)| session)
        .filter(|session| session.is_alive(session.seen_at, now, &app.services().generation));
    let logins = app.read(|view: &dyn Snapshot| sessions::logins_of(view, person.id))?;
    let (factors, reset_due) = app.read(|view: &dyn Snapshot| {
        Ok((factors::confirmed(view, person.id)?, factor_resets::due_at(view, person.id)?))
    })?;
    let mut shown = describe(&person);
    shown["second_factors"] = factors
        .iter()
        .map(|(_, factor)| {
            json!({
                "kind": factor.kind.word(), "name": factor.name.as_str(), "created_at": factor.created_at.to_string(),
                "last_used_at": factor.used_at.map(|at| at.to_string()),
            })
        })
        .collect();
    shown["second_factors_end_at"] = reset_due.map(|at| at.to_string()).into();
    shown["logins"] = logins.count.into();
    shown["last_login_at"] = logins.current.map(|login| login.at.to_string()).into();
    shown["sessions"] = alive
        .map(|session| {
            json!({
                "id": session.id.to_string(), "created_at": session.created_at.to_string(), "last_seen_at": session.seen_at.to_string(),
                "expires_at": session.ends_at.to_string(), "network": session.network, "agent": session.agent,
            })
        })
        .collect();
    Ok(shown)
}

/// The account as the API shows it, and what only administrators see.
pub(super) fn describe(person: &Person) -> Value {
    let account = &person.account;
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "id": person.id.to_string(),
        "email": person.email.as_ref().map(|email| email.shown.as_str()),
        "username": person.username.as_ref().map(|name| name.as_str()),
        "phone": person.phone.as_ref().map(PhoneNumber::as_str),
        "name": account.name.as_ref().map(|name| name.as_str()),
        "groups": account.groups.iter().map(|group| group.as_str()).collect::<Vec<_>>(),
        "confirmed_at": time(account.confirmed_at),
        "created_at": account.created_at.to_string(),
        "disabled_at": time(account.disabled_at),
        "has_password": account.password.is_some(),
    })
}

pub(super) async fn set_password(app: &Arc<App>, user: String, text: &str, by: &Principal) -> Outcome {
    let person = find(app, &user)?;
    let hash = hash(app, text, &app.services().words_about(&person)).await?;
    let source = by.source();
    change(app, by, user, move |tx, moment, services, person| {
        administer::set_password(tx, moment, services, &source, (person, &hash)).map(|()| Changed::Done)
    })
    .await
}

pub(super) async fn set_disabled(app: &Arc<App>, user: String, disabled: bool, by: &Principal) -> Outcome {
    let source = by.source();
    change(app, by, user, move |tx, moment, services, person| {
        administer::set_disabled(tx, moment, services, &source, (person, disabled))
    })
    .await
}

/// Says when it is done, if not at once.
pub(super) async fn reset_factors(app: &Arc<App>, user: String, by: &Principal) -> Outcome {
    let (named, reach, source) = (user.clone(), Reach::of(by), by.source());
    let asked = app.write_as(by, move |tx, moment, services| match reach.find(tx, &named)? {
        Ok(person) => Ok(Ok((factor_resets::ask(tx, moment, services, &source, &person)?, person))),
        Err(refusal) => Ok(Err(refusal)),
    });
    let (asked, person) = asked.await??;
    let due_at = match asked {
        Asked::Done => None,
        Asked::WaitsUntil(due_at) => Some(due_at.to_string()),
        Asked::Nothing => return Err(Refusal::conflict(format!("{user} has no second factor"), "")),
    };
    let mut shown = describe(&person);
    shown["second_factors_end_at"] = due_at.into();
    Ok(shown)
}

pub(super) async fn delete(app: &Arc<App>, user: String, by: &Principal) -> Outcome {
    let source = by.source();
    change(app, by, user, move |tx, moment, services, person| administer::delete(tx, moment, services, &source, person))
        .await
}

pub(super) async fn set_group(app: &Arc<App>, user: String, group: &str, member: bool, by: &Principal) -> Outcome {
    let group = parse(group, "a group's name", GroupName::parse)?;
    Reach::of(by).change_members([&group])?;
    let source = by.source();
    change(app, by, user, move |tx, moment, services, person| {
        administer::set_group(tx, moment, services, &source, person, (&group, member))
    })
    .await
}

/// Finds the account within the transaction that changes it, and shows it as it is afterwards.
async fn change<W>(app: &Arc<App>, by: &Principal, user: String, mut work: W) -> Outcome
where
    W: FnMut(&mut dyn Transaction, &mut Moment, &Services, &mut Person) -> Result<Changed, StoreError> + Send + 'static,
{
    let (named, reach) = (user.clone(), Reach::of(by));
    let changed = app.write_as(by, move |tx, moment, services| match reach.find(tx, &named)? {
        Ok(mut person) => Ok(Ok((work(tx, moment, services, &mut person)?, person))),
        Err(refusal) => Ok(Err(refusal)),
    });
    match changed.await?? {
        (Changed::Done, person) => Ok(describe(&person)),
        (Changed::LastAdministrator, _) => Err(last_administrator(&user)),
        (Changed::TooManyGroups, _) => Err(Refusal::conflict(
            format!("{user} is in {MAX_PER_ACCOUNT} groups, the most one may be in"),
            "take them out of one first",
        )),
    }
}

pub(super) async fn confirm(app: &Arc<App>, user: String, by: &Principal) -> Outcome {
    let (named, reach, source) = (user.clone(), Reach::of(by), by.source());
    let confirmed = app.write_as(by, move |tx, moment, services| match reach.confirm(tx, services, &named)? {
        Ok(()) => administer::confirm(tx, moment, services, &source, &named).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    });
    match confirmed.await?? {
        ConfirmedFor::Done(person) => Ok(describe(&person)),
        ConfirmedFor::Unknown => Err(unknown(&user)),
        ConfirmedFor::Several(count) => Err(Refusal::conflict(
            format!("{count} people registered {user}, each with a password of their own"),
            "nobody but the owner of the address can tell which is theirs; add the account with `gatelodge user add`, which deletes the registrations",
        )),
        ConfirmedFor::UsernameTaken => {
            Err(Refusal::conflict("somebody else has the user name of this registration meanwhile", ""))
        }
    }
}

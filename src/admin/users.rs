//! Accounts.

use std::sync::Arc;

use crate::accounts::administer::{self, Changed, ConfirmedFor, PhoneSet};
use crate::accounts::factor_resets::{self, ResetAsked};
use crate::accounts::{Person, Work};
use crate::app::{App, Fault, Principal};
use crate::base::{PhoneNumber, Username};
use crate::crypto::{Password, PasswordFault, PasswordHash};
use crate::factors;
use crate::groups::MAX_PER_ACCOUNT;
use crate::sessions;
use crate::store::{Snapshot, StoreError};
use crate::texts::refusal;

use super::answers::{Account, AccountInDetail, FactorsReset, FreedUsername, SecondFactor};
use super::reach::Reach;
use super::{Refusal, Remedy, Wanted, named, parse, quoted};

fn in_words(fault: PasswordFault) -> Refusal {
    Refusal::invalid(fault.text(), refusal::password_like())
}

pub(super) fn read_phone(text: &str) -> Result<PhoneNumber, Refusal> {
    let none = || Refusal::invalid(refusal::not_a_phone(quoted(text)), refusal::phone_like());
    PhoneNumber::parse(text).map_err(|_| none())
}

pub(super) fn phone_taken() -> Refusal {
    Refusal::conflict(refusal::phone_taken(), None)
}

fn last_administrator(user: &str) -> Refusal {
    Refusal::conflict(refusal::last_administrator(user), refusal::last_administrator_hint())
        .with(Remedy::AddAdministrator)
}

/// Sets or removes somebody's telephone number.
pub(super) async fn set_phone(
    app: &Arc<App>,
    user: String,
    phone: Option<String>,
    by: &Principal,
) -> Result<Account, Refusal> {
    let phone = phone.map(|text| read_phone(&text)).transpose()?;
    let (named, reach, source) = (user.clone(), Reach::of(by), by.source());
    let set = app.write_as(by, move |work| match reach.find(work.tx, &named)? {
        Ok(person) => administer::set_phone(work, &source, &person, phone.as_ref()).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    });
    match set.await?? {
        PhoneSet::Done(person) => Ok(describe(&person)),
        PhoneSet::Taken => Err(phone_taken()),
        PhoneSet::LastAdministrator => Err(last_administrator(&user)),
        PhoneSet::Last => Err(Refusal::conflict(refusal::last_name(), refusal::last_name_hint())),
    }
}

pub(super) async fn hash(app: &Arc<App>, text: &str, words: &[&str]) -> Result<PasswordHash, Refusal> {
    let password = Password::parse(text).map_err(in_words)?;
    app.env().password_policy().accept(&password, words).map_err(in_words)?;
    app.hasher.hash(password, app.moment()).await.map_err(|busy| Fault::from(busy).into())
}

pub(super) async fn show(app: &App, user: &str) -> Result<AccountInDetail, Refusal> {
    let person = named::find(app, user).await?;
    let sessions = super::sessions::list(app, user).await?.items;
    let logins = app.read(|view: &dyn Snapshot| sessions::logins_of(view, person.id)).await?;
    let (factors, reset_due) = app
        .read(|view: &dyn Snapshot| Ok((factors::confirmed(view, person.id)?, factor_resets::due_at(view, person.id)?)))
        .await?;
    Ok(AccountInDetail {
        account: describe(&person),
        second_factors: factors.iter().map(|(_, factor)| describe_factor(factor)).collect(),
        second_factors_end_at: reset_due,
        logins: logins.count,
        last_login_at: logins.current.map(|login| login.at),
        sessions,
    })
}

fn describe_factor(factor: &factors::Factor) -> SecondFactor {
    SecondFactor {
        kind: factor.kind().as_str().to_owned(),
        name: factor.name.as_str().to_owned(),
        created_at: factor.created_at,
        last_used_at: factor.used_at,
    }
}

/// Describes an account as the API shows it, with what only administrators see.
pub(super) fn describe(person: &Person) -> Account {
    let account = &person.account;
    Account {
        id: person.id.to_string(),
        email: person.email.as_ref().map(|email| email.shown.clone()),
        username: person.username.as_ref().map(|name| name.as_str().to_owned()),
        phone: person.phone.as_ref().map(|phone| phone.as_str().to_owned()),
        name: account.name.as_ref().map(|name| name.as_str().to_owned()),
        groups: account.groups.iter().map(|group| group.as_str().to_owned()).collect(),
        confirmed_at: account.confirmed_at,
        created_at: account.created_at,
        disabled_at: account.disabled_at,
        has_password: account.password.is_some(),
    }
}

pub(super) async fn set_password(app: &Arc<App>, user: String, text: &str, by: &Principal) -> Result<Account, Refusal> {
    let person = named::find(app, &user).await?;
    // Hashed between two transactions, because it is slow; the account is found again, and its reach checked, where it
    // changes.
    let hash = hash(app, text, &person.context_words(&app.env())).await?;
    let source = by.source();
    change(app, by, user, move |work, person| {
        administer::set_password(work, &source, person, &hash).map(|()| Changed::Done)
    })
    .await
}

pub(super) async fn set_disabled(
    app: &Arc<App>,
    user: String,
    disabled: bool,
    by: &Principal,
) -> Result<Account, Refusal> {
    let source = by.source();
    change(app, by, user, move |work, person| administer::set_disabled(work, &source, person, disabled)).await
}

/// Removes second factors. Returns when they end, if not at once.
pub(super) async fn reset_factors(app: &Arc<App>, user: String, by: &Principal) -> Result<FactorsReset, Refusal> {
    let (named, reach, source) = (user.clone(), Reach::of(by), by.source());
    let asked = app.write_as(by, move |work| match reach.find(work.tx, &named)? {
        Ok(person) => Ok(Ok((factor_resets::ask(work, &source, &person)?, person))),
        Err(refusal) => Ok(Err(refusal)),
    });
    let (asked, person) = asked.await??;
    let due_at = match asked {
        ResetAsked::Done => None,
        ResetAsked::WaitsUntil(due_at) => Some(due_at),
        ResetAsked::Nothing => return Err(Refusal::conflict(refusal::no_second_factor(user), None)),
    };
    Ok(FactorsReset { account: describe(&person), second_factors_end_at: due_at })
}

pub(super) async fn delete(app: &Arc<App>, user: String, by: &Principal) -> Result<Account, Refusal> {
    let source = by.source();
    change(app, by, user, move |work, person| administer::delete(work, &source, person)).await
}

/// Frees a user name that somebody gave up.
pub(super) async fn free_username(app: &Arc<App>, text: &str, by: &Principal) -> Result<FreedUsername, Refusal> {
    let name = parse(text, Wanted::Username, Username::parse)?;
    let (username, source) = (name.to_string(), by.source());
    if app.write_as(by, move |work| administer::free_username(work, &source, &name)).await? {
        Ok(FreedUsername { username })
    } else {
        Err(Refusal::unknown(refusal::username_not_given_up(username), None))
    }
}

pub(super) async fn set_group(
    app: &Arc<App>,
    user: String,
    group: &str,
    member: bool,
    by: &Principal,
) -> Result<Account, Refusal> {
    let group = named::read_group(group)?;
    let (reach, source) = (Reach::of(by), by.source());
    reach.change_members([&group])?;
    if !member {
        app.read(|view| reach.require_group(view, &group)).await??;
    }
    change(app, by, user, move |work, person| administer::set_group(work, &source, person, &group, member)).await
}

/// Changes an account within the transaction that finds it, and shows the result.
async fn change<F>(app: &Arc<App>, by: &Principal, user: String, mut act: F) -> Result<Account, Refusal>
where
    F: FnMut(&mut Work<'_>, &mut Person) -> Result<Changed, StoreError> + Send + 'static,
{
    let (named, reach) = (user.clone(), Reach::of(by));
    let changed = app.write_as(by, move |work| match reach.find(work.tx, &named)? {
        Ok(mut person) => Ok(Ok((act(work, &mut person)?, person))),
        Err(refusal) => Ok(Err(refusal)),
    });
    match changed.await?? {
        (Changed::Done, person) => Ok(describe(&person)),
        (Changed::LastAdministrator, _) => Err(last_administrator(&user)),
        (Changed::TooManyGroups, _) => Err(Refusal::conflict(
            refusal::in_too_many_groups(user, MAX_PER_ACCOUNT),
            refusal::in_too_many_groups_hint(),
        )),
    }
}

pub(super) async fn confirm(app: &Arc<App>, user: String, by: &Principal) -> Result<Account, Refusal> {
    let (named, reach, source) = (user.clone(), Reach::of(by), by.source());
    let confirmed = app.write_as(by, move |work| match reach.confirm(work.tx, work.env, &named)? {
        Ok(()) => administer::confirm(work, &source, &named).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    });
    match confirmed.await?? {
        ConfirmedFor::Done(person) => Ok(describe(&person)),
        ConfirmedFor::Unknown => Err(named::unknown_account(&user)),
        ConfirmedFor::Several(count) => {
            Err(Refusal::conflict(refusal::several_registrations(count, user), refusal::several_registrations_hint())
                .with(Remedy::ReplaceRegistrations))
        }
        ConfirmedFor::UsernameTaken => Err(Refusal::conflict(refusal::username_taken_meanwhile(), None)),
    }
}

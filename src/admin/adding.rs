//! Adding accounts.

use std::sync::Arc;

use crate::accounts::create_account::{Added, NewAccount};
use crate::accounts::{administer, identity};
use crate::app::{App, Principal};
use crate::base::{DisplayName, EmailAddress, GroupName, Username};
use crate::texts::refusal;

use super::answers::Account;
use super::reach::Reach;
use super::users::{describe, hash, phone_taken, read_phone};
use super::{Command, Refusal, Remedy, Wanted, named, parse, quoted};

/// An account to be added, as it was typed.
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

/// Checks what was typed for an account before anybody is asked for its password.
///
/// # Errors
/// When an address, a name or a group is none.
pub fn precheck(command: &Command) -> Result<(), Refusal> {
    let Command::UserAdd { email, username, phone, name, groups, admin, .. } = command.clone() else { return Ok(()) };
    let draft = Draft { email, username, phone, name, password: None, groups, is_admin: admin, is_confirmed: false };
    read_names(&draft).map(drop)
}

/// Parses the names and the groups of an account.
fn read_names(draft: &Draft) -> Result<NewAccount, Refusal> {
    let email = draft.email.as_deref().map(read_address).transpose()?;
    let username = draft.username.as_deref().map(|text| parse(text, Wanted::Username, Username::parse)).transpose()?;
    let phone = draft.phone.as_deref().map(read_phone).transpose()?;
    let name = draft.name.as_deref().map(|text| parse(text, Wanted::Name, DisplayName::parse)).transpose()?;
    let administrators = draft.is_admin.then(|| GroupName::ADMINISTRATORS.to_owned());
    let groups = draft.groups.iter().cloned().chain(administrators).collect::<Vec<_>>();
    Ok(NewAccount { email, username, phone, name, groups: named::read_groups(&groups)?, ..NewAccount::default() })
}

fn read_address(text: &str) -> Result<EmailAddress, Refusal> {
    EmailAddress::parse(text).map_err(|_| {
        if Username::parse(text).is_ok() {
            Refusal::invalid(refusal::not_an_address(quoted(text)), refusal::username_by_itself())
                .with(Remedy::AddByUsername(text.to_owned()))
        } else {
            Wanted::Address.refuse(text)
        }
    })
}

pub(super) async fn add(app: &Arc<App>, draft: Draft, by: &Principal) -> Result<Account, Refusal> {
    if draft.email.is_none() && draft.username.is_none() && draft.phone.is_none() {
        return Err(Refusal::invalid(refusal::account_needs_name(), refusal::account_needs_name_hint()));
    }
    if draft.email.is_none() && draft.password.is_none() {
        return Err(Refusal::invalid(refusal::no_password_without_address(), None).with(Remedy::GivePassword));
    }
    let new = read_names(&draft)?;
    let (email, username) = (draft.email.clone().unwrap_or_default(), draft.username.clone().unwrap_or_default());
    if new.username.as_ref().is_some_and(|name| app.env().config.login.takes_otherwise(name)) {
        return Err(Refusal::invalid(refusal::username_read_otherwise(), refusal::username_read_otherwise_hint())
            .with(Remedy::NotePhone));
    }
    // Before the password is hashed, which is expensive: a refusal should cost nothing.
    Reach::of(by).change_members(&new.groups)?;
    let env = app.env();
    let mut words = env.site_words();
    words.extend([&draft.email, &draft.username, &draft.name].into_iter().flatten().map(String::as_str));
    let password = match draft.password {
        None => None,
        Some(text) => Some(hash(app, &text, &words).await?),
    };
    let new = NewAccount { password, confirmed: draft.is_confirmed, ..new };
    let source = by.source();
    match app.write_as(by, move |work| administer::add(work, &source, &new)).await? {
        Added::Done(person) => Ok(describe(&person)),
        Added::AddressTaken => Err(Refusal::conflict(refusal::address_taken(email), None).with(Remedy::ShowAccount)),
        Added::UsernameTaken => Err(username_taken(app, username).await?),
        Added::PhoneTaken => Err(phone_taken()),
    }
}

/// Refuses a user name that an account has, or had.
pub(super) async fn username_taken(app: &App, username: String) -> Result<Refusal, Refusal> {
    let name = parse(&username, Wanted::Username, Username::parse)?;
    if app.read(|view| identity::owner_of_username(view, &name)).await?.is_some() {
        return Ok(Refusal::conflict(refusal::username_taken(username), None).with(Remedy::ShowAccount));
    }
    let name = name.to_string();
    Ok(Refusal::conflict(refusal::username_given_up(&name), None).with(Remedy::FreeUsername(name)))
}

//! What each command does.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::accounts::administer::{self, Added, ConfirmedFor, NewAccount};
use crate::accounts::keyring::{self, Rotation};
use crate::accounts::{Person, person};
use crate::app::{App, Fault};
use crate::base::{AccountId, DisplayName, EmailAddress, GroupName, MailId, Username};
use crate::crypto::{Password, PasswordFault, PasswordHash};
use crate::mail::{self, MailState};
use crate::sessions;
use crate::store::{Snapshot, StoreError};

use super::{Command, Refusal};

type Outcome = Result<Value, Refusal>;

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::new(fault.to_string(), "look into the server's log for the reason")
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Fault::from(error).into()
    }
}

/// Most rows of one answer.
const MAX_ROWS: usize = 1000;

/// Carries a command out.
///
/// # Errors
/// When it is refused, or the store fails.
pub async fn execute(app: &Arc<App>, command: Command) -> Outcome {
    match command {
        Command::UserAdd { email, username, name, password, admin, confirmed, groups } => {
            let new = Draft { email, username, name, groups };
            add(app, new, password, admin, confirmed).await
        }
        Command::UserList { after, limit } => list_users(app, after, limit),
        Command::UserShow { user } => show(app, &user),
        Command::UserPasswd { user, password } => set_password(app, user, &password).await,
        Command::UserConfirm { user } => confirm(app, user).await,
        Command::UserDisable { user } => set_disabled(app, user, true).await,
        Command::UserEnable { user } => set_disabled(app, user, false).await,
        Command::UserDelete { user } => delete(app, user).await,
        Command::UserGroup { user, group, member } => set_group(app, user, &group, member).await,
        Command::MailList { after, limit } => list_mails(app, after, limit),
        Command::MailRetry { id } => retry_mails(app, id).await,
        Command::KeyRotate => rotate_key(app).await,
    }
}

fn unknown(user: &str) -> Refusal {
    Refusal::new(
        format!("there is no account {user}"),
        "name it by id, address or user name; `gatelodge user list` shows them",
    )
}

fn parse<T, E>(text: &str, what: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Refusal> {
    parse(text).map_err(|_| Refusal::new(format!("{text:?} is not {what}"), ""))
}

fn in_words(fault: PasswordFault) -> Refusal {
    let message = match fault {
        PasswordFault::TooShort { min } => format!("the password has fewer than {min} characters"),
        PasswordFault::TooLong { max } => format!("the password has more than {max} characters"),
        PasswordFault::NotPrintable => "the password contains characters that cannot be printed".into(),
        PasswordFault::Common => "the password is on the lists that everybody tries first".into(),
        PasswordFault::Guessable => {
            "without the names of the person and the site too little is left of the password".into()
        }
    };
    Refusal::new(message, "a few words make a good password")
}

struct Draft {
    email: Option<String>,
    username: Option<String>,
    name: Option<String>,
    groups: Vec<String>,
}

async fn add(app: &Arc<App>, draft: Draft, password: Option<String>, admin: bool, confirmed: bool) -> Outcome {
    if draft.email.is_none() && draft.username.is_none() {
        return Err(Refusal::new("an account needs an address or a user name", "give one of them, or both"));
    }
    if draft.email.is_none() && password.is_none() {
        return Err(Refusal::new(
            "without an address nobody can set a password by mail",
            "give one with --password-stdin",
        ));
    }
    let optional = |text: &Option<String>| text.clone();
    let email =
        optional(&draft.email).map(|text| parse(&text, "an e-mail address", EmailAddress::parse)).transpose()?;
    let username = optional(&draft.username).map(|text| parse(&text, "a user name", Username::parse)).transpose()?;
    let name = optional(&draft.name).map(|text| parse(&text, "a name", DisplayName::parse)).transpose()?;
    let mut groups: Vec<GroupName> =
        draft.groups.iter().map(|text| parse(text, "a group's name", GroupName::parse)).collect::<Result<_, _>>()?;
    if admin {
        groups.push(GroupName::administrators());
    }
    let mut words = app.services.site_words();
    words.extend([&draft.email, &draft.username, &draft.name].into_iter().flatten().map(String::as_str));
    let password = match password {
        None => None,
        Some(text) => Some(hash(app, &text, &words).await?),
    };
    let new = NewAccount { email, username, name, password, confirmed, groups };
    match app.write(move |tx, moment, _| administer::add(tx, moment, &new)).await? {
        Added::Done(person) => Ok(describe(&person)),
        Added::AddressTaken => Err(Refusal::new("another account has this address", "")),
        Added::UsernameTaken => Err(Refusal::new("another account has this user name", "")),
    }
}

async fn hash(app: &Arc<App>, text: &str, words: &[&str]) -> Result<PasswordHash, Refusal> {
    let password = Password::parse(text).map_err(in_words)?;
    app.services.password_policy().accept(&password, words).map_err(in_words)?;
    app.hasher.hash(password, app.moment()).await.map_err(|busy| Fault::from(busy).into())
}

fn find(app: &App, user: &str) -> Result<Person, Refusal> {
    app.read(|view| administer::find(view, user))?.ok_or_else(|| unknown(user))
}

fn list_users(app: &App, after: Option<String>, limit: usize) -> Outcome {
    let after = after.map(|text| parse(&text, "an account's id", str::parse::<AccountId>)).transpose()?;
    let limit = limit.clamp(1, MAX_ROWS);
    let people = app.read(|view| person::page(view, after, limit))?;
    let next = people.last().filter(|_| people.len() == limit).map(|person| person.id.to_string());
    Ok(json!({"items": people.iter().map(describe).collect::<Vec<_>>(), "next": next}))
}

fn show(app: &App, user: &str) -> Outcome {
    let person = find(app, user)?;
    let now = app.now();
    let sessions = app.read(|view: &dyn Snapshot| sessions::of_account(view, person.id))?;
    let alive = sessions
        .iter()
        .map(|(_, session)| session)
        .filter(|session| session.is_alive(session.seen_at, now, &app.services.generation));
    let mut shown = describe(&person);
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
fn describe(person: &Person) -> Value {
    let account = &person.account;
    let time = |at: Option<crate::base::Timestamp>| at.map(|at| at.to_string());
    json!({
        "id": person.id.to_string(),
        "email": person.email.as_ref().map(|email| email.shown.as_str()),
        "username": person.username.as_ref().map(|name| name.as_str()),
        "name": account.name.as_ref().map(|name| name.as_str()),
        "groups": account.groups.iter().map(|group| group.as_str()).collect::<Vec<_>>(),
        "confirmed_at": time(account.confirmed_at),
        "created_at": account.created_at.to_string(),
        "disabled_at": time(account.disabled_at),
        "has_password": account.password.is_some(),
    })
}

async fn set_password(app: &Arc<App>, user: String, text: &str) -> Outcome {
    let person = find(app, &user)?;
    let hash = hash(app, text, &app.services.words_about(&person)).await?;
    change(app, user, move |tx, moment, services, person| administer::set_password(tx, moment, services, person, &hash))
        .await
}

async fn set_disabled(app: &Arc<App>, user: String, disabled: bool) -> Outcome {
    change(app, user, move |tx, moment, _, person| administer::set_disabled(tx, moment, person, disabled)).await
}

async fn delete(app: &Arc<App>, user: String) -> Outcome {
    change(app, user, |tx, moment, services, person| administer::delete(tx, moment, services, person)).await
}

async fn set_group(app: &Arc<App>, user: String, group: &str, member: bool) -> Outcome {
    let group = parse(group, "a group's name", GroupName::parse)?;
    change(app, user, move |tx, _, _, person| administer::set_group(tx, person, &group, member).map(drop)).await
}

/// Finds the account within the transaction that changes it, and shows it as it is afterwards.
async fn change<W>(app: &Arc<App>, user: String, mut work: W) -> Outcome
where
    W: FnMut(
            &mut dyn crate::store::Transaction,
            &mut crate::base::Moment,
            &crate::accounts::Services,
            &mut Person,
        ) -> Result<(), StoreError>
        + Send
        + 'static,
{
    let named = user.clone();
    let changed = app
        .write(move |tx, moment, services| {
            let Some(mut person) = administer::find(tx, &named)? else { return Ok(None) };
            work(tx, moment, services, &mut person)?;
            Ok(Some(person))
        })
        .await?;
    changed.map(|person| describe(&person)).ok_or_else(|| unknown(&user))
}

async fn confirm(app: &Arc<App>, user: String) -> Outcome {
    let named = user.clone();
    match app.write(move |tx, moment, _| administer::confirm(tx, moment, &named)).await? {
        ConfirmedFor::Done(person) => Ok(describe(&person)),
        ConfirmedFor::Unknown => Err(unknown(&user)),
        ConfirmedFor::Several(count) => Err(Refusal::new(
            format!("{count} people registered {user}, each with a password of their own"),
            "nobody but the owner of the address can tell which is theirs; add the account with `gatelodge user add`, which deletes the registrations",
        )),
        ConfirmedFor::UsernameTaken => {
            Err(Refusal::new("somebody else has the user name of this registration meanwhile", ""))
        }
    }
}

fn list_mails(app: &App, after: Option<String>, limit: usize) -> Outcome {
    let after = after.map(|text| parse(&text, "a mail's id", str::parse::<MailId>)).transpose()?;
    let limit = limit.clamp(1, MAX_ROWS);
    let mails = app.read(|view| mail::list(view, after, limit))?;
    let next = mails.last().filter(|_| mails.len() == limit).map(|(id, _)| id.to_string());
    let items: Vec<Value> = mails
        .iter()
        .map(|(id, mail)| {
            let state = match mail.state {
                MailState::Queued => "queued",
                MailState::Sending => "sending",
                MailState::Failed => "failed",
            };
            json!({
                "id": id.to_string(), "letter": mail.letter, "to": mail.to.as_str(), "state": state, "attempts": mail.attempts,
                "queued_at": mail.queued_at.to_string(),
                "due_at": (mail.state != MailState::Failed).then(|| mail.due_at.to_string()),
                "last_error": mail.last_error,
            })
        })
        .collect();
    Ok(json!({"items": items, "next": next}))
}

async fn retry_mails(app: &Arc<App>, id: Option<String>) -> Outcome {
    let id = id.map(|text| parse(&text, "a mail's id", str::parse::<MailId>)).transpose()?;
    let count = app
        .write(move |tx, moment, _| match id {
            Some(id) => mail::retry(tx, id, moment.now()).map(usize::from),
            None => mail::retry_all(tx, moment.now()),
        })
        .await?;
    if count == 0 && id.is_some() {
        return Err(Refusal::new(
            "this mail cannot be queued again",
            "it is gone, on its way, or what it says is no longer useful",
        ));
    }
    Ok(json!({"queued": count}))
}

async fn rotate_key(app: &Arc<App>) -> Outcome {
    let rotation = app
        .write(|tx, moment, services| {
            keyring::rotate(tx, moment, &services.seal, services.config.longest_token_lifetime())
        })
        .await?;
    match rotation {
        Rotation::Rotated => Ok(json!({"rotated": true})),
        Rotation::TooMany => Err(Refusal::new(
            "there are too many signing keys",
            "wait until the links signed with the old ones have expired",
        )),
    }
}

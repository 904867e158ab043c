//! Application passwords: tokens of another kind, with hosts in place of scopes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::app::{App, Principal};
use crate::base::{DisplayName, Timestamp, set_of, try_set_of};
use crate::gate::HostPattern;
use crate::sessions::{ApiToken, NewToken, Scope, TokenKind};
use crate::texts::refusal;

use super::answers::{AppPassword, Page, Revoked};
use super::{Refusal, Remedy, Wanted, parse, tokens};

/// The most hosts of an application password; they are kept in memory while it is in use.
pub const MAX_HOSTS: usize = 16;

/// An application password to be made.
pub struct AppPasswordDraft {
    /// Its name.
    pub name: DisplayName,
    /// The hosts that it is good for; none stands for all.
    pub hosts: BTreeSet<HostPattern>,
    /// Its end; none for one without.
    pub ends_at: Option<Timestamp>,
}

/// Makes an application password for somebody.
///
/// # Errors
/// When it is refused, or the store fails.
pub async fn make_app_password(
    app: &Arc<App>,
    user: String,
    draft: AppPasswordDraft,
    by: &Principal,
) -> Result<AppPassword, Refusal> {
    let AppPasswordDraft { name, hosts, ends_at } = draft;
    let new = NewToken { kind: TokenKind::AppPassword, name, scopes: set_of([Scope::Access]), hosts, ends_at };
    let (secret, token) = tokens::make(app, user, new, by).await?;
    // Shown this once: the store keeps only its hash.
    Ok(AppPassword { password: Some(secret.expose().to_owned()), ..describe(&token) })
}

/// Makes one as an administrator typed it: name, hosts, and the time or date at which it ends.
pub(super) async fn add(
    app: &Arc<App>,
    user: String,
    (name, hosts, end): (&str, &[String], Option<&str>),
    by: &Principal,
) -> Result<AppPassword, Refusal> {
    let name = parse(name, Wanted::Name, DisplayName::parse)?;
    let hosts = read_hosts(hosts)?;
    let ends_at = end.map(|text| read_end(text, app.now())).transpose()?;
    make_app_password(app, user, AppPasswordDraft { name, hosts, ends_at }, by).await
}

fn read_end(text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    let like = || refusal::written_like("2026-11-23T14:05:00Z");
    let end = Timestamp::parse(text).ok_or_else(|| Refusal::invalid(refusal::not_an_end(), like()))?;
    if end > now { Ok(end) } else { Err(Refusal::invalid(refusal::ends_in_the_past(), refusal::later_end())) }
}

fn read_hosts(texts: &[String]) -> Result<BTreeSet<HostPattern>, Refusal> {
    if texts.len() > MAX_HOSTS {
        return Err(Refusal::invalid(refusal::too_many_hosts(MAX_HOSTS), refusal::too_many_hosts_hint()));
    }
    let host = |(at, text): (usize, &String)| {
        let wrong = |_| Refusal::invalid(refusal::not_a_host(at + 1), refusal::host_like());
        HostPattern::try_from(text.clone()).map_err(wrong)
    };
    try_set_of(texts.iter().enumerate().map(host))
}

fn describe(token: &ApiToken) -> AppPassword {
    AppPassword {
        id: token.id.to_string(),
        name: token.name.as_str().to_owned(),
        hosts: token.hosts.iter().map(ToString::to_string).collect(),
        created_at: token.created_at,
        expires_at: token.ends_at(),
        last_used_at: token.used_at,
        password: None,
    }
}

/// Lists somebody's application passwords, newest first.
///
/// # Errors
/// When nobody has this name, or the store fails.
pub async fn app_passwords_of(app: &App, user: &str) -> Result<Page<AppPassword>, Refusal> {
    let tokens = tokens::alive(app, user, TokenKind::AppPassword).await?;
    Ok(Page::whole(tokens.iter().map(describe).collect()))
}

pub(super) async fn revoke(app: &Arc<App>, user: String, id: &str, by: &Principal) -> Result<Revoked, Refusal> {
    let unknown = || Refusal::unknown(refusal::no_app_password(id), None).with(Remedy::ListAppPasswords);
    tokens::revoke_of_kind(app, user, (TokenKind::AppPassword, id), by).await?.ok_or_else(unknown)
}

//! API tokens: an administrator's view of everybody's, and their owners' view of their own.

use std::sync::Arc;

use crate::accounts::api_tokens::{self, LONGEST, Made};
use crate::app::{App, Principal};
use crate::base::{ApiTokenId, DAY, DisplayName, Timestamp, set_of, try_set_of};
use crate::config::Span;
use crate::crypto::Bearer;
use crate::sessions::{self, ApiToken, MAX_TOKENS, NewToken, Scope, TokenKind};
use crate::store::Snapshot;
use crate::texts::refusal;

use super::answers::{Page, Revoked, Token};
use super::reach::Reach;
use super::{Refusal, Remedy, Wanted, named, parse};

/// A token to be made, as it was typed.
pub struct TokenDraft {
    /// Its name.
    pub name: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Its lifetime, like "90d".
    pub within: Option<String>,
}

/// The lifetime of a token if none is given.
const WITHIN: Span = Span::from_seconds(90 * DAY);

/// Makes an API token for somebody.
///
/// # Errors
/// When it is refused, or the store fails.
pub async fn make_token(app: &Arc<App>, user: String, draft: &TokenDraft, by: &Principal) -> Result<Token, Refusal> {
    let new = read(draft, app.now())?;
    let (secret, token) = make(app, user, new, by).await?;
    // Shown this once: the store keeps only its hash.
    Ok(Token { token: Some(secret.expose().to_owned()), ..describe(&token) })
}

/// Makes a token of any kind for somebody.
pub(super) async fn make(
    app: &Arc<App>,
    user: String,
    new: NewToken,
    by: &Principal,
) -> Result<(Bearer, ApiToken), Refusal> {
    let (reach, source, kind) = (Reach::of(by), by.source(), new.kind);
    let made = app.write_as(by, move |work| match reach.find(work.tx, &user)? {
        Ok(person) => api_tokens::make(work, &source, &person, &new).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    });
    let too_many = match kind {
        TokenKind::ApiToken => refusal::too_many_tokens,
        TokenKind::AppPassword => refusal::too_many_app_passwords,
    };
    match made.await?? {
        Made::Done(made) => Ok(*made),
        Made::TooMany => Err(Refusal::conflict(too_many(MAX_TOKENS), refusal::too_many_tokens_hint())),
        Made::NotAnAdministrator => Err(Refusal::invalid(refusal::scopes_of_administrators(), None)),
    }
}

fn read(draft: &TokenDraft, now: Timestamp) -> Result<NewToken, Refusal> {
    let name = parse(&draft.name, Wanted::Name, DisplayName::parse)?;
    let scopes = || refusal::scopes(Scope::WORDS.join(", "));
    if draft.scopes.len() > Scope::WORDS.len() {
        return Err(Refusal::invalid(refusal::too_many_scopes(), scopes()));
    }
    let scope = |word: &String| {
        let unknown = || Refusal::invalid(refusal::unknown_scope(), scopes());
        Scope::from_word(word).ok_or_else(unknown)
    };
    let wanted = try_set_of(draft.scopes.iter().map(scope))?;
    if draft.scopes.is_empty() {
        return Err(Refusal::invalid(refusal::no_scope(), scopes()));
    }
    let like = || refusal::written_like("\"90d\"");
    let within = draft.within.clone().map_or(Ok(WITHIN), |text| {
        Span::try_from(text).map_err(|_| Refusal::invalid(refusal::not_a_lifetime(), like()))
    })?;
    if !(1..=LONGEST).contains(&within.seconds()) {
        return Err(Refusal::invalid(refusal::lifetime_too_long(), like()));
    }
    let ends_at = Some(now.plus(within.seconds()));
    Ok(NewToken { kind: TokenKind::ApiToken, name, scopes: wanted, hosts: set_of([]), ends_at })
}

fn describe(token: &ApiToken) -> Token {
    Token {
        id: token.id.to_string(),
        name: token.name.as_str().to_owned(),
        scopes: token.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.used_at,
        token: None,
    }
}

/// Lists somebody's API tokens, newest first.
///
/// # Errors
/// When nobody has this name, or the store fails.
pub async fn tokens_of(app: &App, user: &str) -> Result<Page<Token>, Refusal> {
    let tokens = alive(app, user, TokenKind::ApiToken).await?;
    Ok(Page::whole(tokens.iter().map(describe).collect()))
}

/// Returns somebody's tokens of a kind that work, newest first.
pub(super) async fn alive(app: &App, user: &str, kind: TokenKind) -> Result<Vec<ApiToken>, Refusal> {
    let (person, now) = (named::find(app, user).await?, app.now());
    let mut tokens = app.read(|view: &dyn Snapshot| sessions::tokens_of(view, person.id)).await?;
    tokens.retain(|token| token.kind == kind && token.is_alive(now, &app.env().generation));
    tokens.sort_unstable_by_key(|token| std::cmp::Reverse((token.created_at, token.id)));
    Ok(tokens)
}

pub(super) async fn revoke(app: &Arc<App>, user: String, id: &str, by: &Principal) -> Result<Revoked, Refusal> {
    let unknown = || Refusal::unknown(refusal::no_token(id), None).with(Remedy::ListTokens);
    revoke_of_kind(app, user, (TokenKind::ApiToken, id), by).await?.ok_or_else(unknown)
}

/// Revokes a token. None if the account has none of this kind and id.
pub(super) async fn revoke_of_kind(
    app: &Arc<App>,
    user: String,
    (kind, id): (TokenKind, &str),
    by: &Principal,
) -> Result<Option<Revoked>, Refusal> {
    let Ok(wanted) = id.parse::<ApiTokenId>() else { return Ok(None) };
    let (reach, source) = (Reach::of(by), by.source());
    let revoked = app.write_as(by, move |work| match reach.find(work.tx, &user)? {
        Ok(person) => api_tokens::revoke(work, &source, &person, kind, wanted).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    });
    Ok(revoked.await??.then(|| Revoked { revoked: id.to_owned() }))
}

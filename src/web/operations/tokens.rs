//! API tokens and application passwords. Their owner's requests are the administrators' commands, limited to the owner.

use crate::admin::answers::{AppPassword, Page, Token};
use crate::admin::{self, AppPasswordDraft, Command, MAX_HOSTS, TokenDraft};
use crate::base::Timestamp;
use crate::throttle::Kind;
use crate::web::context::Web;
use crate::web::failure::{Failure, FieldErrors};
use crate::web::fields::Fields;
use crate::web::request::Request;

use super::admin::carry_out_as;

/// Returns the caller's id, as a command names a user.
fn caller(request: &Request) -> Result<String, Failure> {
    Ok(request.caller()?.person.id.to_string())
}

/// Parses what is wanted of a token.
pub(crate) fn wanted_token(mut fields: Fields) -> Result<TokenDraft, Failure> {
    let values = (fields.display_name(), fields.several("scopes"), fields.optional("within"));
    let (name, scopes, within) = fields.finish(values)?;
    let mut missing = FieldErrors::default();
    if name.is_none() {
        missing.add("name", "required");
    }
    if scopes.is_empty() {
        missing.add("scopes", "required");
    }
    let Some(name) = name.filter(|_| missing.is_empty()) else { return Err(missing.into()) };
    Ok(TokenDraft { name: name.as_str().to_owned(), scopes, within })
}

/// Creates a token for the caller.
pub(crate) async fn make_token(web: &Web, request: &Request, fields: Fields) -> Result<Token, Failure> {
    let (user, wanted) = (caller(request)?, wanted_token(fields)?);
    let by = request.caller()?.limited_by(Kind::Acts).into();
    Ok(admin::make_token(&web.app, user, &wanted, &by).await?)
}

/// Lists the caller's tokens.
pub(crate) async fn tokens(web: &Web, request: &Request) -> Result<Page<Token>, Failure> {
    Ok(admin::tokens_of(&web.app, &caller(request)?).await?)
}

/// Revokes one of the caller's tokens.
pub(crate) async fn revoke_token(web: &Web, request: &Request) -> Result<(), Failure> {
    let command = Command::TokenRevoke { user: caller(request)?, id: request.parameter("id").to_owned() };
    carry_out_as(web, request.caller()?, command).await.map(drop)
}

fn wanted_app_password(mut fields: Fields, now: Timestamp) -> Result<AppPasswordDraft, Failure> {
    let values = (fields.wanted_display_name(), fields.hosts(MAX_HOSTS), fields.time_after(now, "expires_at"));
    let (name, hosts, ends_at) = fields.finish(values)?;
    Ok(AppPasswordDraft { name, hosts, ends_at })
}

/// Creates an application password for the caller.
pub(crate) async fn make_app_password(web: &Web, request: &Request, fields: Fields) -> Result<AppPassword, Failure> {
    let (user, wanted) = (caller(request)?, wanted_app_password(fields, web.app.now())?);
    let by = request.caller()?.limited_by(Kind::Acts).into();
    Ok(admin::make_app_password(&web.app, user, wanted, &by).await?)
}

/// Lists the caller's application passwords.
pub(crate) async fn app_passwords(web: &Web, request: &Request) -> Result<Page<AppPassword>, Failure> {
    Ok(admin::app_passwords_of(&web.app, &caller(request)?).await?)
}

/// Revokes one of the caller's application passwords.
pub(crate) async fn revoke_app_password(web: &Web, request: &Request) -> Result<(), Failure> {
    let command = Command::AppPasswordRevoke { user: caller(request)?, id: request.parameter("id").to_owned() };
    carry_out_as(web, request.caller()?, command).await.map(drop)
}

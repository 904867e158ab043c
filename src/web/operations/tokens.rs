//! API tokens. Their owner's requests are the administrators' commands, limited to the owner.

use crate::admin::answers::{Page, Token};
use crate::admin::{self, Command, TokenDraft};
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

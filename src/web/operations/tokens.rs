//! API tokens. Their owner's requests are the administrators' commands, limited to the owner.

use serde_json::Value;

use crate::admin::{Command, command};
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

/// Parses the command that creates a token for `user`.
pub fn wanted_token(user: String, mut fields: Fields) -> Result<Command, Failure> {
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
    let name = name.as_str().to_owned();
    Ok(Command::TokenAdd { user, name, scopes, within })
}

/// Creates a token for the caller.
pub async fn make_token(web: &Web, request: &Request, fields: Fields) -> Result<Value, Failure> {
    let command = wanted_token(caller(request)?, fields)?;
    carry_out_as(web, request.caller()?.limited_by(Kind::Acts), command).await
}

/// Lists the caller's tokens.
pub async fn tokens(web: &Web, request: &Request) -> Result<Value, Failure> {
    let command = Command::TokenList(command::Named { user: caller(request)? });
    carry_out_as(web, request.caller()?, command).await
}

/// Revokes one of the caller's tokens.
pub async fn revoke_token(web: &Web, request: &Request) -> Result<(), Failure> {
    let command = Command::TokenRevoke { user: caller(request)?, id: request.parameter("id").to_owned() };
    carry_out_as(web, request.caller()?, command).await.map(drop)
}

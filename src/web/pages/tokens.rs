//! The page of API tokens.

use crate::admin::answers::Token;
use crate::templates::{Value, context};
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations;
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::account;
use super::account::gone;
use super::form::Form;
use super::page::notice;

async fn form<'a>(web: &Web, request: &Request, made: Option<String>) -> Result<Form<'a>, Failure> {
    let (voice, now) = (web.voice(&request.viewer), web.app.now());
    let row = |token: Token| {
        context! {
            id => token.id, name => token.name, scopes => token.scopes.join(", "),
            until => voice.time(token.expires_at),
            used => token.last_used_at.map(|at| voice.ago(at, now)).unwrap_or_default(),
        }
    };
    let tokens: Vec<Value> = operations::tokens(web, request).await?.items.into_iter().map(row).collect();
    let values = context! {
        tokens, made,
        is_administrator => request.caller()?.person.account.is_administrator(),
        notice => notice(web, request),
        ..account::values(web, request)?
    };
    Ok(Form::new("account-tokens.html", values))
}

/// `GET /account/tokens`
pub(crate) async fn tokens(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(form(web, request, None).await?.show(web, request))
}

/// `POST /account/tokens`
pub(crate) async fn make_token(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let typed = fields.typed(&["name"]);
    match operations::make_token(web, request, fields).await {
        Ok(made) => Ok(form(web, request, made.token).await?.show(web, request)),
        Err(failure) => Form { typed, ..form(web, request, None).await? }.again(web, request, &failure),
    }
}

/// `POST /account/tokens/{id}/revoke`
pub(crate) async fn revoke_token(web: &Web, request: &Request) -> Result<Reply, Failure> {
    gone(operations::revoke_token(web, request).await)?;
    Ok(Reply::see_other("/account/tokens?notice=token-revoked"))
}

//! The page of API tokens.

use crate::base::Timestamp;
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
    let shown = operations::tokens(web, request).await?;
    let text = |item: &serde_json::Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let time = |item: &serde_json::Value, name: &str| {
        let at = item[name].as_str().and_then(Timestamp::parse);
        at.map(|at| at.in_words()).unwrap_or_default()
    };
    let tokens: Vec<Value> = shown["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| {
            let scopes: Vec<&str> =
                item["scopes"].as_array().into_iter().flatten().filter_map(|s| s.as_str()).collect();
            context! {
                id => text(item, "id"), name => text(item, "name"), scopes => scopes.join(", "),
                until => time(item, "expires_at"), used => time(item, "last_used_at"),
            }
        })
        .collect();
    let values = context! {
        tokens, made,
        is_administrator => request.caller()?.person.account.is_administrator(),
        notice => notice(request),
        ..account::values(request)?
    };
    Ok(Form::new("account-tokens.html", values))
}

/// `GET /account/tokens`
pub async fn tokens(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(form(web, request, None).await?.show(web))
}

/// `POST /account/tokens`
pub async fn make_token(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let typed = fields.typed(&["name"]);
    match operations::make_token(web, request, fields).await {
        Ok(made) => Ok(form(web, request, made["token"].as_str().map(str::to_owned)).await?.show(web)),
        Err(failure) => Form { typed, ..form(web, request, None).await? }.again(web, &failure),
    }
}

/// `POST /account/tokens/{id}/revoke`
pub async fn revoke_token(web: &Web, request: &Request) -> Result<Reply, Failure> {
    gone(operations::revoke_token(web, request).await)?;
    Ok(Reply::see_other("/account/tokens?notice=token-revoked"))
}

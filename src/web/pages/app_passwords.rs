//! The page of application passwords.

use crate::admin::answers::AppPassword;
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
    let row = |one: AppPassword| {
        let until = one.expires_at.map(|at| voice.time(at)).unwrap_or_default();
        let used = one.last_used_at.map(|at| voice.ago(at, now)).unwrap_or_default();
        context! { id => one.id, name => one.name, hosts => one.hosts.join(", "), until, used }
    };
    let app_passwords: Vec<Value> = operations::app_passwords(web, request).await?.items.into_iter().map(row).collect();
    let values = context! { app_passwords, made, notice => notice(web, request), ..account::values(web, request)? };
    Ok(Form::new("account-app-passwords.html", values))
}

/// `GET /account/app-passwords`
pub(crate) async fn app_passwords(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(form(web, request, None).await?.show(web, request))
}

/// `POST /account/app-passwords`
pub(crate) async fn make_app_password(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let typed = fields.typed(&["name", "hosts", "expires_at"]);
    match operations::make_app_password(web, request, fields).await {
        Ok(made) => Ok(form(web, request, made.password).await?.show(web, request)),
        Err(failure) => Form { typed, ..form(web, request, None).await? }.again(web, request, &failure),
    }
}

/// `POST /account/app-passwords/{id}/revoke`
pub(crate) async fn revoke_app_password(web: &Web, request: &Request) -> Result<Reply, Failure> {
    gone(operations::revoke_app_password(web, request).await)?;
    Ok(Reply::see_other("/account/app-passwords?notice=app-password-revoked"))
}

//! The pages that mailed links open, and those that request one.

use crate::app::{Besides, Fault};
use crate::crypto::TokenFault;
use crate::templates::context;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::fields::Fields;
use crate::web::operations;
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::form::Form;
use super::front_end::{flatten, lead_on};
use super::page::render;
use crate::accounts::confirm::Confirmed;

/// `GET /confirm/resend`
pub(crate) async fn resend_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(Form::new("resend.html", context! {}).show(web, request))
}

/// `POST /confirm/resend`
pub(crate) async fn resend(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let form = Form { typed: fields.typed(&["email"]), ..Form::new("resend.html", context! {}) };
    match operations::resend(web, request, fields).await {
        Ok(()) => Ok(Reply::see_other("/register/sent")),
        Err(failure) => form.again(web, request, &failure),
    }
}

/// `GET /confirm/{token}`: checks the link and shows a button. Mail scanners that open links confirm nothing.
pub(crate) async fn confirm_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let token = request.parameter("token");
    let checked = flatten(check_confirmation(web, request).await);
    if let Some(onward) = lead_on(web, "/confirm", token, checked.as_ref().err()) {
        return Ok(onward);
    }
    let besides = checked?;
    Ok(Form::new("confirm.html", confirm_values(request, besides, false)).show(web, request))
}

async fn check_confirmation(web: &Web, request: &Request) -> Result<Result<Besides, TokenFault>, Fault> {
    let browser = web.cookies.browser(&request.headers).map(|secret| secret.digest());
    let session = web.cookies.session(&request.headers).map(|secret| secret.digest());
    web.app.check_confirmation(request.parameter("token"), (browser, session), &request.client()).await
}

fn confirm_values(request: &Request, besides: Besides, needs_username: bool) -> crate::templates::Value {
    let needs_password = besides == Besides::RegistrationPassword;
    let needs_account = besides == Besides::AccountPassword;
    context! { token => request.parameter("token"), needs_password, needs_account, needs_username }
}

/// `POST /confirm/{token}`
pub(crate) async fn confirm(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = if request.body.is_empty() { Fields::from_form(b"")? } else { request.form()? };
    let typed = fields.typed(&["username"]);
    match operations::confirm(web, request, Some(request.parameter("token")), fields).await {
        Ok(Confirmed::LoggedIn(started)) => {
            Ok(operations::hand_over(web, request, Reply::see_other("/account?notice=confirmed"), started.parts())
                .await)
        }
        Ok(Confirmed::Done) => Ok(Reply::see_other("/login?notice=confirmed")),
        Ok(Confirmed::AwaitsApproval) => Ok(Reply::see_other("/login?notice=awaits-approval")),
        Err(failure) => {
            let besides = check_confirmation(web, request).await??;
            let is_about_it = matches!(&failure, Failure::Invalid(errors) if errors.is_about("username"));
            let needs_username = failure == Failure::UsernameTaken || is_about_it || typed.contains_key("username");
            let values = confirm_values(request, besides, needs_username);
            Form { typed, ..Form::new("confirm.html", values) }.again(web, request, &failure)
        }
    }
}

/// `GET /setup/{token}`: the form for the first administrator.
pub(crate) async fn set_up_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    web.app.check_set_up(request.parameter("token"), &request.client()).await??;
    Ok(Form::new("setup.html", context! { token => request.parameter("token") }).show(web, request))
}

/// `POST /setup/{token}`
pub(crate) async fn set_up(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let typed = fields.typed(&["email", "username", "name"]);
    match operations::set_up(web, request, Some(request.parameter("token")), fields).await {
        Ok(()) => Ok(Reply::see_other("/login?notice=set-up")),
        Err(failure) => {
            let values = context! { token => request.parameter("token") };
            Form { typed, ..Form::new("setup.html", values) }.again(web, request, &failure)
        }
    }
}

/// `GET /username/recover`
pub(crate) async fn username_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(Form::new("username-recover.html", context! {}).show(web, request))
}

/// `POST /username/recover`
pub(crate) async fn recover_username(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let form = Form { typed: fields.typed(&["email"]), ..Form::new("username-recover.html", context! {}) };
    match operations::recover_username(web, request, fields).await {
        Ok(()) => Ok(Reply::see_other("/login?notice=username-mailed")),
        Err(failure) => form.again(web, request, &failure),
    }
}

/// `GET /forgot`
pub(crate) async fn forgot_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(Form::new("forgot.html", context! {}).show(web, request))
}

/// `POST /forgot`
pub(crate) async fn forgot(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let form = Form { typed: fields.typed(&["email"]), ..Form::new("forgot.html", context! {}) };
    match operations::forgot(web, request, fields).await {
        Ok(()) => Ok(Reply::see_other("/forgot/sent")),
        Err(failure) => form.again(web, request, &failure),
    }
}

/// `GET /forgot/sent`
pub(crate) async fn forgot_sent(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let within = web.app.env().config.tokens.reset_within.seconds();
    let within = web.voice(&request.viewer).length("within", within);
    Ok(Reply::page(render(web, &request.viewer, "forgot-sent.html", context! { within })))
}

/// `GET /reset/{token}`: shows whose password is to be set, for password managers, and changes nothing.
pub(crate) async fn reset_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let token = request.parameter("token");
    let checked = flatten(web.app.check_reset(token, &request.client()).await);
    if let Some(onward) = lead_on(web, "/reset", token, checked.as_ref().err()) {
        return Ok(onward);
    }
    let usable = checked?;
    Ok(Form::new("reset.html", reset_values(request, &usable.person)).show(web, request))
}

fn reset_values(request: &Request, person: &crate::accounts::Person) -> crate::templates::Value {
    context! { token => request.parameter("token"), address => person.email.as_ref().map(|email| email.shown.as_str()).unwrap_or_default() }
}

/// `POST /reset/{token}`
pub(crate) async fn reset(web: &Web, request: &Request) -> Result<Reply, Failure> {
    match operations::reset(web, request, Some(request.parameter("token")), request.form()?).await {
        Ok(Some(started)) => {
            let reply = Reply::see_other("/account?notice=password-changed");
            Ok(operations::hand_over(web, request, reply, started.parts()).await)
        }
        Ok(None) => Ok(web.without_session(Reply::see_other("/login?notice=password-changed"))),
        Err(failure) => {
            let usable = web.app.check_reset(request.parameter("token"), &request.client()).await??;
            Form::new("reset.html", reset_values(request, &usable.person)).again(web, request, &failure)
        }
    }
}

//! The pages to register, log in and log out.

use crate::base::IdentityKind;
use crate::config::{AccessAlias, RegistrationMode, UsernameRule};
use crate::crypto::{Bearer, BearerKind};
use crate::templates::{Value, context};
use crate::texts::identity;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations;
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::return_to::safe_path;

use super::doors::go_back;
use super::form::Form;
use super::front_end::lead_on;
use super::page::{notice, render, with_return};
use crate::accounts::login_outcome::Passed;
use crate::accounts::register::Registered;

/// Whether anybody may register without an invitation.
fn registration_is_open(web: &Web) -> bool {
    let mode = web.app.env().config.registration.mode;
    matches!(mode, RegistrationMode::Open | RegistrationMode::Approval)
}

/// `GET /register`
pub(crate) async fn register_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    match web.app.env().config.registration.mode {
        RegistrationMode::Open | RegistrationMode::Approval => {}
        RegistrationMode::Invite => return Err(Failure::InvitationNeeded),
        RegistrationMode::Closed => return Err(Failure::RegistrationClosed),
    }
    if web.caller(&request.headers).await?.is_some() {
        return Ok(Reply::see_other("/account"));
    }
    Ok(uninvited(web).show(web, request))
}

/// `POST /register`
pub(crate) async fn register(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let form = Form { typed: fields.typed(&["email", "username", "name"]), ..uninvited(web) };
    registered(web, request, operations::register(web, request, None, fields).await, form)
}

fn registered(
    web: &Web,
    request: &Request,
    came: Result<Registered, Failure>,
    form: Form<'_>,
) -> Result<Reply, Failure> {
    match came {
        Ok(Registered::Accepted(browser)) => {
            let lifetime = web.app.env().config.tokens.confirm_within.seconds();
            Ok(Reply::see_other("/register/sent").with_cookie(web.cookies.set_browser(&browser, lifetime)))
        }
        Ok(Registered::Opened) => Ok(Reply::see_other("/login?notice=registered")),
        Err(failure) => form.again(web, request, &failure),
    }
}

/// Returns the label of the field that people log in with, and what else a page says by what that may be.
pub(super) fn names(web: &Web, request: &Request) -> Value {
    let env = web.app.env();
    let login = &env.config.login;
    let has = |kind| login.identities.contains(&kind);
    let has_usernames = has(IdentityKind::Username);
    let label = match (has(IdentityKind::Email), has_usernames, has(IdentityKind::Phone)) {
        (true, true, true) => identity::email_username_phone(),
        (true, true, false) => identity::email_username(),
        (true, false, true) => identity::email_phone(),
        (false, true, true) => identity::username_phone(),
        (false, true, false) => identity::username(),
        (false, false, true) => identity::phone(),
        (_, false, false) => identity::email(),
    };
    context! { identity_label => web.voice(&request.viewer).say(&label), has_usernames, by_mail => login.by_mail }
}

/// Returns whether a registration has a user name, and whether it needs one.
fn username_rule(web: &Web) -> Value {
    let rule = web.app.env().config.registration.username;
    context! { has_username => rule != UsernameRule::Off, needs_username => rule == UsernameRule::Required }
}

/// Returns the registration form without an invitation.
fn uninvited<'a>(web: &Web) -> Form<'a> {
    Form::new("register.html", context! { action => "/register", invited => "", ..username_rule(web) })
}

/// Returns the registration form of an invitation.
async fn invited<'a>(web: &Web, request: &Request) -> Result<Form<'a>, Failure> {
    let token = request.parameter("token");
    let secret = Bearer::parse(BearerKind::Invitation, token).ok_or(Failure::TokenInvalid)?;
    let invitation = web.app.look_up_invitation(secret.digest(), &request.client()).await??;
    let invited = invitation.email.map(|email| email.to_string()).unwrap_or_default();
    Ok(Form::new("register.html", context! { action => format!("/invite/{token}"), invited, ..username_rule(web) }))
}

/// `GET /invite/{token}`
pub(crate) async fn invitation_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let form = invited(web, request).await;
    if let Some(onward) = lead_on(web, "/invite", request.parameter("token"), form.as_ref().err()) {
        return Ok(onward);
    }
    Ok(form?.show(web, request))
}

/// `POST /invite/{token}`
pub(crate) async fn accept_invitation(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let typed = fields.typed(&["email", "username", "name"]);
    let came = operations::register(web, request, Some(request.parameter("token")), fields).await;
    if came.as_ref().is_err_and(Failure::is_a_bad_link) {
        return registered(web, request, came, uninvited(web));
    }
    let form = Form { typed, ..invited(web, request).await.unwrap_or_else(|_| uninvited(web)) };
    registered(web, request, came, form)
}

/// `GET /register/sent`
pub(crate) async fn register_sent(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let confirms = web.app.env().config.registration.confirm_email;
    let within = web.app.env().config.tokens.confirm_within.seconds();
    let within = web.voice(&request.viewer).length("within", within);
    Ok(Reply::page(render(web, &request.viewer, "register-sent.html", context! { confirms, within })))
}

/// Returns the path of the reauthentication page, with the way back to the page that `path` belongs to.
pub(crate) fn proof_path(path: &str) -> String {
    // Only forms lie deeper than the second level, but for administrators, whose questions do.
    let depth = if path.starts_with("/admin/") { 5 } else { 3 };
    let page: Vec<&str> = path.split('/').take(depth).collect();
    with_return("/account/verify", safe_path(&page.join("/")).unwrap_or_default())
}

/// Returns the path of the login page, with the way back to `path`.
pub(crate) fn login_path(path: &str) -> String {
    match safe_path(path).filter(|path| *path != "/account") {
        Some(path) => {
            let encoded: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
            format!("/login?return_to={encoded}")
        }
        None => "/login".into(),
    }
}

/// `GET /login`
pub(crate) async fn login_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let is_vouch = || web.app.env().config.access.aliases.contains(&AccessAlias::Vouch);
    let elsewhere = || request.query("url").filter(|_| is_vouch());
    let return_to = web.return_target(request.query("return_to").or_else(elsewhere));
    if web.caller(&request.headers).await?.is_some() {
        // Whoever confirmed a new address is told so, although they need no login.
        if return_to.is_empty() && request.query("notice") == Some("confirmed") {
            return Ok(Reply::see_other("/account?notice=confirmed"));
        }
        return go_back(web, request, &return_to).await;
    }
    let values = context! { return_to, notice => notice(web, request), can_register => registration_is_open(web), ..names(web, request) };
    Ok(Form::new("login.html", values).show(web, request))
}

/// `POST /login`
pub(crate) async fn login(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let typed = fields.typed(&["identity", "return_to"]);
    // Checked on the way in and again here: the hidden field comes from the client.
    let wanted = typed.get("return_to").map(String::as_str).or_else(|| request.query("return_to"));
    let return_to = web.return_target(wanted);
    let values = context! { return_to => return_to.as_str(), notice => "", can_register => registration_is_open(web), ..names(web, request) };
    let form = Form { typed, ..Form::new("login.html", values) };
    match operations::log_in(web, request, fields, false).await {
        Ok(passed) => Ok(go_on(web, request, &passed, &return_to).await),
        Err(failure) => form.again(web, request, &failure),
    }
}

/// Redirects somebody who is logged in, or who has to take the second step.
pub(super) async fn go_on(web: &Web, request: &Request, passed: &Passed, return_to: &str) -> Reply {
    match passed {
        Passed::LoggedIn(started) => {
            let reply = Reply::see_other(&web.way_back(return_to));
            operations::hand_over(web, request, reply, (&started.secret, &started.session)).await
        }
        Passed::SecondFactorRequired { secret, .. } => {
            let reply = Reply::see_other(&with_return("/login/second-factor", return_to));
            reply.with_cookie(web.cookies.set_pending(secret))
        }
    }
}

/// `GET /logout`: a button for whoever types the address. Opening a page ends nothing.
pub(crate) async fn logout_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    if web.caller(&request.headers).await?.is_none() {
        return Ok(Reply::see_other("/login"));
    }
    Ok(Reply::page(render(web, &request.viewer, "logout.html", context! {})))
}

/// `POST /logout`
pub(crate) async fn logout(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::log_out(web, request).await?;
    Ok(web.without_session(Reply::see_other("/login?notice=logged-out")).with_data_cleared())
}

//! Pages for people. They work without JavaScript, and opening one changes nothing.

mod account;
mod account_recovery;
mod admin;
mod entry;
mod factors;
mod form;
mod front_end;
mod links;
mod mail_login;
mod tokens;

use crate::base::Packed;
use crate::templates::{Value, context};

use super::Web;
use super::failure::Failure;
use super::reply::Reply;
use super::request::Request;
use super::status::Success;

pub use account::{
    account, change_email, change_password, change_password_place, change_username, delete_account, delete_form,
    email_form, end_other_sessions, end_session, password_form, sessions, username_form,
};
pub use admin::{approvals, approve, decline};
pub use entry::{
    accept_invitation, invitation_form, login, login_form, login_path, logout, proof_path, register, register_form,
    register_sent,
};
pub use factors::{
    add_mail_codes, add_text_codes, begin_totp, confirm_totp, end_trust, overview, proof, prove_again, remake_codes,
    remove_factor, send_session_code, send_step_code, step, take_second_step, totp,
};
pub use links::{
    confirm, confirm_form, forgot, forgot_form, forgot_sent, recover_username, resend, resend_form, reset, reset_form,
    set_up, set_up_form, username_form as recover_form,
};

pub use account_recovery::{not_me_form, take_back, undo_form};
pub use tokens::{make_token, revoke_token, tokens};

pub use mail_login::{code_form, link_form, log_in_by_code, log_in_by_link, wish_form, wish_mail_login};

/// The built-in pages: the files in `templates`.
pub const TEMPLATES: Packed = Packed(include_bytes!(concat!(env!("OUT_DIR"), "/pages.lz4")));

/// Where a browser is sent whose form was posted twice; if the first answer reached it, it is still logged in, and led on from there.
pub const DONE_ALREADY: &str = "/login?notice=done-already";

/// Where second factors are set up.
pub const SECOND_FACTOR: &str = "/account/second-factor";

/// `GET /`
pub async fn home(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let path = if web.caller(&request.headers)?.is_some() { "/account" } else { "/login" };
    Ok(Reply::see_other(path))
}

/// `GET /healthz`. With the word that `gatelodge doctor` waits for, it is noted how the request arrived.
pub fn health(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let reply = Reply::text("ok");
    let Some(word) = request.query("probe") else { return Ok(reply) };
    let is_expected = web.app.note_probe(word, || request.arrival());
    Ok(if is_expected { reply.with_cookie(web.cookies.set_probe(word)) } else { reply })
}

/// `GET /readyz`: whether people can be served. What is wrong is told on this machine and to administrators only.
pub async fn ready(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let health = web.app.health().await;
    let (success, word) = if health.is_ready() { (Success::Ok, "ready") } else { (Success::NotReady, "not_ready") };
    let is_told = request.is_from_this_machine()
        || web.caller(&request.headers).ok().flatten().is_some_and(|caller| caller.administers());
    if !is_told {
        return Ok(Reply::status(success, word));
    }
    let store = health.store.as_ref().map_or_else(ToString::to_string, |()| "writable".to_owned());
    let document = serde_json::json!({
        "status": word, "store": store, "disk": health.room.word(), "stuck_workers": health.stuck, "clock": health.clock.word(),
        "certificate": health.certificate.unwrap_or_else(|| "good".into()),
    });
    Ok(Reply::json(success, &document))
}

/// `GET /assets/style.css`
pub fn style(_: &Web, _: &Request) -> Result<Reply, Failure> {
    Ok(Reply::asset("text/css; charset=utf-8", include_str!("../assets/style.css")))
}

/// `GET /assets/icon.svg`
pub fn icon(_: &Web, _: &Request) -> Result<Reply, Failure> {
    Ok(Reply::asset("image/svg+xml; charset=utf-8", include_str!("../assets/icon.svg")))
}

/// A page that says what went wrong and where to go on.
pub fn failure(web: &Web, failure: &Failure) -> Reply {
    let told = failure.explanation();
    let (offers_links, is_done) = (failure.is_a_bad_link(), matches!(failure, Failure::TokenUsed(_)));
    let values = context! { title => told.title, detail => failure.detail(), offers_links, is_done };
    Reply::failed_page(failure, render(web, "message.html", values))
}

/// Renders a page. If a template of the administrator's fails, its visitor still gets an answer.
fn render(web: &Web, name: &str, values: Value) -> String {
    let env = web.app.env();
    let site = env.config.site.name.as_str();
    web.pages.load().render(name, context! { site, ..values }).unwrap_or_else(|error| {
        tracing::error!(%error, "a page template failed");
        "<!doctype html><title>Error</title><p>This page cannot be shown. The people who run this site find the reason in the log."
            .to_owned()
    })
}

/// What a page says after something was done: only words from this list, whatever the address asks for.
fn notice(request: &Request) -> &'static str {
    match request.query("notice") {
        Some("confirmed") => "Your address is confirmed.",
        Some("registered") => "Your account is ready. Log in with your new password.",
        Some("awaits-approval") => {
            "Your address is confirmed. The people who run this site decide on your registration; you are told by mail."
        }
        Some("approved") => "The account exists, and its owner is told.",
        Some("decided-already") => "That registration was decided on already: it does not wait any more.",
        Some("done-already") => "It is done already. Please log in again; a new password is the right one now.",
        Some("declined") => "The registration was deleted, and whoever made it is told.",
        Some("password-changed") => "Your password was changed. Your other sessions have ended.",
        Some("username-changed") => "Your user name was changed.",
        Some("username-mailed") => "If the address has an account, its user name is on its way.",
        Some("set-up") => "You administer this site. Log in with your new password.",
        Some("login-over") => "That took too long, or too many codes were wrong. Please log in again.",
        Some("code-mailed") => "If no code was sent within the last minute, one is on its way.",
        Some("factor-added") => "From now on you are asked for a code when you log in. Your other sessions have ended.",
        Some("factor-removed") => "It was removed. Your other sessions have ended.",
        Some("taken-back") => {
            "Everybody is logged out. A link to choose a new password is on its way to you; the old one works no more."
        }
        Some("token-revoked") => "The token opens nothing any more.",
        Some("trust-ended") => "That browser is asked for a code again.",
        Some("logged-out") => "You are logged out.",
        Some("address-asked") => {
            "A link was mailed to the new address. It is yours when you have opened the link and confirmed."
        }
        Some("address-respelled") => "Your address is written so from now on.",
        Some("session-ended") => "The session has ended.",
        Some("account-deleted") => "Your account was deleted.",
        _ => "",
    }
}

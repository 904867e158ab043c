//! What all pages share: rendering, and the notices shown after an action.

use crate::templates::{Value, context};

use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::request::Request;

/// The target of a browser whose form was submitted twice; if the first answer reached it, it is logged in and led on.
pub(crate) const DONE_ALREADY: &str = "/login?notice=done-already";

/// The page where second factors are set up.
pub(crate) const SECOND_FACTOR: &str = "/account/second-factor";

/// Returns the page that explains a failure and says where to go on.
pub(crate) fn failure(web: &Web, failure: &Failure) -> Reply {
    let told = failure.explanation();
    let (offers_links, is_done) = (failure.is_a_bad_link(), matches!(failure, Failure::TokenUsed(_)));
    let (title, detail) = (told.title().in_english(), failure.detail().in_english());
    let values = context! { title, detail, offers_links, is_done };
    Reply::failed_page(failure, render(web, "message.html", values))
}

/// Renders a page. If a template of the administrator fails, its visitor still gets an answer.
pub(super) fn render(web: &Web, name: &str, values: Value) -> String {
    let env = web.app.env();
    let site = env.config.site.name.as_str();
    web.pages.load().render(name, context! { site, ..values }).unwrap_or_else(|error| {
        tracing::error!(%error, "a page template failed");
        "<!doctype html><title>Error</title><p>This page cannot be shown. The people who run this site find the reason in the log."
            .to_owned()
    })
}

/// Returns the notice of a page: only words from this list, so that no link can put its own on our page.
pub(super) fn notice(request: &Request) -> &'static str {
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

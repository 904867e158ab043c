//! What all pages share: rendering, and the notices shown after an action.

use http::HeaderMap;

use crate::templates::{Value, context, escaped};
use crate::texts::{notice as say, page};

use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::viewer::Viewer;

/// The target of a browser whose form was submitted twice; if the first answer reached it, it is logged in and led on.
pub(crate) const DONE_ALREADY: &str = "/login?notice=done-already";

/// The page where second factors are set up.
pub(crate) const SECOND_FACTOR: &str = "/account/second-factor";

/// Returns the page that explains a failure, and says where to go on: by what the link was for that was asked for, and with the
/// navigation of somebody who is logged in.
pub(crate) fn failure(web: &Web, viewer: &Viewer, failure: &Failure, asked: Option<(&str, &HeaderMap)>) -> Reply {
    let voice = web.voice(viewer);
    let told = failure.explanation();
    let (offers_links, is_done) = (failure.is_a_bad_link(), matches!(failure, Failure::TokenUsed(_)));
    let (heading, detail) = (voice.say(&told.title()), voice.say(&failure.detail()));
    // A sentence on the page, and a name in a list of windows.
    let title = heading.trim_end_matches(['.', '。']);
    let about = asked.map(|(path, _)| purpose(path)).unwrap_or_default();
    let known_as = asked.and_then(|(_, headers)| web.known_as(headers)).unwrap_or_default();
    let values = context! { title, heading, detail, offers_links, is_done, about, known_as };
    Reply::failed_page(failure, render(web, viewer, "message.html", values))
}

/// Returns what a mailed link is for, by its path.
fn purpose(path: &str) -> &'static str {
    match path.split('/').nth(1) {
        Some("invite") => "invitation",
        Some("setup") => "setup",
        Some("confirm") => "confirmation",
        Some("login") => "login",
        _ => "",
    }
}

/// Renders a page. If a template of the administrator fails, its visitor still gets an answer.
pub(super) fn render(web: &Web, viewer: &Viewer, name: &str, values: Value) -> String {
    let voice = web.voice(viewer);
    let env = web.app.env();
    let site = env.config.site.name.as_str();
    let offered = voice.languages().offered().filter(|_| !viewer.here.is_empty());
    let languages: Vec<Value> = offered.map(|(tag, name)| context! { tag => tag.as_str(), name }).collect();
    let look = &web.look.load().values;
    let all = context! { site, look, languages, here => viewer.here.as_str(), ..values };
    web.pages.load().render(name, &voice, all).unwrap_or_else(|error| {
        tracing::error!(%error, "a page template failed");
        let (title, reason) = (voice.say(&page::error()), voice.say(&page::cannot_be_shown()));
        format!("<!doctype html><title>{}</title><p>{}", escaped(&title), escaped(&reason))
    })
}

/// Returns `path` with the way back to `return_to`.
pub(super) fn with_return(path: &str, return_to: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
    if return_to.is_empty() { path.to_owned() } else { format!("{path}?return_to={encoded}") }
}

/// Returns the notice of a page: only sentences from this list, so that no link can put its own on our page.
pub(super) fn notice(web: &Web, request: &Request) -> String {
    let text = match request.query("notice") {
        Some("confirmed") => say::confirmed(),
        Some("registered") => say::registered(),
        Some("awaits-approval") => say::awaits_approval(),
        Some("approved") => say::approved(),
        Some("decided-already") => say::decided_already(),
        Some("done-already") => say::done_already(),
        Some("declined") => say::declined(),
        Some("password-changed") => say::password_changed(),
        Some("username-changed") => say::username_changed(),
        Some("username-mailed") => say::username_mailed(),
        Some("set-up") => say::set_up(),
        Some("login-over") => say::login_over(),
        Some("code-mailed") => say::code_mailed(),
        Some("factor-added") => say::factor_added(),
        Some("factor-wanted") => say::factor_wanted(),
        Some("factor-removed") => say::factor_removed(),
        Some("taken-back") => say::taken_back(),
        Some("token-revoked") => say::token_revoked(),
        Some("app-password-revoked") => say::app_password_revoked(),
        Some("trust-ended") => say::trust_ended(),
        Some("logged-out") => say::logged_out(),
        Some("address-asked") => say::address_asked(),
        Some("address-respelled") => say::address_respelled(),
        Some("session-ended") => say::session_ended(),
        Some("account-deleted") => say::account_deleted(),
        Some("changed") => say::changed(),
        Some("account-gone") => say::account_gone(),
        Some("address-set") => say::address_set(),
        Some("link-sent") => say::link_sent(),
        Some("invitation-revoked") => say::invitation_revoked(),
        Some("mail-queued") => say::mail_queued(),
        Some("mail-dropped") => say::mail_dropped(),
        Some("limits-lifted") => say::limits_lifted(),
        Some("webhook-retried") => say::webhook_retried(),
        _ => return String::new(),
    };
    web.voice(&request.viewer).say(&text)
}

//! The API for people and their accounts.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::base::{Packed, Permission};

use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations::{self};
use crate::web::reply::{Keeping, Reply, to_json};
use crate::web::request::Request;
use crate::web::status::Success;

use super::documents::{
    List, LoginsDocument, MayDocument, SessionDocument, SessionItem, UserDocument, ValidDocument, WhoDocument,
};

use super::answers::{first_step, with_renewed, with_session};
use crate::accounts::confirm::Confirmed;
use crate::accounts::register::Registered;
use crate::accounts::start_session::StartedSession;

/// The OpenAPI 3.1 document, compressed: it would be a hundredth of the program otherwise, and is rarely asked for. A
/// test compares it with the route list.
const OPENAPI: Packed = Packed(include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.lz4")));

/// The same, decompressed once, when it is first asked for; all answers share the bytes.
static UNPACKED: OnceLock<Option<Bytes>> = OnceLock::new();

/// `GET /openapi.json`
pub(crate) fn openapi(_: &Web, _: &Request) -> Result<Reply, Failure> {
    let unpacked = UNPACKED.get_or_init(|| OPENAPI.unpack().map(Bytes::from));
    let document = unpacked.clone().ok_or(Failure::Internal)?;
    Ok(Reply::file("application/json", document, Keeping::AnHour))
}

/// `POST /register`
pub(crate) async fn register(web: &Web, request: &Request) -> Result<Reply, Failure> {
    match operations::register(web, request, None, request.json()?).await? {
        Registered::Accepted(browser) => {
            let lifetime = web.app.env().config.tokens.confirm_within.seconds();
            Ok(Reply::status(Success::Accepted, "accepted").with_cookie(web.cookies.set_browser(&browser, lifetime)))
        }
        Registered::Opened => Ok(Reply::status(Success::Ok, "confirmed")),
    }
}

/// `POST /confirm`
pub(crate) async fn confirm(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let reply = Reply::status(Success::Ok, "confirmed");
    Ok(match operations::confirm(web, request, None, request.json()?).await? {
        Confirmed::Done => reply,
        Confirmed::LoggedIn(started) => with_session(web, request, reply, Some(started.parts())).await,
        Confirmed::AwaitsApproval => Reply::status(Success::Ok, "awaits_approval"),
    })
}

/// `POST /confirm/resend`
pub(crate) async fn resend(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::resend(web, request, request.json()?).await?;
    Ok(Reply::status(Success::Accepted, "accepted"))
}

/// `POST /login`
pub(crate) async fn login(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let passed = operations::log_in(web, request, request.json()?, true).await?;
    Ok(first_step(web, request, passed).await)
}

/// `POST /login/mail`
pub(crate) async fn request_mail_login(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let secret = operations::request_mail_login(web, request, request.json()?).await?;
    let document = serde_json::json!({"status": "accepted", "pending": secret.expose()});
    Ok(Reply::json(Success::Accepted, &document).with_cookie(web.cookies.set_mail(&secret)))
}

/// `POST /login/mail/code`
pub(crate) async fn log_in_by_code(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let passed = operations::log_in_by_code(web, request, request.json()?, true).await?;
    Ok(first_step(web, request, passed).await)
}

/// `POST /login/mail/link`
pub(crate) async fn log_in_by_link(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let passed = operations::log_in_by_link(web, request, None, request.json()?).await?;
    Ok(first_step(web, request, passed).await)
}

/// `POST /logout`
pub(crate) async fn logout(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::log_out(web, request).await?;
    Ok(web.without_session(Reply::no_content()).with_data_cleared())
}

/// `GET /session`
pub(crate) fn session(_: &Web, request: &Request) -> Result<Reply, Failure> {
    let caller = request.caller()?;
    let document = || {
        let document = WhoDocument {
            user: UserDocument::of(&caller.person, &caller.permissions),
            session: SessionDocument::of(&caller.session),
        };
        to_json(&document)
    };
    Ok(Reply::ready_json(Success::Ok, caller.document.get_or_init(document).clone()))
}

/// `POST /session/refresh`
pub(crate) async fn refresh(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let (secret, session) = operations::refresh(web, request, request.json()?).await?;
    let session = SessionDocument::of(&session).with(&secret);
    Ok(Reply::json(Success::Ok, &serde_json::json!({"status": "refreshed", "session": session})))
}

/// `GET /may/{permission}`: whether the caller has a permission.
pub(crate) fn may(_: &Web, request: &Request) -> Result<Reply, Failure> {
    let caller = request.caller()?;
    let permission = Permission::parse(request.parameter("permission")).map_err(|_| Failure::NotFound)?;
    let allowed = caller.permissions.contains(&permission);
    Ok(Reply::json(Success::Ok, &MayDocument { allowed }))
}

/// `GET /users/{user}/may/{permission}`: whether somebody has a permission, for an application that admits people.
pub(crate) async fn may_they(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let permission = Permission::parse(request.parameter("permission")).map_err(|_| Failure::NotFound)?;
    let allowed = web.app.may(request.parameter("user"), &permission).await?.ok_or(Failure::NotFound)?;
    Ok(Reply::json(Success::Ok, &MayDocument { allowed }))
}

/// `POST /forgot`
pub(crate) async fn forgot(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::forgot(web, request, request.json()?).await?;
    Ok(Reply::status(Success::Accepted, "accepted"))
}

/// `POST /reset/check`
pub(crate) async fn check_reset(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let usable = operations::check_reset(web, request, request.json()?).await?;
    Ok(Reply::json(Success::Ok, &ValidDocument { status: "valid", expires_at: usable.expires_at.to_string() }))
}

/// `POST /reset`
pub(crate) async fn reset(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let started = operations::reset(web, request, None, request.json()?).await?;
    Ok(with_session(
        web,
        request,
        Reply::status(Success::Ok, "password_changed"),
        started.as_ref().map(StartedSession::parts),
    )
    .await)
}

/// `POST /account/take-back`
pub(crate) async fn take_back(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::take_back(web, request, None, request.json()?).await?;
    Ok(Reply::status(Success::Ok, "taken_back"))
}

/// `GET /account/logins`
pub(crate) async fn logins(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let logins = web.app.logins_of(request.caller()?).await?;
    Ok(Reply::json(Success::Ok, &LoginsDocument::of(&logins)))
}

/// `POST /setup`
pub(crate) async fn set_up(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::set_up(web, request, None, request.json()?).await?;
    Ok(Reply::status(Success::Ok, "administrator_added"))
}

/// `POST /account/password`
pub(crate) async fn change_password(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let renewed = operations::change_password(web, request, request.json()?).await?;
    Ok(with_renewed(web, request, serde_json::json!({"status": "password_changed"}), &renewed).await)
}

/// `POST /account/username`
pub(crate) async fn change_username(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::change_username(web, request, request.json()?).await?;
    Ok(Reply::status(Success::Ok, "username_changed"))
}

/// `PUT /account/language`
pub(crate) async fn change_language(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::change_language(web, request, request.json()?).await?;
    Ok(Reply::status(Success::Ok, "language_changed"))
}

/// `POST /username/recover`
pub(crate) async fn recover_username(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::recover_username(web, request, request.json()?).await?;
    Ok(Reply::status(Success::Accepted, "accepted"))
}

/// `POST /account/email`
pub(crate) async fn change_email(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::change_email(web, request, request.json()?).await?;
    Ok(Reply::status(Success::Accepted, "accepted"))
}

/// `POST /account/delete`
pub(crate) async fn delete_account(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::delete_account(web, request, request.json()?).await?;
    Ok(web.without_session(Reply::no_content()).with_data_cleared())
}

/// `GET /account/sessions?limit=&after=`
pub(crate) async fn sessions(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let caller = request.caller()?;
    let sessions = web.app.sessions_of(caller).await?;
    let items: Vec<SessionItem> = sessions.iter().map(|session| SessionItem::of(session, caller.session.id)).collect();
    Ok(Reply::json(Success::Ok, &List::page(&items, request, |item| &item.id)?))
}

/// `DELETE /account/sessions`
pub(crate) async fn end_other_sessions(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let renewed = web.app.end_other_sessions(request.caller()?, request.client()).await?;
    Ok(with_session(web, request, Reply::no_content(), renewed.as_ref().map(|(secret, session)| (secret, session)))
        .await)
}

/// `DELETE /account/sessions/{id}`
pub(crate) async fn end_session(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::end_session(web, request).await?;
    Ok(Reply::no_content())
}

//! Second factors and freshness by the API.

use serde_json::{Value, json};

use crate::factors::FactorKind;
use crate::web::failure::Failure;
use crate::web::fields::Fields;
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::status::Success;
use crate::web::{Web, acts};

use super::documents::SessionDocument;
use super::logged_in;

/// `POST /login/second-factor`
pub async fn take_second_step(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let stepped = acts::take_second_step(web, request, request.json()?).await?;
    let reply = logged_in(&stepped.entered);
    Ok(acts::hand_over_stepped(web, request, reply, &stepped))
}

/// `POST /login/second-factor/send`
pub async fn send_step_code(web: &Web, request: &Request) -> Result<Reply, Failure> {
    acts::send_step_code(web, request, request.json()?).await?;
    Ok(Reply::status(Success::Accepted, "accepted"))
}

/// `POST /session/verify`
pub async fn prove_again(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let (secret, session) = acts::prove_again(web, request, request.json()?).await?;
    let document = SessionDocument::of(&session).with(&secret);
    let reply = Reply::json(Success::Ok, &json!({"status": "verified", "session": document}));
    Ok(if session.carrier.is_bearer() { reply } else { reply.with_cookie(web.cookies.set_session(&secret, &session)) })
}

/// `POST /session/verify/send`
pub async fn send_session_code(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = if request.body.is_empty() { Fields::from_json(b"{}") } else { request.json() };
    acts::send_session_code(web, request, fields?).await?;
    Ok(Reply::status(Success::Accepted, "accepted"))
}

/// `GET /account/factors`
pub async fn factors(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let found = web.app.factors_of(request.caller()?)?;
    let items: Vec<Value> = found
        .factors
        .iter()
        .map(|(id, factor)| {
            json!({
                "id": id.to_string(),
                "kind": factor.kind.word(),
                "name": factor.name.as_str(),
                "created_at": factor.created_at.to_string(),
                "last_used_at": factor.used_at.map(|at| at.to_string()),
                "clock_is_late": factor.is_late,
            })
        })
        .collect();
    let document =
        json!({"items": items, "next": null, "recovery_codes_left": found.codes_left, "required": found.is_required});
    Ok(Reply::json(Success::Ok, &document))
}

/// `POST /account/factors/totp`
pub async fn begin_totp(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let begun = acts::begin_totp(web, request, request.json()?).await?;
    let uri = acts::totp_uri(web, request, &begun)?;
    let document = json!({"id": begun.id.to_string(), "key": begun.seed.to_text().expose().as_str(), "uri": uri.expose().as_str()});
    Ok(Reply::json(Success::Ok, &document))
}

/// `POST /account/factors/totp/confirm`
pub async fn confirm_totp(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let codes = acts::confirm_totp(web, request, request.json()?).await?;
    Ok(added(codes.as_deref()))
}

/// `POST /account/factors/mail`
pub async fn add_mail_codes(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let codes = acts::add_sent_codes(web, request, FactorKind::Mail).await?;
    Ok(added(codes.as_deref()))
}

/// `POST /account/factors/sms`
pub async fn add_text_codes(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let codes = acts::add_sent_codes(web, request, FactorKind::Sms).await?;
    Ok(added(codes.as_deref()))
}

fn added(codes: Option<&[String]>) -> Reply {
    Reply::json(Success::Ok, &json!({"status": "factor_added", "recovery_codes": codes}))
}

/// `DELETE /account/factors/{id}`
pub async fn remove_factor(web: &Web, request: &Request) -> Result<Reply, Failure> {
    acts::remove_factor(web, request).await?;
    Ok(Reply::no_content())
}

/// `POST /account/recovery-codes`
pub async fn remake_codes(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let codes = acts::remake_codes(web, request).await?;
    Ok(Reply::json(Success::Ok, &json!({"recovery_codes": codes})))
}

/// `GET /account/browsers`
pub async fn browsers(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let found = web.app.factors_of(request.caller()?)?;
    let items: Vec<Value> = found
        .trusted
        .iter()
        .map(|(id, browser)| {
            json!({
                "id": id.to_string(),
                "agent": browser.agent,
                "network": browser.network,
                "created_at": browser.created_at.to_string(),
                "expires_at": browser.expires_at.to_string(),
            })
        })
        .collect();
    Ok(Reply::json(Success::Ok, &json!({"items": items, "next": null})))
}

/// `DELETE /account/browsers/{id}`
pub async fn end_trust(web: &Web, request: &Request) -> Result<Reply, Failure> {
    acts::end_trust(web, request).await?;
    Ok(Reply::no_content())
}

//! Second factors and reauthentication in the API.

use serde_json::{Value, json};

use crate::factors::FactorKind;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::fields::Fields;
use crate::web::operations;
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::status::Success;

use super::answers::{logged_in, with_renewed, with_session};

/// `POST /login/second-factor`
pub(crate) async fn take_second_step(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let stepped = operations::take_second_step(web, request, request.json()?).await?;
    let reply = logged_in(&stepped.started);
    Ok(operations::hand_over_stepped(web, request, reply, &stepped).await)
}

/// `POST /login/second-factor/send`
pub(crate) async fn send_step_code(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::send_step_code(web, request, request.json()?).await?;
    Ok(Reply::status(Success::Accepted, "accepted"))
}

/// `POST /session/verify`
pub(crate) async fn prove_again(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let (secret, session) = operations::prove_again(web, request, request.json()?).await?;
    Ok(with_renewed(web, request, json!({"status": "verified"}), &(secret, session)).await)
}

/// `POST /session/verify/send`
pub(crate) async fn send_session_code(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = if request.body.is_empty() { Fields::from_json(b"{}") } else { request.json() };
    operations::send_session_code(web, request, fields?).await?;
    Ok(Reply::status(Success::Accepted, "accepted"))
}

/// `GET /account/factors`
pub(crate) async fn factors(web: &Web, request: &Request) -> Result<Reply, Failure> {
    request.takes_only(&[])?;
    let found = web.app.factors_of(request.caller()?).await?;
    let items: Vec<Value> = found
        .factors
        .iter()
        .map(|(id, factor)| {
            json!({
                "id": id.to_string(),
                "kind": factor.kind().as_str(),
                "name": factor.name.as_str(),
                "created_at": factor.created_at.to_string(),
                "last_used_at": factor.used_at.map(|at| at.to_string()),
                "clock_is_late": factor.is_late(),
            })
        })
        .collect();
    let document =
        json!({"items": items, "next": null, "recovery_codes_left": found.codes_left, "required": found.is_required});
    Ok(Reply::json(Success::Ok, &document))
}

/// `POST /account/factors/totp`
pub(crate) async fn begin_totp(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let begun = operations::begin_totp(web, request, request.json()?).await?;
    let uri = operations::totp_uri(web, request, &begun)?;
    let document = json!({"id": begun.id.to_string(), "key": begun.seed.to_text().expose().as_str(), "uri": uri.expose().as_str()});
    Ok(Reply::json(Success::Ok, &document))
}

/// `POST /account/factors/totp/confirm`
pub(crate) async fn confirm_totp(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let added_factor = operations::confirm_totp(web, request, request.json()?).await?;
    Ok(added(web, request, &added_factor).await)
}

/// `POST /account/factors/mail`
pub(crate) async fn add_mail_codes(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let added_factor = operations::add_sent_codes(web, request, FactorKind::Mail).await?;
    Ok(added(web, request, &added_factor).await)
}

/// `POST /account/factors/sms`
pub(crate) async fn add_text_codes(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let added_factor = operations::add_sent_codes(web, request, FactorKind::Sms).await?;
    Ok(added(web, request, &added_factor).await)
}

async fn added(web: &Web, request: &Request, factor: &operations::AddedFactor) -> Reply {
    let document = json!({"status": "factor_added", "recovery_codes": factor.codes});
    with_renewed(web, request, document, &factor.renewed).await
}

/// `DELETE /account/factors/{id}`
pub(crate) async fn remove_factor(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let renewed = operations::remove_factor(web, request).await?;
    Ok(with_session(web, request, Reply::no_content(), renewed.as_ref().map(|(secret, session)| (secret, session)))
        .await)
}

/// `POST /account/recovery-codes`
pub(crate) async fn remake_codes(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let codes = operations::remake_codes(web, request).await?;
    Ok(Reply::json(Success::Ok, &json!({"recovery_codes": codes})))
}

/// `GET /account/browsers`
pub(crate) async fn browsers(web: &Web, request: &Request) -> Result<Reply, Failure> {
    request.takes_only(&[])?;
    let found = web.app.factors_of(request.caller()?).await?;
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
pub(crate) async fn end_trust(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::end_trust(web, request).await?;
    Ok(Reply::no_content())
}

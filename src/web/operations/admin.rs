//! Administrators' commands over HTTP.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::admin::answers::{Mail, Page, Registration};
use crate::admin::{self, Command};
use crate::app::Principal;
use crate::throttle::Kind;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::request::Request;

/// Executes an administrator's command in the caller's name.
pub(crate) async fn carry_out(web: &Web, request: &Request, command: Command) -> Result<Value, Failure> {
    let caller = request.caller()?;
    // Commands that only end something are exempt from the rate limit: whoever stole an administrator's session could
    // use it up first.
    let caller = if command.only_ends() { caller.clone() } else { caller.limited_by(Kind::AdminActs) };
    carry_out_as(web, caller, command).await
}

/// Executes a command in somebody's name.
pub(super) async fn carry_out_as(web: &Web, by: impl Into<Principal>, command: Command) -> Result<Value, Failure> {
    Ok(admin::execute(&web.app, command, &by.into()).await?)
}

/// Executes a command, and reads its answer.
pub(crate) async fn read_answer<T: DeserializeOwned>(
    web: &Web,
    request: &Request,
    command: Command,
) -> Result<T, Failure> {
    let answer = carry_out(web, request, command).await?;
    serde_json::from_value(answer).map_err(|error| {
        tracing::error!(%error, "an answer cannot be read back");
        Failure::Internal
    })
}

/// Shows a registration that waits for approval.
pub(crate) async fn waiting_registration(web: &Web, request: &Request, id: &str) -> Result<Registration, Failure> {
    request.caller()?;
    Ok(admin::waiting_registration(&web.app, id).await?)
}

/// Shows a mail that waits or has failed.
pub(crate) async fn queued_mail(web: &Web, request: &Request, id: &str) -> Result<Mail, Failure> {
    request.caller()?;
    Ok(admin::queued_mail(&web.app, id).await?)
}

/// Lists the registrations that wait for approval.
pub(crate) async fn waiting_registrations(
    web: &Web,
    request: &Request,
    after: Option<String>,
    limit: usize,
) -> Result<Page<Registration>, Failure> {
    request.caller()?;
    Ok(admin::waiting_registrations(&web.app, after, limit).await?)
}

//! Logging in by mail.

use crate::app::MailKey;
use crate::crypto::{Bearer, BearerKind};
use crate::sessions::Carrier;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::fields::Fields;
use crate::web::request::Request;

use super::entry::wanted_carrier;
use crate::accounts::login_outcome::Passed;
use crate::accounts::start_session::SessionRequest;

/// Queues a login mail. Returns the secret that ties the login to the asking browser, whether or not anybody is mailed.
pub(crate) async fn request_mail_login(web: &Web, request: &Request, mut fields: Fields) -> Result<Bearer, Failure> {
    let values = (fields.identity(&web.app.env().config.login.identities),);
    let (identity,) = fields.finish(values)?;
    web.app.request_mail_login(identity, request.client()).await?.ok_or(Failure::NotFound)
}

async fn log_in(web: &Web, request: &Request, key: MailKey, carrier: Carrier) -> Result<Passed, Failure> {
    let replaces = web.cookies.session(&request.headers).map(|secret| secret.digest());
    let wanted = SessionRequest { carrier, client: request.client(), replaces };
    Ok(web.app.log_in_by_mail(key, wanted).await??)
}

/// Logs in by the code of a mail.
pub(crate) async fn log_in_by_code(
    web: &Web,
    request: &Request,
    mut fields: Fields,
    may_use_bearer: bool,
) -> Result<Passed, Failure> {
    let values = (fields.code(), fields.optional("pending"), wanted_carrier(&mut fields, may_use_bearer));
    let (code, named, carrier) = fields.finish(values)?;
    // The code alone is short enough to guess: it counts only together with the secret of the browser that asked for
    // it.
    let secret = match named {
        Some(text) => Bearer::parse(BearerKind::MailLogin, &text),
        None => web.cookies.mail(&request.headers),
    };
    let key = MailKey::Code(code, secret.ok_or(Failure::LoginOver)?.digest());
    log_in(web, request, key, carrier).await
}

/// Logs in by the link of a mail.
pub(crate) async fn log_in_by_link(
    web: &Web,
    request: &Request,
    token: Option<&str>,
    mut fields: Fields,
) -> Result<Passed, Failure> {
    let may_use_bearer = token.is_none();
    let token = token.map(str::to_owned).or_else(|| fields.token());
    let values = (token, fields.flag("here"), wanted_carrier(&mut fields, may_use_bearer));
    let (token, here, carrier) = fields.finish(values)?;
    let browser = web.cookies.mail(&request.headers).map(|secret| secret.digest());
    let came = log_in(web, request, MailKey::Link { token, browser, here }, carrier).await;
    if came.as_ref().is_err_and(Failure::is_a_bad_link) {
        web.app.charge_link(request.client()).await?;
    }
    came
}

//! Second factors: logging in with one, reauthenticating, adding and removing.

use crate::accounts::factor_changes::{Added, Removed};
use crate::accounts::start_session::StartedSession;

use crate::admin::RefusalKind;
use crate::app::{BegunTotp, SecondStep};
use crate::base::{BrowserId, DisplayName, FactorId, Secret};
use crate::crypto::{Bearer, BearerKind, TypedCode, print_recovery_code};
use crate::factors::FactorKind;
use crate::sessions::Session;
use crate::texts::refusal;
use crate::web::context::Web;
use crate::web::failure::{Failure, FieldErrors};
use crate::web::fields::Fields;
use crate::web::reply::Reply;
use crate::web::request::Request;

/// The result of a second step.
pub(crate) struct Stepped {
    /// The session of the person who logged in.
    pub started: StartedSession,
    /// The secret of the browser, if it is trusted from now on.
    pub trusted: Option<Bearer>,
}

/// Returns the secret of the login that waits: named in the body by a program, or held in the browser's cookie.
fn pending(web: &Web, request: &Request, named: Option<String>) -> Result<Bearer, Failure> {
    let secret = match named {
        Some(text) => Bearer::parse(BearerKind::PendingLogin, &text),
        None => web.cookies.pending(&request.headers),
    };
    secret.ok_or(Failure::LoginOver)
}

/// Takes the second step of a login.
pub(crate) async fn take_second_step(web: &Web, request: &Request, mut fields: Fields) -> Result<Stepped, Failure> {
    let values = (fields.code(), fields.optional("pending"), fields.flag("trust_browser"));
    let (code, named, trust_browser) = fields.finish(values)?;
    let secret = pending(web, request, named)?;
    // A browser has one secret for all accounts that trust it. That it may bring its own is no session fixation: nobody
    // else can write a `__Host-` cookie (RFC 6265bis, 4.1.3.2), and the secret skips nothing but the second step, after
    // a password.
    let trusted = trust_browser.then(|| {
        let known = Bearer::parse(BearerKind::TrustedBrowser, &request.client().trust);
        known.unwrap_or_else(|| Bearer::draw(BearerKind::TrustedBrowser, &mut web.app.moment()))
    });
    let step = SecondStep {
        secret: secret.digest(),
        code,
        trust: trusted.as_ref().map(Bearer::digest),
        client: request.client(),
        replaces: web.cookies.session(&request.headers).map(|secret| secret.digest()),
    };
    let started = web.app.take_second_step(step).await??;
    let trusted = trusted.filter(|_| web.app.env().config.second_factor.trust_browsers);
    Ok(Stepped { started, trusted })
}

/// Sets the cookies of a browser that took the second step.
pub(crate) async fn hand_over_stepped(web: &Web, request: &Request, reply: Reply, stepped: &Stepped) -> Reply {
    let (secret, session) = (&stepped.started.secret, &stepped.started.session);
    if session.carrier.is_bearer() {
        return reply;
    }
    let reply = super::hand_over(web, request, reply, (secret, session)).await.with_cookie(web.cookies.clear_pending());
    match &stepped.trusted {
        Some(secret) => {
            let lifetime = web.app.env().config.second_factor.trust_browser_for.seconds();
            reply.with_cookie(web.cookies.set_trust(secret, lifetime))
        }
        None => reply,
    }
}

/// Parses the way in which a code is to be sent, if one is named.
fn wanted(by: Option<&str>) -> Result<Option<FactorKind>, Failure> {
    match by {
        None => Ok(None),
        Some("mail") => Ok(Some(FactorKind::Mail)),
        Some("sms") => Ok(Some(FactorKind::Sms)),
        Some(_) => Err(FieldErrors::of("by", "unknown").into()),
    }
}

/// Sends a code for a login that waits.
pub(crate) async fn send_step_code(web: &Web, request: &Request, mut fields: Fields) -> Result<(), Failure> {
    let values = (fields.optional("pending"), fields.optional("by"));
    let (named, by) = fields.finish(values)?;
    let kind = wanted(by.as_deref())?;
    let secret = pending(web, request, named)?;
    let is_sent = web.app.send_step_code(secret.digest(), kind, &request.client()).await?;
    if is_sent { Ok(()) } else { Err(Failure::LoginOver) }
}

/// Reauthenticates the caller.
pub(crate) async fn prove_again(
    web: &Web,
    request: &Request,
    mut fields: Fields,
) -> Result<(Bearer, Session), Failure> {
    let values = (fields.optional_password("password"), fields.optional_code());
    let (password, code) = fields.finish(values)?;
    let caller = request.caller()?;
    if caller.person.account.password.is_some() && password.is_none() {
        return Err(FieldErrors::of("password", "required").into());
    }
    Ok(web.app.prove_again(caller, password, code, request.client()).await??)
}

/// Sends a code for reauthentication.
pub(crate) async fn send_session_code(web: &Web, request: &Request, mut fields: Fields) -> Result<(), Failure> {
    let values = (fields.optional("by"),);
    let (by,) = fields.finish(values)?;
    let is_sent = web.app.send_session_code(request.caller()?, wanted(by.as_deref())?).await?;
    if is_sent { Ok(()) } else { Err(Failure::NotFound) }
}

/// Begins to set up an authenticator app.
pub(crate) async fn begin_totp(web: &Web, request: &Request, mut fields: Fields) -> Result<BegunTotp, Failure> {
    let values = (fields.display_name(),);
    let (name,) = fields.finish(values)?;
    let name = name.unwrap_or_else(|| DisplayName::parse("Authenticator").expect("a name"));
    web.app.begin_totp(request.caller()?, name).await?.ok_or_else(too_many)
}

fn too_many() -> Failure {
    Failure::Refused(RefusalKind::Conflict, refusal::too_many_factors())
}

/// A factor that was added.
pub(crate) struct AddedFactor {
    /// The recovery codes, as they are shown; only the first factor comes with them.
    pub codes: Option<Vec<String>>,
    /// The session, and the new secret under which it continues.
    pub renewed: (Bearer, Session),
}

/// Confirms an authenticator app by its first code.
pub(crate) async fn confirm_totp(web: &Web, request: &Request, mut fields: Fields) -> Result<AddedFactor, Failure> {
    let values = (fields.id("id"), fields.code());
    let (id, code): (FactorId, TypedCode) = fields.finish(values)?;
    added(web.app.confirm_totp(request.caller()?, id, code, request.client()).await?)
}

/// Adds codes by mail, or by text message, as a second factor.
pub(crate) async fn add_sent_codes(web: &Web, request: &Request, kind: FactorKind) -> Result<AddedFactor, Failure> {
    added(web.app.add_sent_codes(request.caller()?, kind, request.client()).await?)
}

fn added(added: Added) -> Result<AddedFactor, Failure> {
    match added {
        Added::Done(codes, renewed) => Ok(AddedFactor { codes: codes.map(|codes| printed(&codes)), renewed: *renewed }),
        Added::Conflict => Err(Failure::NotLoggedIn),
        Added::WrongCode => Err(Failure::WrongCode),
        Added::TooMany => Err(too_many()),
        Added::NotOffered => Err(Failure::NotFound),
    }
}

fn printed(codes: &[Secret<String>]) -> Vec<String> {
    codes.iter().map(|code| print_recovery_code(code.expose())).collect()
}

/// Replaces the recovery codes.
pub(crate) async fn remake_codes(web: &Web, request: &Request) -> Result<Vec<String>, Failure> {
    let codes = web.app.remake_codes(request.caller()?, request.client()).await?;
    codes.map(|codes| printed(&codes)).ok_or(Failure::NotFound)
}

/// Removes a factor. If it counted, the session of a browser continues under a new secret.
pub(crate) async fn remove_factor(web: &Web, request: &Request) -> Result<Option<(Bearer, Session)>, Failure> {
    let id: FactorId = request.parameter("id").parse().map_err(|_| Failure::NotFound)?;
    match web.app.remove_factor(request.caller()?, id, request.client()).await? {
        Removed::Done(renewed) => Ok(renewed.map(|renewed| *renewed)),
        Removed::Unknown => Err(Failure::NotFound),
        Removed::Required => Err(Failure::SecondFactorNeeded),
    }
}

/// Ends the trust in a browser.
pub(crate) async fn end_trust(web: &Web, request: &Request) -> Result<(), Failure> {
    let id: BrowserId = request.parameter("id").parse().map_err(|_| Failure::NotFound)?;
    let is_ended = web.app.end_trust(request.caller()?, id, request.client()).await?;
    if is_ended { Ok(()) } else { Err(Failure::NotFound) }
}

/// Returns the URI that an authenticator app reads from a QR code (Key Uri Format of Google Authenticator, which all of
/// them follow).
pub(crate) fn totp_uri(web: &Web, request: &Request, begun: &BegunTotp) -> Result<Secret<String>, Failure> {
    let person = &request.caller()?.person;
    let site = web.app.env().config.site.name.clone();
    let name = person.username.as_ref().map(|name| name.as_str().to_owned());
    let name = name.or(person.email.as_ref().map(|email| email.shown.clone())).unwrap_or_default();
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    // A colon separates issuer and account; some apps refuse one within either, even encoded.
    let plain = |text: &str| text.replace(':', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let (issuer, account) = (encode(&plain(&site)), encode(&plain(&name)));
    let key = begun.seed.to_text();
    Ok(Secret::new(format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", key.expose())))
}

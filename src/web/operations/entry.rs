//! Registering, confirming, logging in and out.

use crate::accounts::confirm::Confirmed;
use crate::accounts::login_outcome::Passed;
use crate::accounts::register::Registered;
use crate::accounts::start_session::SessionRequest;
use crate::app::{Confirmation, FirstAdministrator, NewPerson};
use crate::config::UsernameRule;
use crate::crypto::{Bearer, BearerKind};
use crate::sessions::{Carrier, Session};
use crate::web::context::Web;
use crate::web::cookies::CookieNames;
use crate::web::encoded::whole_token;
use crate::web::failure::{Failure, FieldErrors};
use crate::web::fields::Fields;
use crate::web::reply::Reply;
use crate::web::request::Request;

/// Registers a person, with or without an invitation.
pub(crate) async fn register(
    web: &Web,
    request: &Request,
    invitation: Option<&str>,
    mut fields: Fields,
) -> Result<Registered, Failure> {
    let invitation = invitation.map_or_else(|| fields.optional("invitation"), |text| Some(Some(text.to_owned())));
    let username = fields.username_by(web.app.env().config.registration.username);
    let values = (fields.email(), fields.password("password"), username, fields.display_name(), invitation);
    let (email, password, username, name, invitation) = fields.finish(values)?;
    let secret =
        invitation.map(|text| Bearer::parse(BearerKind::Invitation, whole_token(&text)).ok_or(Failure::TokenInvalid));
    let registered = match secret.transpose() {
        Err(failure) => Err(failure),
        Ok(secret) => {
            let invitation = secret.map(|secret| secret.digest());
            let language = request.viewer.language.clone().unwrap_or_else(|| web.language_of(&request.headers));
            let client = request.client();
            let new = NewPerson { email, password, username, name, invitation, client, language };
            web.app.register(new).await?.map_err(Failure::from)
        }
    };
    if registered.as_ref().is_err_and(Failure::is_a_bad_link) {
        web.app.charge_link(request.client()).await?;
    }
    registered
}

/// Creates the first administrator.
pub(crate) async fn set_up(
    web: &Web,
    request: &Request,
    token: Option<&str>,
    mut fields: Fields,
) -> Result<(), Failure> {
    let token = token.map(str::to_owned).or_else(|| fields.token());
    let values = (token, fields.email(), fields.password("password"), fields.username(), fields.display_name());
    let (token, email, password, username, name) = fields.finish(values)?;
    if username.as_ref().is_some_and(|name| web.app.env().config.login.takes_otherwise(name)) {
        return Err(FieldErrors::of("username", "reserved").into());
    }
    let language = request.viewer.language.clone().unwrap_or_else(|| web.language_of(&request.headers));
    let first = FirstAdministrator { email, password, username, name, language };
    let done = web.app.set_up(token, first, request.client()).await?;
    let done = done.map_err(Failure::from);
    if done.as_ref().is_err_and(Failure::is_a_bad_link) {
        web.app.charge_link(request.client()).await?;
    }
    done
}

/// Queues another confirmation mail; whether the address is known is not told.
pub(crate) async fn resend(web: &Web, request: &Request, mut fields: Fields) -> Result<(), Failure> {
    let values = (fields.email(),);
    let (email,) = fields.finish(values)?;
    Ok(web.app.resend_confirmation(email, request.client()).await?)
}

/// Confirms an address. Returns a session if the configuration says so.
pub(crate) async fn confirm(
    web: &Web,
    request: &Request,
    token: Option<&str>,
    mut fields: Fields,
) -> Result<Confirmed, Failure> {
    let token = token.map(str::to_owned).or_else(|| fields.token());
    // Another name is needed only if the first was taken in the meantime, so it is never required here.
    let username = match web.app.env().config.registration.username {
        UsernameRule::Off => fields.username_by(UsernameRule::Off),
        UsernameRule::Optional | UsernameRule::Required => fields.username(),
    };
    let values = (token, fields.optional_password("password"), fields.optional_password("new_password"), username);
    let (token, password, new_password, username) = fields.finish(values)?;
    let confirmation = Confirmation {
        token,
        browser: web.cookies.browser(&request.headers).map(|secret| secret.digest()),
        password,
        new_password,
        username,
        client: request.client(),
        replaces: web.cookies.session(&request.headers).map(|secret| secret.digest()),
    };
    let confirmed = web.app.confirm(confirmation).await?.map_err(Failure::from);
    // It tells that a user name is taken, so it is charged: otherwise names could be enumerated here.
    if confirmed.as_ref().is_err_and(|failure| failure.is_a_bad_link() || *failure == Failure::UsernameTaken) {
        web.app.charge_link(request.client()).await?;
    }
    confirmed
}

/// Logs in.
pub(crate) async fn log_in(
    web: &Web,
    request: &Request,
    mut fields: Fields,
    may_use_bearer: bool,
) -> Result<Passed, Failure> {
    let values = (
        fields.identity(&web.app.env().config.login.identities),
        fields.password("password"),
        wanted_carrier(&mut fields, may_use_bearer),
    );
    let (identity, password, carrier) = fields.finish(values)?;
    // The login replaces the browser's session, and always under a new secret (session fixation).
    let replaces = web.cookies.session(&request.headers).map(|secret| secret.digest());
    let wanted = SessionRequest { carrier, client: request.client(), replaces };
    Ok(web.app.log_in(identity, password, wanted).await??)
}

/// Takes the carrier of the new session. Pages never hand out tokens: only cookies are out of reach of scripts.
pub(super) fn wanted_carrier(fields: &mut Fields, may_use_bearer: bool) -> Option<Carrier> {
    let mut token = |name: &str| if may_use_bearer { fields.flag(name) } else { Some(false) };
    let (bearer, refresh) = (token("bearer"), token("refresh"));
    let remember = fields.flag("remember");
    Some(match (refresh?, bearer?, remember?) {
        (true, ..) => Carrier::RefreshedToken,
        (false, true, _) => Carrier::BearerToken,
        (false, false, true) => Carrier::KeptCookie,
        (false, false, false) => Carrier::BrowserCookie,
    })
}

/// Exchanges a refresh token for the next one.
pub(crate) async fn refresh(web: &Web, request: &Request, mut fields: Fields) -> Result<(Bearer, Session), Failure> {
    let values = (fields.text_of("refresh_token"),);
    let (text,) = fields.finish(values)?;
    let presented = Bearer::parse(BearerKind::Refresh, &text).ok_or(Failure::NotLoggedIn)?;
    web.app.refresh(presented, request.client()).await?.ok_or(Failure::NotLoggedIn)
}

/// Sets the cookies of a session, and the device cookie that shows the login later on. A program has no cookies.
pub(crate) async fn hand_over(
    web: &Web,
    request: &Request,
    reply: Reply,
    (secret, session): (&Bearer, &Session),
) -> Reply {
    if session.carrier.is_bearer() {
        return reply;
    }
    let reply = reply.with_cookie(web.cookies.set_session(secret, session));
    let reply =
        reply.with_cookies(
            web.app.env().config.access.domains.first().and_then(|domain| {
                CookieNames::set_door(&secret.door(domain.cookie.as_ref()?.as_str()), session, domain)
            }),
        );
    // The session is committed: to miss the device cookie is a small loss, to fail the login now would be a large one.
    match web.app.remember_device(&request.client(), session).await {
        Ok(device) => reply.with_cookie(web.cookies.set_device(&device)),
        Err(error) => {
            tracing::warn!(%error, "a browser could not be remembered");
            reply
        }
    }
}

/// Ends the session that the request names, if it names one. It needs no live session, so a second click succeeds too.
pub(crate) async fn log_out(web: &Web, request: &Request) -> Result<(), Failure> {
    match web.session_secret(&request.headers) {
        Some(secret) => Ok(web.app.log_out(secret.digest(), request.client()).await?),
        None => Ok(()),
    }
}

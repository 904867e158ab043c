//! Passwords, addresses, sessions, and the end of an account.

use crate::accounts::forgot::Usable;
use crate::accounts::start_session::StartedSession;

use crate::accounts::change_address::AddressChange;
use crate::accounts::change_refused::ChangeRefused;
use crate::accounts::usernames::Chosen;
use crate::admin::RefusalKind;
use crate::app::Caller;
use crate::base::SessionId;
use crate::config::UsernameRule;
use crate::crypto::{Bearer, Password};
use crate::sessions::Session;
use crate::texts::refusal;
use crate::web::context::Web;
use crate::web::failure::{Failure, FieldErrors};
use crate::web::fields::Fields;
use crate::web::request::Request;

/// Queues a reset link; whether the address has an account is not told.
pub(crate) async fn forgot(web: &Web, request: &Request, mut fields: Fields) -> Result<(), Failure> {
    let values = (fields.email(),);
    let (email,) = fields.finish(values)?;
    Ok(web.app.forgot(email, request.client()).await?)
}

/// Checks a reset token, without using it up.
pub(crate) async fn check_reset(web: &Web, request: &Request, mut fields: Fields) -> Result<Usable, Failure> {
    let values = (fields.token(),);
    let (token,) = fields.finish(values)?;
    let checked = web.app.check_reset(&token, &request.client()).await?.map_err(Failure::from);
    // Charged to the rate limit of the network: tokens cannot be guessed by asking often.
    if checked.as_ref().is_err_and(Failure::is_a_bad_link) {
        web.app.charge_link(request.client()).await?;
    }
    checked
}

/// Sets a new password by a reset token. Returns a session if the configuration says so.
pub(crate) async fn reset(
    web: &Web,
    request: &Request,
    token: Option<&str>,
    mut fields: Fields,
) -> Result<Option<StartedSession>, Failure> {
    let token = token.map(str::to_owned).or_else(|| fields.token());
    let values = (token, fields.password("password"));
    let (token, password) = fields.finish(values)?;
    // A session that this browser still has is replaced: it must not stay open beside the new one.
    let replaces = web.cookies.session(&request.headers).map(|secret| secret.digest());
    let reset = web.app.reset(token, password, request.client(), replaces).await?.map_err(Failure::from);
    if reset.as_ref().is_err_and(Failure::is_a_bad_link) {
        web.app.charge_link(request.client()).await?;
    }
    reset
}

/// Takes the current password; for an account that has none it may be left out.
#[allow(clippy::option_option, reason = "wrong, absent and present are three things")]
fn present_password(fields: &mut Fields, caller: &Caller) -> Option<Option<Password>> {
    match caller.person.account.password {
        Some(_) => fields.password("current_password").map(Some),
        None => fields.optional_password("current_password"),
    }
}

/// Changes the password; the session continues under a new secret.
pub(crate) async fn change_password(
    web: &Web,
    request: &Request,
    mut fields: Fields,
) -> Result<(Bearer, Session), Failure> {
    let caller = request.caller()?;
    let values = (present_password(&mut fields, caller), fields.password("new_password"));
    let (current, new) = fields.finish(values)?;
    match web.app.change_password(caller, current, new, request.client()).await? {
        Err(ChangeRefused::NotFresh) => Err(web.proof_wanted(caller).await?),
        changed => Ok(changed?),
    }
}

/// Changes the user name.
pub(crate) async fn change_username(web: &Web, request: &Request, mut fields: Fields) -> Result<(), Failure> {
    if web.app.env().config.registration.username == UsernameRule::Off {
        return Err(Failure::NotFound);
    }
    let values = (fields.wanted_username(),);
    let (username,) = fields.finish(values)?;
    match web.app.choose_username(request.caller()?, username, request.client()).await? {
        Chosen::Done => Ok(()),
        Chosen::Taken => Err(Failure::UsernameTaken),
        Chosen::TooMany => Err(Failure::Refused(RefusalKind::Conflict, refusal::too_many_usernames())),
        Chosen::Reserved => Err(FieldErrors::of("username", "reserved").into()),
        Chosen::Unchanged => Err(FieldErrors::of("username", "unchanged").into()),
    }
}

/// Queues a mail with a forgotten user name; whether the address has an account is not told.
pub(crate) async fn recover_username(web: &Web, request: &Request, mut fields: Fields) -> Result<(), Failure> {
    let values = (fields.email(),);
    let (email,) = fields.finish(values)?;
    Ok(web.app.recover_username(email, request.client()).await?)
}

/// Requests a change of address; it happens once the new address is confirmed.
pub(crate) async fn change_email(web: &Web, request: &Request, mut fields: Fields) -> Result<AddressChange, Failure> {
    let caller = request.caller()?;
    let values = (fields.email(), present_password(&mut fields, caller));
    let (email, current) = fields.finish(values)?;
    match web.app.change_address(caller, current, email, request.client()).await? {
        Err(ChangeRefused::NotFresh) => Err(web.proof_wanted(caller).await?),
        changed => Ok(changed?),
    }
}

/// Deletes the account.
pub(crate) async fn delete_account(web: &Web, request: &Request, mut fields: Fields) -> Result<(), Failure> {
    let caller = request.caller()?;
    let values = (present_password(&mut fields, caller),);
    let (current,) = fields.finish(values)?;
    match web.app.close_account(caller, current, request.client()).await? {
        Err(ChangeRefused::NotFresh) => Err(web.proof_wanted(caller).await?),
        closed => Ok(closed?),
    }
}

/// Ends one of the caller's sessions.
pub(crate) async fn end_session(web: &Web, request: &Request) -> Result<(), Failure> {
    let id: SessionId = request.parameter("id").parse().map_err(|_| Failure::NotFound)?;
    let ended = web.app.end_session(request.caller()?, id, request.client()).await?;
    if ended { Ok(()) } else { Err(Failure::NotFound) }
}

//! The pages of second factors: the second step of a login, reauthentication, and the account's own.

use crate::factors::{FactorKind, ProofOption};
use crate::sessions::{agent_in_words, agent_text};
use crate::templates::{Value, context};
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::fields::Fields;
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::{operations, qr};

use super::account;
use super::account::gone;
use super::doors::go_back;
use super::form::Form;
use super::page::{SECOND_FACTOR as OVERVIEW, notice, render, with_return};
use super::recovery_file::RecoveryFile;

pub(super) fn wanted(web: &Web, request: &Request, fields: Option<&Fields>) -> String {
    let typed = fields.and_then(|fields| fields.typed(&["return_to"]).remove("return_to"));
    web.return_target(typed.as_deref().or_else(|| request.query("return_to")))
}

/// Returns the form of the second step, if a login waits for one.
async fn step_form<'a>(web: &Web, request: &Request, return_to: &str) -> Result<Option<Form<'a>>, Failure> {
    let Some(secret) = web.cookies.pending(&request.headers) else { return Ok(None) };
    let Some(waiting) = web.app.waiting_login(secret.digest()).await? else { return Ok(None) };
    let settings = &web.app.env().config.second_factor;
    let trust = web.voice(&request.viewer).length("trust", settings.trust_browser_for.seconds());
    let trust = if settings.trust_browsers { trust } else { String::new() };
    let has = |option| waiting.options.contains(&option);
    let values = context! { return_to, trust, has_totp => has(ProofOption::Factor(FactorKind::Totp)), has_mail => has(ProofOption::Factor(FactorKind::Mail)), has_sms => has(ProofOption::Factor(FactorKind::Sms)), by_recovery => by_recovery(request), recovery_path => recovery_path("/login/second-factor", return_to), digits_path => with_return("/login/second-factor", return_to), notice => notice(web, request) };
    Ok(Some(Form::new("login-second-factor.html", values)))
}

/// Whether somebody asked to type a recovery code: it has letters, for which a telephone shows another keyboard.
fn by_recovery(request: &Request) -> bool {
    request.query("with") == Some("recovery-code")
}

/// Returns the address of the same page for a recovery code.
fn recovery_path(page: &str, return_to: &str) -> String {
    let path = with_return(page, return_to);
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}with=recovery-code")
}

/// `GET /login/second-factor`
pub(crate) async fn step(web: &Web, request: &Request) -> Result<Reply, Failure> {
    match step_form(web, request, &wanted(web, request, None)).await? {
        Some(form) => Ok(form.show(web, request)),
        None => Ok(Reply::see_other("/login?notice=login-over")),
    }
}

/// `POST /login/second-factor`
pub(crate) async fn take_second_step(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let return_to = wanted(web, request, Some(&fields));
    match operations::take_second_step(web, request, fields).await {
        Ok(stepped) => {
            let reply = Reply::see_other(&web.way_back(&return_to));
            Ok(operations::hand_over_stepped(web, request, reply, &stepped).await)
        }
        Err(Failure::LoginOver) => Ok(Reply::see_other("/login?notice=login-over")),
        Err(failure) => match step_form(web, request, &return_to).await? {
            Some(form) => form.again(web, request, &failure),
            None => Ok(Reply::see_other("/login?notice=login-over")),
        },
    }
}

/// `POST /login/second-factor/send`
pub(crate) async fn send_step_code(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = form_or_nothing(request)?;
    let return_to = wanted(web, request, Some(&fields));
    match operations::send_step_code(web, request, fields).await {
        Ok(()) => {
            let path = with_return("/login/second-factor", &return_to);
            let sign = if path.contains('?') { '&' } else { '?' };
            Ok(Reply::see_other(&format!("{path}{sign}notice=code-mailed")))
        }
        Err(Failure::LoginOver) => Ok(Reply::see_other("/login?notice=login-over")),
        Err(failure) => Err(failure),
    }
}

pub(super) fn form_or_nothing(request: &Request) -> Result<Fields, Failure> {
    if request.body.is_empty() { Fields::from_form(b"") } else { request.form() }
}

async fn proof_form<'a>(web: &Web, request: &Request, return_to: &str) -> Result<Form<'a>, Failure> {
    let caller = request.caller()?;
    let options = web.app.proof_options(caller).await?;
    let values = context! {
        return_to,
        asks_second_factor => web.asks_second_factor(return_to),
        has_password => caller.person.account.password.is_some(),
        asks_code => !options.is_empty(),
        has_mail => options.contains(&ProofOption::Factor(FactorKind::Mail)),
        has_sms => options.contains(&ProofOption::Factor(FactorKind::Sms)),
        by_recovery => by_recovery(request),
        recovery_path => recovery_path("/account/verify", return_to),
        notice => notice(web, request),
        ..account::values(web, request)?
    };
    Ok(Form::new("verify.html", values))
}

/// `GET /account/verify`
pub(crate) async fn proof(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let (return_to, caller) = (wanted(web, request, None), request.caller()?);
    if web.asks_second_factor(&return_to) {
        if caller.session.has_second_factor() && !caller.lacks_second_factor {
            return go_back(web, request, &return_to).await;
        }
        if !caller.has_second_factor {
            return Ok(Reply::see_other(&(with_return(OVERVIEW, &return_to) + "&notice=factor-wanted")));
        }
    } else if caller.lacks_second_factor && !return_to.is_empty() {
        return Ok(Reply::see_other(&with_return(OVERVIEW, &return_to)));
    }
    Ok(proof_form(web, request, &return_to).await?.show(web, request))
}

/// `POST /account/verify`
pub(crate) async fn prove_again(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let return_to = wanted(web, request, Some(&fields));
    match operations::prove_again(web, request, fields).await {
        Ok((secret, session)) => {
            let reply = Reply::see_other(&web.way_back(&return_to));
            Ok(operations::hand_over(web, request, reply, (&secret, &session)).await)
        }
        Err(failure) => proof_form(web, request, &return_to).await?.again(web, request, &failure),
    }
}

/// `POST /account/verify/send`
pub(crate) async fn send_session_code(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = form_or_nothing(request)?;
    let return_to = wanted(web, request, Some(&fields));
    operations::send_session_code(web, request, fields).await?;
    let path = with_return("/account/verify", &return_to);
    let sign = if path.contains('?') { '&' } else { '?' };
    Ok(Reply::see_other(&format!("{path}{sign}notice=code-mailed")))
}

/// `GET /account/second-factor`
pub(crate) async fn overview(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let found = web.app.factors_of(request.caller()?).await?;
    let (voice, now) = (web.voice(&request.viewer), web.app.now());
    let factors: Vec<Value> = found
        .factors
        .iter()
        .map(|(id, factor)| {
            context! {
                id => id.to_string(), name => factor.name.as_str(), kind => factor.kind().as_str(), is_late => factor.is_late(),
                since => voice.time(factor.created_at),
                used => factor.used_at.map(|at| voice.ago(at, now)).unwrap_or_default(),
            }
        })
        .collect();
    let trusted: Vec<Value> = found
        .trusted
        .iter()
        .map(|(id, browser)| {
            context! {
                id => id.to_string(), agent => voice.say(&agent_text(&agent_in_words(&browser.agent))), network => browser.network.as_str(),
                since => voice.time(browser.created_at), until => voice.time(browser.expires_at),
            }
        })
        .collect();
    let values = context! {
        factors, trusted,
        codes_left => found.codes_left,
        must_set_up => request.caller()?.lacks_second_factor,
        go_on => web.return_target(request.query("return_to")),
        offers_mail => found.offered.contains(&FactorKind::Mail),
        offers_sms => found.offered.contains(&FactorKind::Sms),
        notice => notice(web, request),
        ..account::values(web, request)?
    };
    Ok(Reply::page(render(web, &request.viewer, "account-second-factor.html", values)))
}

async fn totp_form<'a>(web: &Web, request: &Request) -> Result<Option<Form<'a>>, Failure> {
    let Some(begun) = web.app.begun_totp(request.caller()?).await? else { return Ok(None) };
    let uri = operations::totp_uri(web, request, &begun)?;
    let drawn = qr::svg(uri.expose()).unwrap_or_default();
    let key = begun.seed.to_text();
    let groups: Vec<&str> = key.expose().as_bytes().chunks(4).filter_map(|group| str::from_utf8(group).ok()).collect();
    let values = context! {
        id => begun.id.to_string(), qr => Value::from_safe_string(drawn), key => groups.join(" "),
        uri => uri.expose().as_str(), ..account::values(web, request)?
    };
    Ok(Some(Form::new("account-totp.html", values)))
}

/// `POST /account/second-factor/totp`
pub(crate) async fn begin_totp(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::begin_totp(web, request, form_or_nothing(request)?).await?;
    Ok(Reply::see_other("/account/second-factor/totp"))
}

/// `GET /account/second-factor/totp`
pub(crate) async fn totp(web: &Web, request: &Request) -> Result<Reply, Failure> {
    match totp_form(web, request).await? {
        Some(form) => Ok(form.show(web, request)),
        None => Ok(Reply::see_other(OVERVIEW)),
    }
}

/// `POST /account/second-factor/totp/confirm`
pub(crate) async fn confirm_totp(web: &Web, request: &Request) -> Result<Reply, Failure> {
    match operations::confirm_totp(web, request, request.form()?).await {
        Ok(factor) => added(web, request, factor).await,
        Err(failure) => match totp_form(web, request).await? {
            Some(form) => form.again(web, request, &failure),
            None if failure == Failure::WrongCode => Ok(Reply::see_other(OVERVIEW)),
            None => Err(failure),
        },
    }
}

/// `POST /account/second-factor/mail`
pub(crate) async fn add_mail_codes(web: &Web, request: &Request) -> Result<Reply, Failure> {
    added(web, request, operations::add_sent_codes(web, request, FactorKind::Mail).await?).await
}

/// `POST /account/second-factor/sms`
pub(crate) async fn add_text_codes(web: &Web, request: &Request) -> Result<Reply, Failure> {
    added(web, request, operations::add_sent_codes(web, request, FactorKind::Sms).await?).await
}

async fn added(web: &Web, request: &Request, factor: operations::AddedFactor) -> Result<Reply, Failure> {
    let reply = match factor.codes {
        Some(codes) => show_codes(web, request, codes)?,
        None => Reply::see_other("/account/second-factor?notice=factor-added"),
    };
    Ok(operations::hand_over(web, request, reply, (&factor.renewed.0, &factor.renewed.1)).await)
}

/// Shows recovery codes, for the only time.
fn show_codes(web: &Web, request: &Request, codes: Vec<String>) -> Result<Reply, Failure> {
    let made_at = web.voice(&request.viewer).time(web.app.now());
    let file = RecoveryFile { site: &web.app.env().config.site, person: &request.caller()?.person, made_at: &made_at };
    let values = context! {
        download => file.link(&codes), file_name => file.name(), made_at, codes, ..account::values(web, request)?
    };
    Ok(Reply::page(render(web, &request.viewer, "account-recovery-codes.html", values)))
}

/// `POST /account/second-factor/recovery-codes`
pub(crate) async fn remake_codes(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let codes = operations::remake_codes(web, request).await?;
    show_codes(web, request, codes)
}

/// `POST /account/second-factor/{id}/remove`
pub(crate) async fn remove_factor(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let renewed = match operations::remove_factor(web, request).await {
        Err(Failure::NotFound) => None,
        removed => removed?,
    };
    let reply = Reply::see_other("/account/second-factor?notice=factor-removed");
    Ok(match renewed {
        Some((secret, session)) => operations::hand_over(web, request, reply, (&secret, &session)).await,
        None => reply,
    })
}

/// `POST /account/second-factor/browsers/{id}/end`
pub(crate) async fn end_trust(web: &Web, request: &Request) -> Result<Reply, Failure> {
    gone(operations::end_trust(web, request).await)?;
    Ok(Reply::see_other("/account/second-factor?notice=trust-ended"))
}

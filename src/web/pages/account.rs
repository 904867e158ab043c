//! The pages of an account.

use crate::sessions::{agent_in_words, agent_text};
use crate::templates::{Value, context};
use crate::texts::{TextValue, page};
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations;
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::form::Form;
use super::page::{notice, render};
use crate::accounts::change_address::AddressChange;
use crate::admin::RefusalKind;

/// Returns the values that every page of the account shows.
pub(super) fn values(web: &Web, request: &Request) -> Result<Value, Failure> {
    let voice = web.voice(&request.viewer);
    let person = &request.caller()?.person;
    let address = person.email.as_ref().map(|email| email.shown.as_str()).unwrap_or_default();
    let username = person.username.as_ref().map(|name| name.as_str()).unwrap_or_default();
    let name = person.account.name.as_ref().map(|name| name.as_str()).unwrap_or_default();
    let groups: Vec<String> = person.account.groups.iter().map(ToString::to_string).collect();
    let new_address = person.account.new_address.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok(context! {
        address, username, name, groups, new_address,
        phone => person.phone.as_ref().map(|phone| phone.as_str()).unwrap_or_default(),
        account_name => if username.is_empty() { address } else { username },
        since => voice.time(person.account.created_at),
        password_since => voice.time(person.account.password_changed_at),
        has_password => person.account.password.is_some(),
        has_second_factor => request.caller()?.has_second_factor,
        is_logged_in => true,
    })
}

/// `GET /account`
pub(crate) async fn account(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let sessions = web.app.sessions_of(request.caller()?).await?.len();
    let logins = web.app.logins_of(request.caller()?).await?;
    let account = &request.caller()?.person.account;
    let administers = account.is_administrator() || account.is_helper();
    let last_login = logins.last.map(|last| {
        let text = page::last_login(TextValue::Time(last.at), agent_text(&last.device), last.network);
        web.voice(&request.viewer).say(&text)
    });
    let page = render(
        web,
        &request.viewer,
        "account.html",
        context! { sessions, last_login, administers, notice => notice(web, request), ..values(web, request)? },
    );
    Ok(Reply::page(page))
}

/// `GET /.well-known/change-password`: where password managers look (W3C, A Well-Known URL for Changing Passwords).
pub(crate) fn change_password_place(_: &Web, _: &Request) -> Result<Reply, Failure> {
    Ok(Reply::see_other("/account/password"))
}

/// `GET /account/password`
pub(crate) async fn password_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(Form::new("account-password.html", values(web, request)?).show(web, request))
}

/// `POST /account/password`
pub(crate) async fn change_password(web: &Web, request: &Request) -> Result<Reply, Failure> {
    match operations::change_password(web, request, request.form()?).await {
        Ok((secret, session)) => {
            let reply = Reply::see_other("/account?notice=password-changed");
            Ok(operations::hand_over(web, request, reply, (&secret, &session)).await)
        }
        Err(failure) => Form::new("account-password.html", values(web, request)?).again(web, request, &failure),
    }
}

/// `GET /account/username`
pub(crate) async fn username_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(Form::new("account-username.html", values(web, request)?).show(web, request))
}

/// `POST /account/username`
pub(crate) async fn change_username(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let form = Form { typed: fields.typed(&["username"]), ..Form::new("account-username.html", values(web, request)?) };
    match operations::change_username(web, request, fields).await {
        Ok(()) => Ok(Reply::see_other("/account?notice=username-changed")),
        Err(failure) => form.again(web, request, &failure),
    }
}

/// `GET /account/email`
pub(crate) async fn email_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(Form::new("account-email.html", values(web, request)?).show(web, request))
}

/// `POST /account/email`
pub(crate) async fn change_email(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let form = Form { typed: fields.typed(&["email"]), ..Form::new("account-email.html", values(web, request)?) };
    match operations::change_email(web, request, fields).await {
        Ok(AddressChange::Asked) => Ok(Reply::see_other("/account?notice=address-asked")),
        Ok(AddressChange::Respelled) => Ok(Reply::see_other("/account?notice=address-respelled")),
        Err(failure @ Failure::ReauthenticationRequired(_)) => Err(failure),
        Err(failure) => form.again(web, request, &failure),
    }
}

/// `GET /account/sessions`
pub(crate) async fn sessions(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let caller = request.caller()?;
    let (voice, now) = (web.voice(&request.viewer), web.app.now());
    let sessions: Vec<Value> = web
        .app
        .sessions_of(caller)
        .await?
        .iter()
        .map(|session| {
            context! {
                id => session.id.to_string(),
                is_current => session.id == caller.session.id,
                agent => voice.say(&agent_text(&agent_in_words(&session.agent))),
                network => session.network.as_str(),
                since => voice.time(session.created_at),
                seen => voice.ago(session.seen_at, now),
                until => voice.time(session.ends_at),
            }
        })
        .collect();
    let page = render(
        web,
        &request.viewer,
        "account-sessions.html",
        context! { sessions, notice => notice(web, request), ..values(web, request)? },
    );
    Ok(Reply::page(page))
}

/// `POST /account/sessions/{id}/end`
pub(crate) async fn end_session(web: &Web, request: &Request) -> Result<Reply, Failure> {
    gone(operations::end_session(web, request).await)?;
    Ok(Reply::see_other("/account/sessions?notice=session-ended"))
}

/// Takes "not found" for success: the first of two clicks has ended it.
pub(super) fn gone(ended: Result<(), Failure>) -> Result<(), Failure> {
    match ended {
        Err(Failure::NotFound | Failure::Refused(RefusalKind::Unknown, _)) => Ok(()),
        ended => ended,
    }
}

/// `POST /account/sessions/end-others`
pub(crate) async fn end_other_sessions(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let renewed = web.app.end_other_sessions(request.caller()?, request.client()).await?;
    let reply = Reply::see_other("/account/sessions?notice=session-ended");
    Ok(match renewed {
        Some((secret, session)) => operations::hand_over(web, request, reply, (&secret, &session)).await,
        None => reply,
    })
}

/// `GET /account/delete`
pub(crate) async fn delete_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(Form::new("account-delete.html", values(web, request)?).show(web, request))
}

/// `POST /account/delete`
pub(crate) async fn delete_account(web: &Web, request: &Request) -> Result<Reply, Failure> {
    match operations::delete_account(web, request, request.form()?).await {
        Ok(()) => Ok(web.without_session(Reply::see_other("/login?notice=account-deleted")).with_data_cleared()),
        Err(failure) => Form::new("account-delete.html", values(web, request)?).again(web, request, &failure),
    }
}

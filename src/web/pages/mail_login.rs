//! The pages to log in by mail.

use crate::templates::context;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations;
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::entry::{go_on, names};
use super::factors::{form_or_nothing, wanted};
use super::form::Form;
use super::front_end::{flatten, lead_on};
use super::page::with_return;

const CODE: &str = "/login/mail/code";

fn require_offered(web: &Web) -> Result<(), Failure> {
    if web.app.env().config.login.by_mail { Ok(()) } else { Err(Failure::NotFound) }
}

/// `GET /login/mail`
pub(crate) async fn mail_login_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    require_offered(web)?;
    Ok(Form::new("login-mail.html", context! { return_to => wanted(web, request, None), ..names(web, request) })
        .show(web, request))
}

/// `POST /login/mail`
pub(crate) async fn request_mail_login(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let return_to = wanted(web, request, Some(&fields));
    let values = context! { return_to => return_to.as_str(), ..names(web, request) };
    let form = Form { typed: fields.typed(&["identity"]), ..Form::new("login-mail.html", values) };
    match operations::request_mail_login(web, request, fields).await {
        Ok(secret) => Ok(Reply::see_other(&with_return(CODE, &return_to)).with_cookie(web.cookies.set_mail(&secret))),
        Err(failure) => form.again(web, request, &failure),
    }
}

fn digits<'a>(return_to: &str) -> Form<'a> {
    Form::new("login-mail-code.html", context! { return_to })
}

/// `GET /login/mail/code`
pub(crate) async fn code_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    require_offered(web)?;
    Ok(digits(&wanted(web, request, None)).show(web, request))
}

/// `POST /login/mail/code`
pub(crate) async fn log_in_by_code(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let return_to = wanted(web, request, Some(&fields));
    match operations::log_in_by_code(web, request, fields, false).await {
        Ok(passed) => Ok(go_on(web, request, &passed, &return_to).await),
        Err(Failure::LoginOver) => Ok(Reply::see_other("/login?notice=login-over")),
        Err(failure) => digits(&return_to).again(web, request, &failure),
    }
}

/// `GET /login/mail/{token}`: checks the link and shows a button. Mail scanners that open links log nobody in.
pub(crate) async fn link_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    require_offered(web)?;
    let token = request.parameter("token");
    let checked = flatten(web.app.check_mail_login(token, &request.client()).await);
    if let Some(onward) = lead_on(web, "/login/mail", token, checked.as_ref().err()) {
        return Ok(onward);
    }
    let usable = checked?;
    let asked = web.cookies.mail(&request.headers).map(|secret| crate::factors::CodePurpose::login(secret.digest()));
    // Somebody may have been sent a link that another person asked for: the page says so before they log in.
    let is_elsewhere = asked != Some(usable.context);
    let address = usable.person.email.as_ref().map(|email| email.shown.as_str()).unwrap_or_default();
    Ok(Form::new("login-mail-link.html", context! { token, is_elsewhere, address }).show(web, request))
}

/// `POST /login/mail/{token}`
pub(crate) async fn log_in_by_link(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let passed =
        operations::log_in_by_link(web, request, Some(request.parameter("token")), form_or_nothing(request)?).await?;
    Ok(go_on(web, request, &passed, "").await)
}

//! The pages of "this was not me", and of undoing a change of address.

use crate::templates::context;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations;
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::factors::form_or_nothing;
use super::form::Form;
use super::front_end::{flatten, lead_on};

/// Checks the link and shows a button: mail scanners that open links end nothing.
async fn form(web: &Web, request: &Request, page: &str) -> Result<Reply, Failure> {
    let token = request.parameter("token");
    let checked = flatten(web.app.check_taking_back(token, &request.client()).await);
    if let Some(onward) = lead_on(web, page, token, checked.as_ref().err()) {
        return Ok(onward);
    }
    let address = checked?.address.map(|address| address.masked()).unwrap_or_default();
    Ok(Form::new("take-back.html", context! { action => format!("{page}/{token}"), address }).show(web, request))
}

/// `GET /not-me/{token}`
pub(crate) async fn not_me_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    form(web, request, "/not-me").await
}

/// `GET /email/undo/{token}`
pub(crate) async fn undo_form(web: &Web, request: &Request) -> Result<Reply, Failure> {
    form(web, request, "/email/undo").await
}

/// `POST /not-me/{token}`, `POST /email/undo/{token}`
pub(crate) async fn take_back(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::take_back(web, request, Some(request.parameter("token")), form_or_nothing(request)?).await?;
    Ok(web.without_session(Reply::see_other("/login?notice=taken-back")))
}

//! Which registrations to approve.

use crate::admin::answers::{Page, Registration};
use crate::admin::{Command, RefusalKind};
use crate::templates::context;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations::{carry_out, waiting_registration, waiting_registrations};
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::shell::{ROWS, given, present, readable, show, with_query};

/// Where the page is.
const PLACE: &str = "/admin/approvals";

/// `GET /admin/approvals`
pub(crate) async fn approvals(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let after = given(request, "after").map(str::to_owned);
    let Page { items, next } = waiting_registrations(web, request, after, ROWS).await?;
    let more = next.map(|next| with_query(PLACE, &[("after", Some(&next))])).unwrap_or_default();
    show(web, request, "admin-approvals.html", context! { waiting => present(web, request, &items), more })
}

/// `GET /admin/approvals/{id}/decline`
pub(crate) async fn ask_decline(web: &Web, request: &Request) -> Result<Reply, Failure> {
    // Looked up, and not taken from the address of this page: the question is about whom the answer is about.
    let Registration { id, email, .. } = waiting_registration(web, request, request.parameter("id")).await?;
    let values = context! { act => "decline", subject => readable(&email), id };
    show(web, request, "admin-sure.html", values)
}

/// `POST /admin/approvals/{id}/approve`
pub(crate) async fn approve(web: &Web, request: &Request) -> Result<Reply, Failure> {
    decide(web, request, true).await
}

/// `POST /admin/approvals/{id}/decline`
pub(crate) async fn decline(web: &Web, request: &Request) -> Result<Reply, Failure> {
    decide(web, request, false).await
}

async fn decide(web: &Web, request: &Request, approve: bool) -> Result<Reply, Failure> {
    let (id, mut fields) = (request.parameter("id").to_owned(), request.form()?);
    let values = (fields.optional("note"),);
    let (note,) = fields.finish(values)?;
    match carry_out(web, request, Command::ApprovalDecide { id, approve, note }).await {
        Ok(_) => {
            Ok(Reply::see_other(&format!("/admin/approvals?notice={}", if approve { "approved" } else { "declined" })))
        }
        // A second click, or another administrator was quicker.
        Err(Failure::Refused(RefusalKind::Unknown, _)) => {
            Ok(Reply::see_other("/admin/approvals?notice=decided-already"))
        }
        Err(failure) => Err(failure),
    }
}

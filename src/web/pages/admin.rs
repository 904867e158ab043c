//! The administrators' page: which registrations to approve.

use crate::admin::answers::{Page, Registration};
use crate::admin::{Command, RefusalKind};
use crate::templates::context;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations::{carry_out, waiting_registrations};
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::page::{notice, render};

/// Rows of a page.
const ROWS: usize = 50;

/// `GET /admin/approvals`
pub(crate) async fn approvals(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let after = request.query("after").map(str::to_owned);
    let Page { items, next } = waiting_registrations(web, request, after, ROWS).await?;
    let voice = web.voice(&request.viewer);
    let row = |one: Registration| {
        context! {
            id => one.id, email => one.email, username => one.username.unwrap_or_default(),
            name => one.name.unwrap_or_default(), created_at => voice.time(one.created_at),
            confirmed_at => one.confirmed_at.map(|at| voice.time(at)).unwrap_or_default(),
        }
    };
    let (waiting, next): (Vec<_>, _) = (items.into_iter().map(row).collect(), next.unwrap_or_default());
    Ok(Reply::page(render(
        web,
        &request.viewer,
        "admin-approvals.html",
        context! { waiting, next, notice => notice(web, request) },
    )))
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
    let id = request.parameter("id").to_owned();
    match carry_out(web, request, Command::ApprovalDecide { id, approve }).await {
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

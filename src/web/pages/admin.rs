//! The administrators' page: which registrations to approve.

use serde_json::Value;

use crate::admin::{Command, RefusalKind, command};
use crate::templates::context;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations::carry_out;
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::page::{notice, render};

/// Rows of a page.
const ROWS: usize = 50;

/// `GET /admin/approvals`
pub async fn approvals(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let after = request.query("after").map(str::to_owned);
    let found = carry_out(web, request, Command::ApprovalList(command::Page { after, limit: ROWS })).await?;
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let row = |item: &Value| {
        context! {
            id => text(item, "id"), email => text(item, "email"), username => text(item, "username"),
            name => text(item, "name"), created_at => text(item, "created_at"), confirmed_at => text(item, "confirmed_at"),
        }
    };
    let waiting: Vec<_> = found["items"].as_array().into_iter().flatten().map(row).collect();
    let next = found["next"].as_str().unwrap_or_default();
    Ok(Reply::page(render(web, "admin-approvals.html", context! { waiting, next, notice => notice(request) })))
}

/// `POST /admin/approvals/{id}/approve`
pub async fn approve(web: &Web, request: &Request) -> Result<Reply, Failure> {
    decide(web, request, true).await
}

/// `POST /admin/approvals/{id}/decline`
pub async fn decline(web: &Web, request: &Request) -> Result<Reply, Failure> {
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

//! Groups, and what their members may do.

use crate::admin::Command;
use crate::admin::answers::{Group, Page};
use crate::base::GroupName;
use crate::templates::{Value, context};
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations::{carry_out, read_answer};
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::shell::{again, is_told_on_page, present, show, then};

/// The template.
const PAGE: &str = "admin-groups.html";
/// Where the page is, after something was changed.
const CHANGED: &str = "/admin/groups?notice=changed";

async fn values(web: &Web, request: &Request) -> Result<Value, Failure> {
    let Page { items, .. } = read_answer::<Page<Group>>(web, request, Command::GroupList).await?;
    Ok(context! { groups => present(web, request, &items) })
}

/// `GET /admin/groups`
pub(crate) async fn groups(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, PAGE, values(web, request).await?)
}

/// `POST /admin/groups/permit`
pub(crate) async fn permit(web: &Web, request: &Request) -> Result<Reply, Failure> {
    change(web, request, true).await
}

/// `POST /admin/groups/forbid`
pub(crate) async fn forbid(web: &Web, request: &Request) -> Result<Reply, Failure> {
    change(web, request, false).await
}

async fn change(web: &Web, request: &Request, given: bool) -> Result<Reply, Failure> {
    let mut fields = request.form()?;
    let wanted = (fields.text_of("group"), fields.text_of("permission"));
    let changed = match fields.finish(wanted) {
        Ok((group, permission)) => carry_out(web, request, Command::GroupPermit { group, permission, given }).await,
        Err(failure) => Err(failure),
    };
    match changed {
        Ok(_) => Ok(Reply::see_other(CHANGED)),
        Err(failure) if is_told_on_page(&failure) => again(web, request, &failure, (PAGE, values(web, request).await?)),
        Err(failure) => Err(failure),
    }
}

/// `GET /admin/groups/{group}/disband`
pub(crate) async fn ask_disband(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let group = GroupName::parse(request.parameter("group")).map_err(|_| Failure::NotFound)?;
    let values = context! { act => "disband", subject => group.as_str(), id => group.as_str() };
    show(web, request, "admin-sure.html", values)
}

/// `POST /admin/groups/{group}/disband`
pub(crate) async fn disband(web: &Web, request: &Request) -> Result<Reply, Failure> {
    then(web, request, Command::GroupDisband { group: request.parameter("group").to_owned() }, CHANGED).await
}

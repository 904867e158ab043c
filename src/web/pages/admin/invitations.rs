//! Invitations: by mail to one or many, or by a link.

use crate::admin::answers::{Invitation, Page};
use crate::admin::{Command, command};
use crate::templates::{Value, context};
use crate::web::context::Web;
use crate::web::failure::{Failure, FieldError, FieldErrors};
use crate::web::operations::{carry_out, read_answer};
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::shell::{ROWS, again, echo, given, is_told_on_page, present, show, then, with_query};

/// The template.
const PAGE: &str = "admin-invitations.html";
/// The most addresses that are invited at once.
const MAX_ADDRESSES: usize = 50;

/// What came of one invitation.
#[derive(serde::Serialize)]
struct Outcome {
    /// The address that it is mailed to, as it was typed; none for a link.
    to: Option<String>,
    /// The link, if it is not mailed.
    link: Option<String>,
    /// Why there is none.
    problem: Option<String>,
}

async fn values(web: &Web, request: &Request, outcomes: &[Outcome]) -> Result<Value, Failure> {
    let after = given(request, "after").map(str::to_owned);
    let wanted = Command::InviteList(command::Page { after, limit: ROWS });
    let Page { items, next } = read_answer::<Page<Invitation>>(web, request, wanted).await?;
    let more = next.map(|next| with_query("/admin/invitations", &[("after", Some(&next))])).unwrap_or_default();
    // Not made readable: a link is ours, and has to be whole.
    let links: Vec<String> = outcomes.iter().filter_map(|outcome| outcome.link.clone()).collect();
    Ok(
        context! { invitations => present(web, request, &items), outcomes => present(web, request, &outcomes), links, more },
    )
}

/// `GET /admin/invitations`
pub(crate) async fn invitations(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let typed = context! { addresses => "", within => "7d", uses => "1", groups => "" };
    show(web, request, PAGE, context! { ..typed, ..values(web, request, &[]).await? })
}

/// What is to be invited, as it was typed.
struct Draft {
    addresses: Vec<String>,
    within: Option<String>,
    uses: u32,
    groups: Vec<String>,
}

/// Splits a list that people write with blanks, commas, semicolons, or a line for each.
fn several(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    let parts = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn read(request: &Request) -> Result<Draft, Failure> {
    let mut fields = request.form()?;
    let values =
        (fields.optional("addresses"), fields.optional("within"), fields.optional("uses"), fields.optional("groups"));
    let (addresses, within, uses, groups) = fields.finish(values)?;
    let (addresses, groups) = (several(addresses), several(groups));
    if addresses.len() > MAX_ADDRESSES {
        let too_many = FieldError { max: Some(MAX_ADDRESSES), ..FieldError::from("too_many") };
        return Err(FieldErrors::of("addresses", too_many).into());
    }
    let uses = uses.map_or(Ok(1), |text| text.trim().parse()).map_err(|_| FieldErrors::of("uses", "wrong_type"))?;
    Ok(Draft { addresses, within, uses, groups })
}

/// `POST /admin/invitations`: one for each address, or a link. It answers with the page itself: a link is shown once.
pub(crate) async fn invite(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let typed = request.form()?.typed(&["addresses", "within", "uses", "groups"]);
    let field = |name: &str| typed.get(name).map(|text| echo(text)).unwrap_or_default();
    let shown = context! { addresses => field("addresses"), within => field("within"), uses => field("uses"), groups => field("groups") };
    let outcomes = match invite_all(web, request).await {
        Ok(outcomes) => outcomes,
        Err(failure) if is_told_on_page(&failure) => {
            let values = context! { ..shown, ..values(web, request, &[]).await? };
            return again(web, request, &failure, (PAGE, values));
        }
        Err(failure) => return Err(failure),
    };
    let values = values(web, request, &outcomes).await?;
    show(web, request, PAGE, context! { addresses => "", ..context! { ..shown, ..values } })
}

async fn invite_all(web: &Web, request: &Request) -> Result<Vec<Outcome>, Failure> {
    let Draft { addresses, within, uses, groups } = read(request)?;
    let all = if addresses.is_empty() { vec![None] } else { addresses.into_iter().map(Some).collect() };
    let is_one = all.len() == 1;
    let mut outcomes = Vec::new();
    for to in all {
        let uses = if to.is_some() { None } else { Some(uses) };
        let command = Command::InviteAdd { email: to.clone(), within: within.clone(), uses, groups: groups.clone() };
        match carry_out(web, request, command).await {
            Ok(answer) => {
                let link = answer.get("link").and_then(|link| link.as_str()).map(str::to_owned);
                outcomes.push(Outcome { to, link, problem: None });
            }
            // Of a list the others are invited all the same.
            Err(failure) if !is_one && is_told_on_page(&failure) => {
                let problem = web.voice(&request.viewer).say(&failure.detail());
                outcomes.push(Outcome { to, link: None, problem: Some(problem) });
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(outcomes)
}

/// `POST /admin/invitations/{id}/revoke`
pub(crate) async fn revoke_invitation(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let id = request.parameter("id").to_owned();
    then(web, request, Command::InviteRevoke { id }, "/admin/invitations?notice=invitation-revoked").await
}

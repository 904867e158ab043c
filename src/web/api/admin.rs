//! The administrators' part of the API; each route stands for a command.

use crate::admin::{Command, PeopleWanted, TokenDraft, command};
use crate::web::context::Web;
use crate::web::failure::{Failure, FieldErrors};
use crate::web::operations::{carry_out, wanted_token};
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::status::Success;

/// The rows of one answer, and the most that can be asked for.
pub(super) const ROWS: usize = 100;

/// Executes a command, and shows its answer. It takes no query parameters.
pub(super) async fn show(web: &Web, request: &Request, command: Command) -> Result<Reply, Failure> {
    request.takes_only(&[])?;
    listed(web, request, command).await
}

/// As [`show`], where the query was read.
pub(super) async fn listed(web: &Web, request: &Request, command: Command) -> Result<Reply, Failure> {
    Ok(Reply::json(Success::Ok, &carry_out(web, request, command).await?))
}

/// Executes a command that has nothing to show. It takes no query parameters.
pub(super) async fn done(web: &Web, request: &Request, command: Command) -> Result<Reply, Failure> {
    request.takes_only(&[])?;
    carry_out(web, request, command).await?;
    Ok(Reply::no_content())
}

/// Parses `?limit=&after=`, and refuses every other parameter.
pub(super) fn page(request: &Request) -> Result<(Option<String>, usize), Failure> {
    request.takes_only(&["limit", "after"])?;
    read_page(request)
}

fn read_page(request: &Request) -> Result<(Option<String>, usize), Failure> {
    Ok((text(request, "after"), read_limit(request, ROWS)?))
}

/// Parses `limit=`, which is at most `most`, and that if it is absent.
pub(super) fn read_limit(request: &Request, most: usize) -> Result<usize, Failure> {
    let Some(text) = request.query("limit") else { return Ok(most) };
    let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
    limit.ok_or_else(|| FieldErrors::of("limit", "wrong_type").into())
}

/// Parses a whole number that may be left out.
pub(super) fn read_number(request: &Request, name: &str) -> Result<Option<u64>, Failure> {
    let number = request.query(name).map(str::parse).transpose();
    number.map_err(|_| FieldErrors::of(name, "wrong_type").into())
}

fn user(request: &Request) -> String {
    request.parameter("user").to_owned()
}

fn group(request: &Request) -> String {
    request.parameter("group").to_owned()
}

/// Parses a parameter that is `true` or `false`; absent is no.
pub(super) fn flag(request: &Request, name: &str) -> Result<bool, Failure> {
    match request.query(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(FieldErrors::of(name, "wrong_type").into()),
    }
}

pub(super) fn text(request: &Request, name: &str) -> Option<String> {
    request.query(name).map(str::to_owned)
}

/// `GET /admin/users?limit=&after=&q=&group=&disabled=&unconfirmed=&without_second_factor=`
pub(crate) async fn users(web: &Web, request: &Request) -> Result<Reply, Failure> {
    request.takes_only(&["limit", "after", "q", "group", "disabled", "unconfirmed", "without_second_factor"])?;
    let (after, limit) = read_page(request)?;
    let wanted = PeopleWanted {
        text: text(request, "q"),
        group: text(request, "group"),
        disabled: flag(request, "disabled")?,
        unconfirmed: flag(request, "unconfirmed")?,
        without_second_factor: flag(request, "without_second_factor")?,
        after,
        limit,
    };
    listed(web, request, Command::UserList(wanted)).await
}

/// `POST /admin/users`
pub(crate) async fn add_user(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let mut fields = request.json()?;
    let values = (
        fields.optional("email"),
        fields.optional("username"),
        fields.optional("phone"),
        fields.optional("name"),
        fields.optional("password"),
        fields.flag("confirmed"),
        fields.several("groups"),
    );
    let (email, username, phone, name, password, confirmed, groups) = fields.finish(values)?;
    let command = Command::UserAdd { email, username, phone, name, password, admin: false, confirmed, groups };
    show(web, request, command).await
}

/// `GET /admin/users/{user}`
pub(crate) async fn show_user(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::UserShow(command::Named { user: user(request) })).await
}

/// `DELETE /admin/users/{user}`
pub(crate) async fn delete_user(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::UserDelete(command::Named { user: user(request) })).await
}

/// `POST /admin/users/{user}/confirm`
pub(crate) async fn confirm_user(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::UserConfirm(command::Named { user: user(request) })).await
}

/// `POST /admin/users/{user}/disable`
pub(crate) async fn disable_user(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::UserDisable(command::Named { user: user(request) })).await
}

/// `POST /admin/users/{user}/enable`
pub(crate) async fn enable_user(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::UserEnable(command::Named { user: user(request) })).await
}

/// `POST /admin/users/{user}/reset-factors`
pub(crate) async fn reset_factors(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::UserResetFactors(command::Named { user: user(request) })).await
}

/// `POST /admin/users/{user}/password`
pub(crate) async fn set_password(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let mut fields = request.json()?;
    let values = (fields.text_of("password"),);
    let (password,) = fields.finish(values)?;
    show(web, request, Command::UserPasswd { user: user(request), password }).await
}

/// `PUT /admin/users/{user}/phone`
pub(crate) async fn set_phone(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let mut fields = request.json()?;
    let values = (fields.text_of("phone"),);
    let (phone,) = fields.finish(values)?;
    show(web, request, Command::UserPhone { user: user(request), phone: Some(phone) }).await
}

/// `DELETE /admin/users/{user}/phone`
pub(crate) async fn remove_phone(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::UserPhone { user: user(request), phone: None }).await
}

/// `PUT /admin/users/{user}/name`
pub(crate) async fn set_name(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let mut fields = request.json()?;
    let values = (fields.text_of("name"),);
    let (name,) = fields.finish(values)?;
    show(web, request, Command::UserName { user: user(request), name: Some(name) }).await
}

/// `DELETE /admin/users/{user}/name`
pub(crate) async fn remove_name(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::UserName { user: user(request), name: None }).await
}

/// `PUT /admin/users/{user}/username`
pub(crate) async fn set_username(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let mut fields = request.json()?;
    let values = (fields.text_of("username"),);
    let (username,) = fields.finish(values)?;
    show(web, request, Command::UserUsername { user: user(request), username }).await
}

/// `PUT /admin/users/{user}/email`
pub(crate) async fn set_email(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let mut fields = request.json()?;
    let values = (fields.text_of("email"), fields.flag("confirmed"));
    let (email, confirmed) = fields.finish(values)?;
    show(web, request, Command::UserEmail { user: user(request), email, confirmed }).await
}

/// `POST /admin/users/{user}/send-reset`
pub(crate) async fn send_reset(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::UserSendReset(command::Named { user: user(request) })).await
}

/// `GET /admin/users/{user}/sessions`
pub(crate) async fn sessions(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::SessionList(command::Named { user: user(request) })).await
}

/// `DELETE /admin/users/{user}/sessions/{id}`
pub(crate) async fn end_session(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::SessionEndOne { user: user(request), id: request.parameter("id").to_owned() }).await
}

/// `GET /admin/users/{user}/logins?limit=&after=`
pub(crate) async fn logins(web: &Web, request: &Request) -> Result<Reply, Failure> {
    request.takes_only(&["limit", "after"])?;
    let (after, limit) = (read_number(request, "after")?, read_limit(request, ROWS)?);
    listed(web, request, Command::LoginList { user: user(request), after, limit }).await
}

/// `DELETE /admin/users/{user}/sessions`
pub(crate) async fn end_sessions(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::SessionEnd { user: Some(user(request)) }).await
}

/// `DELETE /admin/sessions`
pub(crate) async fn end_all_sessions(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::SessionEnd { user: None }).await
}

/// `GET /admin/users/{user}/tokens`
pub(crate) async fn tokens(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::TokenList(command::Named { user: user(request) })).await
}

/// `POST /admin/users/{user}/tokens`
pub(crate) async fn make_token(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let TokenDraft { name, scopes, within } = wanted_token(request.json()?)?;
    show(web, request, Command::TokenAdd { user: user(request), name, scopes, within }).await
}

/// `DELETE /admin/users/{user}/tokens/{id}`
pub(crate) async fn revoke_token(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::TokenRevoke { user: user(request), id: request.parameter("id").to_owned() }).await
}

/// `PUT /admin/users/{user}/groups/{group}`
pub(crate) async fn join_group(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::UserGroup { user: user(request), group: group(request), member: true }).await
}

/// `DELETE /admin/users/{user}/groups/{group}`
pub(crate) async fn leave_group(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::UserGroup { user: user(request), group: group(request), member: false }).await
}

/// `GET /admin/invitations?limit=&after=`
pub(crate) async fn invitations(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let (after, limit) = page(request)?;
    listed(web, request, Command::InviteList(command::Page { after, limit })).await
}

/// `POST /admin/invitations`
pub(crate) async fn invite(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let mut fields = request.json()?;
    let values = (fields.optional("email"), fields.optional("within"), fields.number("uses"), fields.several("groups"));
    let (email, within, uses, groups) = fields.finish(values)?;
    let uses = uses.map(|uses| u32::try_from(uses).unwrap_or(u32::MAX));
    show(web, request, Command::InviteAdd { email, within, uses, groups }).await
}

/// `DELETE /admin/invitations/{id}`
pub(crate) async fn revoke_invitation(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::InviteRevoke { id: request.parameter("id").to_owned() }).await
}

/// `GET /admin/approvals?limit=&after=`
pub(crate) async fn approvals(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let (after, limit) = page(request)?;
    listed(web, request, Command::ApprovalList(command::Page { after, limit })).await
}

/// Reads a decision, which may have a note, or no body at all.
fn decision(request: &Request, approve: bool) -> Result<Command, Failure> {
    let note = if request.body.is_empty() {
        None
    } else {
        let mut fields = request.json()?;
        let values = (fields.optional("note"),);
        fields.finish(values)?.0
    };
    Ok(Command::ApprovalDecide { id: request.parameter("id").to_owned(), approve, note })
}

/// `POST /admin/approvals/{id}/approve`
pub(crate) async fn approve(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, decision(request, true)?).await
}

/// `POST /admin/approvals/{id}/decline`
pub(crate) async fn decline(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, decision(request, false)?).await
}

/// `GET /admin/webhooks`
pub(crate) async fn webhooks(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::WebhookList).await
}

/// `POST /admin/webhooks/{name}/retry`
pub(crate) async fn retry_webhook(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::WebhookRetry(command::Webhook { name: request.parameter("name").to_owned() })).await
}

/// `GET /admin/groups`
pub(crate) async fn groups(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::GroupList).await
}

/// `DELETE /admin/groups/{group}`
pub(crate) async fn disband_group(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::GroupDisband { group: group(request) }).await
}

/// `GET /admin/groups/{group}/members?limit=&after=`
pub(crate) async fn members(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let (after, limit) = page(request)?;
    listed(web, request, Command::GroupMembers { group: group(request), after, limit }).await
}

/// `PUT /admin/groups/{group}/permissions/{permission}`
pub(crate) async fn permit(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let permission = request.parameter("permission").to_owned();
    show(web, request, Command::GroupPermit { group: group(request), permission, given: true }).await
}

/// `DELETE /admin/groups/{group}/permissions/{permission}`
pub(crate) async fn forbid(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let permission = request.parameter("permission").to_owned();
    show(web, request, Command::GroupPermit { group: group(request), permission, given: false }).await
}

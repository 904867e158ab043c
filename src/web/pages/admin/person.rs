//! One person: what is known of their account, and what can be done about it.

use serde_json::Value as Document;

use crate::admin::answers::{AccountInDetail, LoginTried, Page};
use crate::admin::{Command, RefusalKind, command};
use crate::base::GroupName;
use crate::templates::{Value, context};
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations::{carry_out, read_answer};
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::shell::{ROWS, again, given, present, show};

/// The template.
const PAGE: &str = "admin-person.html";

fn user(request: &Request) -> String {
    request.parameter("user").to_owned()
}

fn named(request: &Request) -> command::Named {
    command::Named { user: user(request) }
}

async fn load(web: &Web, request: &Request) -> Result<AccountInDetail, Failure> {
    read_answer(web, request, Command::UserShow(named(request))).await
}

async fn values(web: &Web, request: &Request) -> Result<Value, Failure> {
    let person = load(web, request).await?;
    let caller = &request.caller()?.person;
    let is_privileged = |group: &String| GroupName::parse(group).is_ok_and(|group| group.is_privileged());
    // The page offers what the transaction would allow; it decides nothing.
    let may_help = caller.account.is_administrator() || !person.account.groups.iter().any(is_privileged);
    let is_oneself = caller.id.to_string() == person.account.id;
    let label = label(&person);
    Ok(context! { person => present(web, request, &person), label, may_help, is_oneself })
}

/// Returns what people call an account.
fn label(person: &AccountInDetail) -> String {
    let account = &person.account;
    let names = [&account.name, &account.email, &account.username, &account.phone];
    names.into_iter().flatten().next().unwrap_or(&account.id).clone()
}

/// `GET /admin/people/{user}`
pub(crate) async fn person(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, PAGE, values(web, request).await?)
}

/// `GET /admin/people/{user}/logins`
pub(crate) async fn logins(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let after = given(request, "after").and_then(|number| number.parse().ok());
    let wanted = Command::LoginList { user: user(request), after, limit: ROWS };
    let Page { items, next } = read_answer::<Page<LoginTried, u64>>(web, request, wanted).await?;
    let next = next.map(|number| number.to_string()).unwrap_or_default();
    show(
        web,
        request,
        "admin-logins.html",
        context! { logins => present(web, request, &items), next, ..values(web, request).await? },
    )
}

/// Acts that a question stands before: each ends something.
const ASKED_FIRST: [&str; 4] = ["disable", "delete", "reset-factors", "end-sessions"];

/// `GET /admin/people/{user}/{act}`: asks before something is done that ends something. Of all other acts the form is on
/// the person's page.
pub(crate) async fn ask(web: &Web, request: &Request) -> Result<Reply, Failure> {
    // The help desk asks at a path of its own, which names the act itself.
    let act = Some(request.parameter("act")).filter(|act| !act.is_empty()).unwrap_or("end-sessions");
    if !ASKED_FIRST.contains(&act) {
        let person = load(web, request).await?;
        return Ok(Reply::see_other(&format!("/admin/people/{}", person.account.id)));
    }
    show(web, request, "admin-person-sure.html", context! { act, ..values(web, request).await? })
}

/// `POST /admin/people/{user}/{act}`
pub(crate) async fn act(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let (mut fields, user, who) = (request.form()?, user(request), named(request));
    let act = request.parameter("act");
    let command = match act {
        "name" => {
            let values = (fields.optional("name"),);
            fields.finish(values).map(|(name,)| Command::UserName { user, name })
        }
        "username" => {
            let values = (fields.text_of("username"),);
            fields.finish(values).map(|(username,)| Command::UserUsername { user, username })
        }
        "email" => {
            let values = (fields.text_of("email"), fields.flag("confirmed"));
            fields.finish(values).map(|(email, confirmed)| Command::UserEmail { user, email, confirmed })
        }
        "phone" => {
            let values = (fields.optional("phone"),);
            fields.finish(values).map(|(phone,)| Command::UserPhone { user, phone })
        }
        "join" | "leave" => {
            let values = (fields.text_of("group"),);
            fields.finish(values).map(|(group,)| Command::UserGroup { user, group, member: act == "join" })
        }
        "confirm" => Ok(Command::UserConfirm(who)),
        "enable" => Ok(Command::UserEnable(who)),
        "disable" => Ok(Command::UserDisable(who)),
        "reset-factors" => Ok(Command::UserResetFactors(who)),
        "delete" => Ok(Command::UserDelete(who)),
        _ => return Err(Failure::NotFound),
    };
    let notice = match act {
        "delete" => "account-gone",
        "email" => "address-set",
        _ => "changed",
    };
    done(web, request, command, notice).await
}

/// `POST /admin/people/{user}/send-reset`
pub(crate) async fn send_reset(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Ok(Command::UserSendReset(named(request))), "link-sent").await
}

/// `POST /admin/people/{user}/end-sessions`
pub(crate) async fn end_sessions(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Ok(Command::SessionEnd { user: Some(user(request)) }), "session-ended").await
}

/// `POST /admin/people/{user}/sessions/{id}/end`
pub(crate) async fn end_session(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let id = request.parameter("id").to_owned();
    done(web, request, Ok(Command::SessionEndOne { user: user(request), id }), "session-ended").await
}

/// Executes a command about the person, and shows their page again: anew, or with the reason for a refusal.
async fn done(web: &Web, request: &Request, command: Result<Command, Failure>, notice: &str) -> Result<Reply, Failure> {
    let carried_out = match command {
        Ok(command) => carry_out(web, request, command).await,
        Err(failure) => Err(failure),
    };
    match carried_out {
        Ok(_) if notice == "account-gone" => Ok(Reply::see_other("/admin/people?notice=account-gone")),
        Ok(answer) => {
            let id = match answer.get("id").and_then(Document::as_str) {
                Some(id) => id.to_owned(),
                None => load(web, request).await?.account.id,
            };
            Ok(Reply::see_other(&format!("/admin/people/{id}?notice={notice}")))
        }
        // The person is gone, or never was; or only the session is, which somebody else has ended.
        Err(failure @ Failure::Refused(RefusalKind::Unknown, _)) => match values(web, request).await {
            Ok(values) => again(web, request, &failure, (PAGE, values)),
            Err(_) => Err(failure),
        },
        Err(failure) if super::shell::is_told_on_page(&failure) => {
            again(web, request, &failure, (PAGE, values(web, request).await?))
        }
        Err(failure) => Err(failure),
    }
}

//! The outbox: mails that wait, are held or have failed, and why.

use crate::admin::answers::{Mail, Mails};
use crate::admin::{Command, command};
use crate::templates::{Value, context};
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations::{carry_out, queued_mail, read_answer};
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::shell::{ROWS, again, given, is_told_on_page, present, readable, show, with_query};

/// The template.
const PAGE: &str = "admin-mails.html";

async fn values(web: &Web, request: &Request) -> Result<Value, Failure> {
    let after = given(request, "after").map(str::to_owned);
    let wanted = Command::MailList(command::Page { after, limit: ROWS });
    let Mails { page, requests } = read_answer(web, request, wanted).await?;
    let more = page.next.map(|next| with_query("/admin/mails", &[("after", Some(&next))])).unwrap_or_default();
    let (is_failed, is_held) = (|state: &str| state == "failed", |state: &str| state == "held");
    let has_failed = page.items.iter().any(|mail| is_failed(&mail.state));
    let has_held = page.items.iter().any(|mail| is_held(&mail.state));
    Ok(context! { mails => present(web, request, &page.items), requests, more, has_failed, has_held })
}

/// `GET /admin/mails`
pub(crate) async fn mails(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, PAGE, values(web, request).await?)
}

async fn done(web: &Web, request: &Request, command: Command, notice: &str) -> Result<Reply, Failure> {
    match carry_out(web, request, command).await {
        Ok(_) => Ok(Reply::see_other(&format!("/admin/mails?notice={notice}"))),
        Err(failure) if is_told_on_page(&failure) => again(web, request, &failure, (PAGE, values(web, request).await?)),
        Err(failure) => Err(failure),
    }
}

fn id(request: &Request) -> String {
    request.parameter("id").to_owned()
}

/// `POST /admin/mails/{id}/retry`
pub(crate) async fn retry_mail(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::MailRetry { id: Some(id(request)) }, "mail-queued").await
}

/// `POST /admin/mails/retry`
pub(crate) async fn retry_mails(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::MailRetry { id: None }, "mail-queued").await
}

/// `POST /admin/mails/release`
pub(crate) async fn release_mails(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::MailRelease, "mail-queued").await
}

/// `GET /admin/mails/{id}/drop`
pub(crate) async fn ask_drop(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let Mail { id, to, .. } = queued_mail(web, request, request.parameter("id")).await?;
    let values = context! { act => "drop", subject => readable(&to), id };
    show(web, request, "admin-sure.html", values)
}

/// `POST /admin/mails/{id}/drop`
pub(crate) async fn drop_mail(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::MailDrop { id: id(request) }, "mail-dropped").await
}

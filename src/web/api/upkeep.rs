//! The administrators' part of the API that is about the appliance: mails, limits, the audit log, its state.

use crate::admin::{AuditWanted, Command, command};
use crate::web::context::Web;
use crate::web::failure::{Failure, FieldErrors};
use crate::web::operations::{AuditFile, export_audit};
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::admin::{ROWS, done, flag, listed, page, read_limit, read_number, show, text};

/// `GET /admin/overview`
pub(crate) async fn overview(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::Overview).await
}

/// `GET /admin/configuration`
pub(crate) async fn configuration(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::Configuration).await
}

fn id(request: &Request) -> String {
    request.parameter("id").to_owned()
}

/// `GET /admin/mails?limit=&after=`
pub(crate) async fn mails(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let (after, limit) = page(request)?;
    listed(web, request, Command::MailList(command::Page { after, limit })).await
}

/// `POST /admin/mails/{id}/retry`
pub(crate) async fn retry_mail(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::MailRetry { id: Some(id(request)) }).await
}

/// `POST /admin/mails/retry`
pub(crate) async fn retry_mails(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::MailRetry { id: None }).await
}

/// `POST /admin/mails/release`
pub(crate) async fn release_mails(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, Command::MailRelease).await
}

/// `DELETE /admin/mails/{id}`
pub(crate) async fn drop_mail(web: &Web, request: &Request) -> Result<Reply, Failure> {
    done(web, request, Command::MailDrop { id: id(request) }).await
}

/// `GET /admin/limits?limit=&after=`
pub(crate) async fn limits(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let (after, limit) = page(request)?;
    listed(web, request, Command::ThrottleList(command::Page { after, limit })).await
}

/// `POST /admin/limits/lift`
pub(crate) async fn lift_limits(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let mut fields = request.json()?;
    let values = (fields.optional("who"),);
    let (who,) = fields.finish(values)?;
    show(web, request, Command::ThrottleLift { who }).await
}

fn audit_wanted(request: &Request, limit: usize) -> Result<AuditWanted, Failure> {
    Ok(AuditWanted {
        user: text(request, "user"),
        act: text(request, "act"),
        outcome: text(request, "outcome"),
        network: text(request, "network"),
        since: text(request, "since"),
        until: text(request, "until"),
        after: read_number(request, "after")?,
        limit,
        oldest_first: flag(request, "oldest_first")?,
    })
}

/// `GET /admin/audit?user=&act=&outcome=&network=&since=&until=&oldest_first=&limit=&after=`
pub(crate) async fn audit(web: &Web, request: &Request) -> Result<Reply, Failure> {
    const NAMES: [&str; 9] = ["user", "act", "outcome", "network", "since", "until", "oldest_first", "limit", "after"];
    request.takes_only(&NAMES)?;
    let wanted = audit_wanted(request, read_limit(request, ROWS)?)?;
    listed(web, request, Command::AuditList(wanted)).await
}

/// `GET /admin/audit/export?format=&user=&act=&outcome=&network=&since=&until=&oldest_first=&after=`
pub(crate) async fn audit_export(web: &Web, request: &Request) -> Result<Reply, Failure> {
    const NAMES: [&str; 9] = ["format", "user", "act", "outcome", "network", "since", "until", "oldest_first", "after"];
    request.takes_only(&NAMES)?;
    let format = match request.query("format") {
        None | Some("jsonl") => AuditFile::JsonLines,
        Some("csv") => AuditFile::Csv,
        Some(_) => return Err(FieldErrors::of("format", "wrong_type").into()),
    };
    export_audit(web, request, audit_wanted(request, ROWS)?, format).await
}

//! The audit log: what was done, by whom, from where.

use crate::admin::answers::{AuditRow, Page};
use crate::admin::{AuditWanted, Command};
use crate::audit::{Act, Outcome};
use crate::templates::context;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations::{AuditFile, export_audit, read_answer};
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::shell::{ROWS, again, echo, given, present, show, with_query};

/// The template.
const PAGE: &str = "admin-audit.html";

fn wanted(request: &Request) -> AuditWanted {
    let text = |name: &str| given(request, name).map(str::to_owned);
    AuditWanted {
        user: text("user"),
        act: text("act"),
        outcome: text("outcome"),
        network: text("network"),
        since: text("since"),
        until: text("until"),
        after: given(request, "after").and_then(|number| number.parse().ok()),
        limit: ROWS,
        oldest_first: false,
    }
}

/// `GET /admin/audit`
pub(crate) async fn audit(web: &Web, request: &Request) -> Result<Reply, Failure> {
    const FILTERS: [&str; 6] = ["user", "act", "outcome", "network", "since", "until"];
    let field = |name: &str| echo(given(request, name).unwrap_or_default());
    let filters: Vec<(&str, Option<&str>)> = FILTERS.iter().map(|name| (*name, given(request, name))).collect();
    let with = |path: &str, name: &str, value: &str| {
        let mut pairs = filters.clone();
        pairs.push((name, Some(value)));
        with_query(path, &pairs)
    };
    let values = context! {
        user => field("user"), act => field("act"), outcome => field("outcome"), network => field("network"),
        since => field("since"), until => field("until"), acts => Act::WORDS.to_vec(), outcomes => Outcome::WORDS.to_vec(),
        csv => with("/admin/audit/export", "format", "csv"), jsonl => with("/admin/audit/export", "format", "jsonl"),
    };
    match read_answer::<Page<AuditRow, u64>>(web, request, Command::AuditList(wanted(request))).await {
        Ok(Page { items, next }) => {
            let more = next.map(|number| with("/admin/audit", "after", &number.to_string())).unwrap_or_default();
            show(web, request, PAGE, context! { rows => present(web, request, &items), more, ..values })
        }
        Err(failure) => {
            let none: [AuditRow; 0] = [];
            again(
                web,
                request,
                &failure,
                (PAGE, context! { rows => present(web, request, &none), more => "", ..values }),
            )
        }
    }
}

/// `GET /admin/audit/export`
pub(crate) async fn audit_export(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let file = if request.query("format") == Some("csv") { AuditFile::Csv } else { AuditFile::JsonLines };
    export_audit(web, request, wanted(request), file).await
}

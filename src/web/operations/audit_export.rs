//! The audit log as a file: JSON lines for programs, CSV for spreadsheets.

use crate::admin::answers::{AuditRow, Page};
use crate::admin::{AuditWanted, Command};
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::admin::read_answer;

/// The form of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AuditFile {
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated values (RFC 4180), with a heading.
    Csv,
}

/// The most rows of a file: it is put together in memory.
const MAX_EXPORTED: usize = 10_000;
/// Rows read at a time.
const AT_A_TIME: usize = 1000;

/// Exports the rows that are wanted. If there are more, a `Link` header says where the next file begins.
pub(crate) async fn export_audit(
    web: &Web,
    request: &Request,
    mut wanted: AuditWanted,
    file: AuditFile,
) -> Result<Reply, Failure> {
    wanted.limit = AT_A_TIME;
    let (mut text, mut rows) = (file.heading(), 0);
    let next = loop {
        let page: Page<AuditRow, u64> = read_answer(web, request, Command::AuditList(wanted.clone())).await?;
        rows += page.items.len();
        for row in &page.items {
            file.write(row, &mut text);
        }
        wanted.after = page.next;
        if page.next.is_none() || rows >= MAX_EXPORTED {
            break page.next;
        }
    };
    let reply = Reply::download(file.kind(), file.name(), text);
    Ok(match next {
        Some(number) => reply.with_next(&format!("?after={number}")),
        None => reply,
    })
}

impl AuditFile {
    const fn kind(self) -> &'static str {
        match self {
            Self::JsonLines => "application/jsonl; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::JsonLines => "audit.jsonl",
            Self::Csv => "audit.csv",
        }
    }

    fn heading(self) -> String {
        match self {
            Self::JsonLines => String::new(),
            // A byte order mark, by which spreadsheets know UTF-8.
            Self::Csv => "\u{feff}number,at,clock,act,outcome,actor,actor_name,subject,subject_name,network,detail\r\n"
                .to_owned(),
        }
    }

    fn write(self, row: &AuditRow, text: &mut String) {
        match self {
            Self::JsonLines => {
                text.push_str(&serde_json::to_string(row).expect("our own types have string keys and finite numbers"));
                text.push('\n');
            }
            Self::Csv => {
                let AuditRow { number, at, clock, act, outcome, actor, network, detail, .. } = row;
                let (number, at) = (number.to_string(), at.to_string());
                let optional = |text: &Option<String>| text.clone().unwrap_or_default();
                let cells = [
                    number,
                    at,
                    clock.as_str().to_owned(),
                    act.clone(),
                    outcome.clone(),
                    actor.clone(),
                    optional(&row.actor_name),
                    optional(&row.subject),
                    optional(&row.subject_name),
                    optional(network),
                    optional(detail),
                ];
                text.push_str(&cells.map(|text| cell(&text)).join(","));
                text.push_str("\r\n");
            }
        }
    }
}

/// Writes a cell: in quotation marks where it has to be, and never so that a spreadsheet takes it for a formula (CSV
/// injection; OWASP), wherever the sign stands that begins one.
fn cell(text: &str) -> String {
    let is_formula =
        text.trim_start().starts_with(['=', '+', '-', '@', '|', '%', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let begins_with_sign = text.starts_with(['\t', '\r', '\n', '\0']);
    let guarded = if is_formula || begins_with_sign { format!("'{text}") } else { text.to_owned() };
    if guarded.contains(['"', ',', '\r', '\n', ';', '\t']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::cell;

    /// Reads one cell, as RFC 4180 has it.
    fn read(written: &str) -> String {
        match written.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"').expect("closed").replace("\"\"", "\""),
            None => written.to_owned(),
        }
    }

    #[test]
    fn a_cell_never_begins_a_formula() {
        for (text, written) in [
            ("alice@example.org", "alice@example.org"),
            ("=1+1", "'=1+1"),
            (" =1+1", "' =1+1"),
            ("+49 30", "'+49 30"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\"'\t=1\""),
            ("＝1", "'＝1"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=cmd|' /C calc'!A0,\"", "\"'=cmd|' /C calc'!A0,\"\"\""),
            ("", ""),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cell_is_read_back_and_is_no_formula(text in any::<String>()) {
            let written = cell(&text);
            let back = read(&written);
            prop_assert!(back == text || back.strip_prefix('\'') == Some(text.as_str()));
            prop_assert!(!back.trim_start().starts_with(['=', '+', '-', '@']));
            prop_assert!(written.starts_with('"') || !written.contains([',', '\n', '\r', '"']));
        }
    }
}

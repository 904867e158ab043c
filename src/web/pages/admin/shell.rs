//! What the administrators' pages share: how documents are shown, and what comes of a refusal.

use serde::Serialize;
use serde_json::Value as Document;

use crate::admin::{Command, RefusalKind};
use crate::base::{Timestamp, legible};
use crate::sessions::{agent_in_words, agent_text};
use crate::templates::{Value, context};
use crate::texts::Voice;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations::carry_out;
use crate::web::pages::page::{notice, render};
use crate::web::reply::Reply;
use crate::web::request::Request;

/// Rows of a page.
pub(super) const ROWS: usize = 50;
/// The most characters of a text that are shown: a mail server's last words may be long.
const MAX_SHOWN_CHARS: usize = 300;

fn html(web: &Web, request: &Request, template: &str, values: Value) -> Result<String, Failure> {
    let is_administrator = request.caller()?.person.account.is_administrator();
    let values = context! { is_administrator, notice => notice(web, request), ..values };
    Ok(render(web, &request.viewer, template, values))
}

/// Shows a page.
pub(super) fn show(web: &Web, request: &Request, template: &str, values: Value) -> Result<Reply, Failure> {
    Ok(Reply::page(html(web, request, template, context! { problem => "", ..values })?))
}

/// Shows a page after something that it offers was refused, with the reason; or returns the failure itself, if there is
/// nothing left that the page is about, or the caller has lost the right to it.
pub(super) fn again(
    web: &Web,
    request: &Request,
    failure: &Failure,
    (template, values): (&str, Value),
) -> Result<Reply, Failure> {
    if !is_told_on_page(failure) {
        return Err(failure.clone());
    }
    let voice = web.voice(&request.viewer);
    let problem = match failure {
        // The fields are not marked one by one: each page has a form or two of a field or two.
        Failure::Invalid(errors) => errors.in_words(&voice).into_values().collect::<Vec<_>>().join(" "),
        _ => voice.say(&failure.detail()),
    };
    Ok(Reply::failed_page(failure, html(web, request, template, context! { problem, ..values })?))
}

/// Whether a page says beside its forms why something was refused.
pub(super) fn is_told_on_page(failure: &Failure) -> bool {
    let kinds = [RefusalKind::Invalid, RefusalKind::Conflict, RefusalKind::NeedsAdministrator, RefusalKind::Unknown];
    match failure {
        Failure::Refused(kind, _) => kinds.contains(kind),
        Failure::Invalid(_) => true,
        _ => false,
    }
}

/// Does something in the caller's name, and leads on to a page.
pub(super) async fn then(web: &Web, request: &Request, command: Command, path: &str) -> Result<Reply, Failure> {
    carry_out(web, request, command).await?;
    Ok(Reply::see_other(path))
}

/// Returns the path with a query; what is absent or empty is left out.
pub(super) fn with_query(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let given =
        pairs.iter().filter_map(|(name, value)| value.filter(|value| !value.is_empty()).map(|value| (name, value)));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Returns a query parameter that is not blank.
pub(super) fn given<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.query(name).map(str::trim).filter(|text| !text.is_empty())
}

/// Makes a document of `admin` ready to be read: times and programs in the reader's words, and no text that hides
/// anything. What strangers and other programs wrote may hold characters that reverse the text beside it; pages
/// escape markup, but these are none.
pub(super) fn present(web: &Web, request: &Request, document: &impl Serialize) -> Value {
    made_readable(&web.voice(&request.viewer), "", serde_json::to_value(document).unwrap_or_default())
}

fn made_readable(voice: &Voice, name: &str, value: Document) -> Value {
    match value {
        Document::Null => Value::from(()),
        Document::Bool(yes) => yes.into(),
        Document::Number(number) => number.as_i64().map_or_else(|| number.to_string().into(), Value::from),
        Document::String(text) if is_time(name) => {
            Timestamp::parse(&text).map_or_else(|| readable(&text), |at| voice.time(at)).into()
        }
        Document::String(text) if name == "agent" => voice.say(&agent_text(&agent_in_words(&text))).into(),
        Document::String(text) => readable(&text).into(),
        Document::Array(items) => {
            items.into_iter().map(|item| made_readable(voice, name, item)).collect::<Vec<_>>().into()
        }
        Document::Object(members) => {
            let members = members.into_iter().map(|(name, member)| {
                let member = made_readable(voice, &name, member);
                (name, member)
            });
            Value::from_pairs(members)
        }
    }
}

fn is_time(name: &str) -> bool {
    name.ends_with("_at") || matches!(name, "at" | "wall" | "now" | "floor")
}

/// Replaces hidden characters, and shortens what is long.
pub(super) fn readable(text: &str) -> String {
    let end = text.char_indices().nth(MAX_SHOWN_CHARS).map(|(end, _)| end);
    end.map_or_else(|| legible(text), |end| legible(&text[..end]) + "…")
}

/// Returns what was typed, to be shown in its field again.
pub(super) fn echo(text: &str) -> String {
    text.lines().map(legible).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::texts::{Language, Languages, TimeZone};

    #[test]
    fn what_hides_something_is_seen_and_what_is_long_is_cut() {
        let long = "x".repeat(10_000);
        let document = json!({"name": "a\u{202e}b\u{0}c", "at": "2026-11-28T13:00:00Z", "detail": long, "n": 7, "list": ["\u{2066}"]});
        let languages = Languages::new(Language::english(), vec![], vec![], TimeZone::utc());
        let shown = made_readable(&Arc::new(languages).voice(None), "", document);
        let member = |name: &str| shown.get_attr(name).expect("a member").to_string();
        assert_eq!(member("name"), "a\u{fffd}b\u{fffd}c");
        let list = shown.get_attr("list").expect("a member");
        assert_eq!(list.get_item_by_index(0).expect("an item").to_string(), "\u{fffd}");
        assert_eq!(member("at"), "28 November 2026, 13:00 UTC");
        assert_eq!(member("detail").chars().count(), MAX_SHOWN_CHARS + 1);
    }

    #[test]
    fn a_query_holds_what_is_given_and_nothing_else() {
        assert_eq!(with_query("/a", &[("q", Some("x&y=\"")), ("b", None), ("c", Some(""))]), "/a?q=x%26y%3D%22");
        assert_eq!(with_query("/a", &[("q", None)]), "/a");
    }
}

//! Explains what is wrong with a value: what was found, and what to write instead. Whatever is proposed has been tried,
//! so the setting it is proposed for accepts it.

use std::ops::RangeInclusive;

use serde_json::{Value, json};
use toml::de::DeValue;

use crate::base::{is_hidden, nearest};

use super::Fault;

/// A setting whose value is refused.
pub(super) struct Refused<'a> {
    /// Its name.
    pub key: &'a str,
    /// The section that it is in.
    pub section: String,
    /// The value, parsed.
    pub found: &'a DeValue<'a>,
    /// The value, as it is written.
    pub written: &'a str,
    /// The deserialiser's words, or our own: `what is wrong; what to write`.
    pub said: &'a str,
    /// Returns the error for another value in its place; none if that is accepted.
    pub refuses: &'a dyn Fn(Value) -> Option<String>,
    /// The value that holds where nothing is written.
    pub default: Option<Value>,
    /// Whether it is one of the items of a list.
    pub is_item: bool,
    /// The numbers that a rule allows, if it limits them.
    pub limits: Option<RangeInclusive<u64>>,
}

/// Returns values that settings accept, for those who need an example. The first suits every text.
fn examples() -> [Value; 18] {
    [
        json!("…"),
        json!(587),
        json!(true),
        json!("7d"),
        json!("10, then one every 15m"),
        json!("https://auth.example.org"),
        json!("auth@example.org"),
        json!(["[::]:443"]),
        json!(["127.0.0.1/32"]),
        json!(["email", "username"]),
        json!(["logged-in"]),
        json!(["example.org"]),
        json!(["https://app.example.org"]),
        json!(["…"]),
        json!(["GET"]),
        json!(["/public"]),
        json!("example.org"),
        json!({}),
    ]
}

impl Refused<'_> {
    pub(super) fn explain(&self, place: (usize, usize)) -> Fault {
        let (message, hint) = self.in_words();
        Fault { place: Some(place), message, hint: Some(hint), ..Fault::default() }
    }

    fn in_words(&self) -> (String, String) {
        let written = shortened(self.written);
        if let Some(variants) = variants(self.said) {
            return self.one_of(&variants);
        }
        if let DeValue::String(text) = self.found
            && let Some(found) = self.invisible_in(text)
        {
            return found;
        }
        if !is_the_librarys(self.said) {
            // Our own types report `what is wrong; hint` in one string.
            let (message, hint) = self.said.split_once("; ").unwrap_or((self.said, "see example.toml"));
            return (format!("{written}: {message}"), hint.to_owned());
        }
        let taken = |value: &Value| (self.refuses)(value.clone()).is_none();
        // A section is written with its heading, not as a value.
        let proposal = self.meant().into_iter().find(taken).filter(|value| !value.is_object());
        // A section is one in any case, whatever keys it would accept.
        let section = Some(json!({})).filter(taken);
        let own = section.or_else(|| self.default.clone().filter(|value| !value.is_null() && taken(value)));
        let items = |value: Value| match &value {
            Value::Array(items) if self.is_item => items.clone(),
            _ => vec![value],
        };
        let example = own.or_else(|| examples().into_iter().flat_map(items).find(taken));
        let said_of_a_text = (self.refuses)(json!("…"));
        if let Some(variants) = said_of_a_text.as_deref().and_then(variants) {
            return self.one_of(&variants);
        }
        let wanted = proposal.as_ref().or(example.as_ref()).map_or("something else", kind);
        let message = match (self.found, wanted) {
            (DeValue::Integer(_), "a number") => {
                return (format!("{written} is out of range for `{}`", self.key), self.range());
            }
            (DeValue::Float(_), "a number") => format!("{written}: `{}` is a whole number", self.key),
            (found, wanted) => {
                let of = if self.is_item { "an item of " } else { "" };
                format!("{written}: {of}`{}` is {wanted}, and this is {}", self.key, kind_of(found))
            }
        };
        // Of the text that was meant, our own types may know better what to write.
        let better = self.meant().into_iter().filter(|value| value.is_string() || value.is_array());
        let better = better.filter_map(|value| (self.refuses)(value)).find(|said| !is_the_librarys(said));
        let hint = match (proposal, example) {
            (Some(value), _) => self.write(&value),
            (None, Some(example)) => match better.as_deref().and_then(|said| said.split_once("; ")) {
                Some((_, hint)) => hint.to_owned(),
                None if self.is_list_of_tables() && example.is_object() => {
                    format!("write [{}] in place of [[{}]]", self.key, self.key)
                }
                None if self.has_sections() => {
                    format!("write a section [[{}]] with keys below it for each", self.path())
                }
                None if example.is_object() && self.key.starts_with("webhooks.") => {
                    "write a section [webhooks.NAME], by a name of your choice, with `url` and others below it"
                        .to_owned()
                }
                None if example.is_object() => format!("write a section [{}] with keys below it", self.key),
                None => format!("{}, for example", self.write(&example)),
            },
            (None, None) => "see example.toml for what it takes".to_owned(),
        };
        (message, hint)
    }

    /// Finds hidden characters in a text that would be accepted without them.
    fn invisible_in(&self, text: &str) -> Option<(String, String)> {
        let cleaned: String = text.chars().filter(|c| !is_hidden(*c)).collect();
        let cleaned = cleaned.trim();
        if cleaned.len() == text.len() || (self.refuses)(json!(cleaned)).is_some() {
            return None;
        }
        let what = match text.chars().find(|c| is_hidden(*c)) {
            Some(c) => format!("holds an invisible U+{:04X}", u32::from(c)),
            None => "has blanks around it".to_owned(),
        };
        let shown = shortened(&json!(cleaned).to_string());
        Some((format!("{} {what}", shortened(self.written)), format!("write {shown}")))
    }

    /// Returns what somebody may have meant by a value of another kind.
    fn meant(&self) -> Vec<Value> {
        let mut meant = Vec::new();
        match self.found {
            DeValue::String(text) => {
                let text = text.trim();
                meant.extend(text.parse::<u64>().ok().map(Value::from));
                match text.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "on" | "1" => meant.push(json!(true)),
                    "false" | "no" | "off" | "0" => meant.push(json!(false)),
                    _ => {}
                }
                meant.push(json!(text.split(',').map(str::trim).collect::<Vec<_>>()));
                meant.push(json!([text]));
            }
            DeValue::Integer(number) => match number.as_str() {
                "1" => meant.extend([json!(true), json!("1")]),
                "0" => meant.extend([json!(false), json!("0")]),
                digits => meant.extend([json!(digits), json!([digits]), json!(format!("[::]:{digits}"))]),
            },
            DeValue::Float(number) => meant.push(json!(number.as_str())),
            DeValue::Boolean(is_true) => meant.push(json!(is_true.to_string())),
            DeValue::Array(items) => {
                if let [only] = &**items {
                    meant.push(super::tree::value(only.get_ref()));
                }
            }
            DeValue::Datetime(date) => meant.push(json!(date.to_string())),
            DeValue::Table(_) => {}
        }
        meant
    }

    /// Returns its full name.
    pub(super) fn path(&self) -> String {
        if self.section.is_empty() { self.key.to_owned() } else { format!("{}.{}", self.section, self.key) }
    }

    /// Whether it is a list of sections, or one of its items.
    fn has_sections(&self) -> bool {
        let section = if self.is_item { json!({}) } else { json!([{}]) };
        let other = if self.is_item { json!("…") } else { json!(["…"]) };
        (self.is_item || (self.refuses)(json!([])).is_none())
            && (self.refuses)(section).is_none()
            && (self.refuses)(other).is_some()
    }

    /// Whether it is written with a heading of double brackets.
    fn is_list_of_tables(&self) -> bool {
        let DeValue::Array(items) = self.found else { return false };
        !items.is_empty() && items.iter().all(|item| matches!(item.get_ref(), DeValue::Table(_)))
    }

    fn write(&self, value: &Value) -> String {
        let value = if self.is_item { json!([value]) } else { value.clone() };
        format!("write {} = {}", self.key, value.to_string().replace("\",\"", "\", \""))
    }

    /// Says which numbers are allowed.
    fn range(&self) -> String {
        if let Some(limits) = &self.limits {
            return format!("write a whole number from {} to {}", limits.start(), limits.end());
        }
        let most = [u64::from(u8::MAX), u64::from(u16::MAX), u64::from(u32::MAX), i64::MAX.unsigned_abs()];
        let most = most.into_iter().rev().find(|most| (self.refuses)(json!(most)).is_none());
        let most = most.map_or_else(|| "what it takes".to_owned(), |most| most.to_string());
        format!("write a whole number from 0 to {most}")
    }

    fn one_of(&self, variants: &[String]) -> (String, String) {
        let written = shortened(self.written);
        let known = variants.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let DeValue::String(typed) = self.found else {
            return (
                format!("{written}: `{}` is a word in quotation marks", self.key),
                format!("write one of {known}"),
            );
        };
        let meant = alias(typed, variants);
        let meant = meant.or_else(|| nearest(typed, variants.iter().map(String::as_str)));
        let meant = match meant {
            _ if self.key == "aliases" && typed.eq_ignore_ascii_case("authelia") => {
                "leave it out, Authelia's paths are always there; or ".to_owned()
            }
            Some(name) => format!("did you mean \"{name}\"? "),
            None => String::new(),
        };
        (format!("{written} is nothing that `{}` can be", self.key), format!("{meant}write one of {known}"))
    }
}

/// Names that other programs have for the same thing.
const ALIASES: &[(&str, &str)] = &[
    ("ssl", "tls"),
    ("ssl/tls", "tls"),
    ("smtps", "tls"),
    ("implicit", "tls"),
    ("explicit", "starttls"),
    ("opportunistic", "starttls"),
    ("plain", "none"),
    ("off", "none"),
    ("no", "none"),
    ("false", "none"),
    ("false", "off"),
    ("none", "off"),
    ("proxy", "off"),
    ("letsencrypt", "acme"),
    ("auto", "acme"),
    ("manual", "files"),
    ("public", "open"),
    ("private", "closed"),
    ("disabled", "closed"),
    ("mail", "email"),
    ("bypass", "anyone"),
    ("one_factor", "logged-in"),
    ("two_factor", "second-factor"),
    ("deny", "nobody"),
];

/// Keys that other programs have for the same thing: theirs, one that has to be known in its place, and what to write.
const KEY_ALIASES: &[(&str, &str, &str)] = &[
    ("domain", "hosts", "`hosts`"),
    ("policy", "allow", "`allow`"),
    ("resources", "paths", "`paths` or `pattern`"),
    ("subject", "groups", "`groups` or `users`"),
];

/// Returns what is known in a place by another program's name.
pub(super) fn key_alias(typed: &str, known: &[String]) -> Option<&'static str> {
    let is_it = |(alias, needed, _): &&(&str, &str, &str)| *alias == typed && known.iter().any(|name| name == needed);
    KEY_ALIASES.iter().find(is_it).map(|(_, _, words)| *words)
}

fn alias<'a>(typed: &str, variants: &'a [String]) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    let meant = |name: &&String| ALIASES.iter().any(|(alias, meant)| *alias == typed && *meant == name.as_str());
    variants.iter().find(meant).map(String::as_str)
}

/// Returns the words that the deserialiser lists as expected.
fn variants(said: &str) -> Option<Vec<String>> {
    let (_, known) = said.strip_prefix("unknown variant `")?.split_once("`, expected ")?;
    Some(known.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

fn is_the_librarys(said: &str) -> bool {
    ["invalid type: ", "invalid value: ", "invalid length ", "missing field ", "unknown field "]
        .iter()
        .any(|beginning| said.starts_with(beginning))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text in quotation marks",
        Value::Number(_) => "a number",
        Value::Bool(_) => "`true` or `false`",
        Value::Array(_) => "a list",
        Value::Object(_) | Value::Null => "a section",
    }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// Removes from a text what URLs of other services hold that is secret: who calls there, and with which key.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority_ends = rest.find(['/', '?', '#', '"', '\'', ',', ' ']).unwrap_or(rest.len());
    let start = rest[..authority_ends].rfind('@').map_or(0, |at| at + 1);
    let asks = if start > 0 { "…@" } else { "" };
    let rest = &rest[start..];
    let ends = rest.find(['"', '\'', ',', ' ', ']']).unwrap_or(rest.len());
    let (url, behind) = rest.split_at(ends);
    let url = url.split_once('?').map_or_else(|| url.to_owned(), |(before, _)| format!("{before}?…"));
    format!("{scheme}://{asks}{url}{}", without_secrets(behind))
}

/// As much of it as fits into a line.
fn shortened(written: &str) -> String {
    const MAX_CHARS: usize = 60;
    let line = without_secrets(written.lines().next().unwrap_or_default().trim());
    let cut: String = line.chars().take(MAX_CHARS).collect();
    if cut.chars().count() < line.chars().count() || written.trim().contains('\n') { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_their_secrets() {
        for (written, shown) in [
            ("\"https://u:hunter2@sms.example/send?key=hunter2\"", "\"https://…@sms.example/send?…\""),
            (
                "[\"https://a.example/?k=1\", \"https://u@b.example\"]",
                "[\"https://a.example/?…\", \"https://…@b.example\"]",
            ),
            ("\"https://auth.example.org\"", "\"https://auth.example.org\""),
            ("587", "587"),
        ] {
            assert_eq!(without_secrets(written), shown);
        }
    }
}

//! Reads a file of names and their texts, such as the answers for set-up.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use toml::de::{DeTable, DeValue};

use crate::base::nearest;

use super::document;
use super::error::line_and_column;
use super::text_file::read_text;
use super::{ConfigError, Fault};

/// A text, or a number, `true` or `false`, which are written without quotation marks in TOML.
#[derive(Debug, Serialize)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Text;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
            fn visit_bool<E: Error>(self, is_true: bool) -> Result<Text, E> {
                Ok(Text(is_true.to_string()))
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Text, E> {
                Err(E::custom("no whole number; write a whole number, or a text in quotation marks"))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The texts that are allowed where only some words are, by their names.
pub(super) type Words<'a> = &'a [(&'a str, &'a [&'a str])];

/// Reads a file of texts by name. Names may have underscores in place of dashes, as the configuration has them; where
/// `words` lists some for a name, only these are allowed.
///
/// # Errors
/// When it cannot be read, or with every unknown name and everything that is not a text.
pub fn read_texts(path: &Path, known: &[&str], words: Words<'_>) -> Result<BTreeMap<String, String>, ConfigError> {
    let text = read_text(path).map_err(|unreadable| {
        let is_missing = unreadable.is_missing;
        let mut fault = Fault::unreadable(unreadable);
        if is_missing {
            fault.hint = Some("name another file with --answers FILE".into());
        }
        ConfigError::new(path, vec![fault])
    })?;
    let (parsed, _) = DeTable::parse_recoverable(&text);
    let headings = parsed.get_ref().iter().filter(|(_, value)| is_section(value.get_ref()));
    if let Some(first) = headings.map(|(key, _)| key.span().start).min() {
        let fault = Fault {
            place: Some(line_and_column(&text, first)),
            message: "answers have no sections".into(),
            hint: Some("delete the heading, and write each answer like url = \"https://auth.example.org\"".into()),
            ..Fault::default()
        };
        return Err(ConfigError::new(path, vec![fault]));
    }
    let found = document::read::<BTreeMap<String, Text>>(&text, &json!({}));
    let (texts, mut faults) = found.map(|found| (found.settings, found.faults)).unwrap_or_default();
    let mut named = BTreeMap::new();
    for (name, Text(value)) in texts {
        let dashed = name.replace('_', "-");
        let written = parsed.get_ref().iter().find(|(key, _)| key.get_ref() == name.as_str());
        let at_key = written.map(|(key, _)| line_and_column(&text, key.span().start));
        let mut blame = |place, message, hint| {
            faults.push(Fault { key: None, place, message, hint: Some(hint) });
        };
        if !known.contains(&&*dashed) {
            let meant = nearest(&name, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
            let hint = format!("{}known here: {}", meant.unwrap_or_default(), known.join(", "));
            blame(at_key, format!("unknown answer `{name}`"), hint);
            continue;
        }
        let taken = words.iter().find(|(of, _)| *of == dashed).map(|(_, taken)| *taken);
        if let Some(taken) = taken.filter(|taken| !taken.contains(&value.trim())) {
            let place = written.map(|(_, value)| line_and_column(&text, value.span().start));
            let meant = nearest(value.trim(), taken.iter().copied()).map(|near| format!("did you mean {near:?}? "));
            let all = taken.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
            let hint = format!("{}write one of {all}", meant.unwrap_or_default());
            blame(place, format!("{value:?} is nothing that `{name}` can be"), hint);
        }
        if named.insert(dashed.clone(), value).is_some() {
            let hint = format!("keep one of `{dashed}` and `{}`: they are the same", dashed.replace('-', "_"));
            blame(at_key, format!("`{name}` stands here a second time"), hint);
        }
    }
    if faults.is_empty() { Ok(named) } else { Err(ConfigError::new(path, faults)) }
}

/// Whether it stands below a heading, of single or double brackets.
fn is_section(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(items) => items.iter().any(|item| matches!(item.get_ref(), DeValue::Table(_))),
        _ => false,
    }
}

//! A file of names and what they stand for, such as the answers for set-up.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use toml::de::DeTable;

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

/// Reads a file of texts by name. Names may have underscores in place of dashes, as the configuration has them.
///
/// # Errors
/// When it cannot be read, or with every name that is not among the known and everything that is no text.
pub fn read_texts(path: &Path, known: &[&str]) -> Result<BTreeMap<String, String>, ConfigError> {
    let text = read_text(path).map_err(|fault| ConfigError::new(path, vec![Fault::unreadable(fault)]))?;
    let (parsed, _) = DeTable::parse_recoverable(&text);
    let found = document::read::<BTreeMap<String, Text>>(&text, &json!({}));
    let (texts, mut faults) = found.map(|found| (found.settings, found.faults)).unwrap_or_default();
    let mut named = BTreeMap::new();
    for (name, Text(value)) in texts {
        let dashed = name.replace('_', "-");
        if known.contains(&&*dashed) {
            named.insert(dashed, value);
            continue;
        }
        let meant = nearest(&name, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        let place = parsed.get_ref().iter().find(|(key, _)| key.get_ref() == name.as_str());
        faults.push(Fault {
            key: None,
            place: place.map(|(key, _)| line_and_column(&text, key.span().start)),
            message: format!("unknown answer `{name}`"),
            hint: Some(format!("{}known here: {}", meant.unwrap_or_default(), known.join(", "))),
        });
    }
    if faults.is_empty() { Ok(named) } else { Err(ConfigError::new(path, faults)) }
}

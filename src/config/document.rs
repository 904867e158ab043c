//! The file as a tree, and settings read from the tree.
//!
//! A deserialiser that carries places along would be compiled once more for every section, a quarter of a megabyte in all. Instead
//! the place of a mistake is looked for when there is one: whichever key is refused beside nothing but what must be there is to
//! blame.

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::ConfigError;

/// Reads settings; `path` is only named in messages. `least` is a document that holds what must be there, and nothing else.
///
/// # Errors
/// When it is no TOML, a key is unknown, missing, or a value of the wrong kind.
pub fn read<T: DeserializeOwned>(text: &str, path: &Path, least: &Value) -> Result<T, ConfigError> {
    let document = DeTable::parse(text).map_err(|error| {
        ConfigError::at(error.span().map(|span| span.start), error.message(), (text, path), error.span())
    })?;
    let tree = table(document.get_ref());
    let whole = match serde_json::from_value(tree.clone()) {
        Ok(settings) => return Ok(settings),
        Err(error) => error.to_string(),
    };
    let blamed = blame::<T>(document.get_ref(), least).or_else(|| missing::<T>(document.get_ref(), least, &tree));
    let (message, span) = blamed.map_or((whole, None), |(message, span)| (message, Some(span)));
    Err(ConfigError::at(span.clone().map(|span| span.start), &message, (text, path), span))
}

fn table(entries: &DeTable<'_>) -> Value {
    Value::Object(entries.iter().map(|(name, entry)| (name.get_ref().to_string(), value(entry.get_ref()))).collect())
}

fn value(found: &DeValue<'_>) -> Value {
    match found {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(is_true) => Value::Bool(*is_true),
        DeValue::Integer(number) => {
            let (digits, radix) = (number.as_str(), number.radix());
            let signed = i64::from_str_radix(digits, radix).map(Value::from);
            signed.or_else(|_| u64::from_str_radix(digits, radix).map(Value::from)).unwrap_or(Value::Null)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        // No setting is a date of TOML's own; as a list of one it is refused wherever it stands.
        DeValue::Datetime(date) => Value::Array(vec![Value::String(date.to_string())]),
        DeValue::Array(items) => items.iter().map(|item| value(item.get_ref())).collect(),
        DeValue::Table(entries) => table(entries),
    }
}

/// A place in the document.
struct Leaf<'a> {
    /// The names that lead there, each with its own place.
    names: Vec<(String, Range<usize>)>,
    value: &'a DeValue<'a>,
    span: Range<usize>,
}

/// All leaves in the order of the text; a section without any is one itself.
fn leaves<'a>(entries: &'a DeTable<'a>, names: &[(String, Range<usize>)], found: &mut Vec<Leaf<'a>>) {
    for (name, entry) in entries {
        let names = [names, &[(name.get_ref().to_string(), name.span())]].concat();
        match entry.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => leaves(inner, &names, found),
            value => found.push(Leaf { names, value, span: entry.span() }),
        }
    }
    found.sort_unstable_by_key(|leaf| leaf.span.start);
}

/// The first key that is refused beside what must be there: the message, and its place.
fn blame<T: DeserializeOwned>(document: &DeTable<'_>, least: &Value) -> Option<(String, Range<usize>)> {
    let mut found = Vec::new();
    leaves(document, &[], &mut found);
    found.iter().find_map(|leaf| {
        let refuses = |value: Value| {
            let mut tree = least.clone();
            put(&mut tree, &leaf.names, value);
            serde_json::from_value::<T>(tree).err().map(|error| error.to_string())
        };
        let message = refuses(value(leaf.value))?;
        if let Some((_, span)) =
            leaf.names.iter().find(|(name, _)| message.contains(&format!("unknown field `{name}`")))
        {
            return Some((message, span.clone()));
        }
        // One item of a list may be to blame.
        let items = match leaf.value {
            DeValue::Array(items) => items.iter(),
            _ => [].iter(),
        };
        let item = items.map(|item| (refuses(Value::Array(vec![value(item.get_ref())])), item.span()));
        let item = item.into_iter().find_map(|(refused, span)| refused.map(|message| (message, span)));
        Some(item.unwrap_or((message, leaf.span.clone())))
    })
}

/// The section that lacks something.
fn missing<T: DeserializeOwned>(document: &DeTable<'_>, least: &Value, tree: &Value) -> Option<(String, Range<usize>)> {
    document.iter().find_map(|(name, _)| {
        let mut whole = least.clone();
        whole[&**name.get_ref()] = tree[&**name.get_ref()].clone();
        serde_json::from_value::<T>(whole).err().map(|error| (error.to_string(), name.span()))
    })
}

fn put(tree: &mut Value, names: &[(String, Range<usize>)], value: Value) {
    let Some(((name, _), rest)) = names.split_first() else { return };
    if !tree.is_object() {
        *tree = Value::Object(Map::new());
    }
    if rest.is_empty() {
        tree[name.as_str()] = value;
    } else {
        put(&mut tree[name.as_str()], rest, value);
    }
}

//! The file as a tree of values, and its leaves with their places.

use std::ops::Range;

use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};

pub(super) fn table(entries: &DeTable<'_>) -> Value {
    Value::Object(entries.iter().map(|(name, entry)| (name.get_ref().to_string(), value(entry.get_ref()))).collect())
}

pub(super) fn value(found: &DeValue<'_>) -> Value {
    // Refused by every setting, wherever it stands: TOML's own dates, and numbers beyond all bounds.
    let strange = || json!({ "\0": null });
    match found {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(is_true) => Value::Bool(*is_true),
        DeValue::Integer(number) => {
            let (digits, radix) = (number.as_str(), number.radix());
            let signed = i64::from_str_radix(digits, radix).map(Value::from);
            signed.or_else(|_| u64::from_str_radix(digits, radix).map(Value::from)).unwrap_or_else(|_| strange())
        }
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Value::from(number),
            _ => strange(),
        },
        DeValue::Datetime(_) => strange(),
        DeValue::Array(items) => items.iter().map(|item| value(item.get_ref())).collect(),
        DeValue::Table(entries) => table(entries),
    }
}

/// A place in the document.
pub(super) struct Leaf<'a> {
    /// The names that lead there, each with its own place.
    pub names: Vec<(String, Range<usize>)>,
    pub value: &'a DeValue<'a>,
    pub span: Range<usize>,
}

/// Collects all leaves in the order of the text; a section without any is one itself.
pub(super) fn leaves<'a>(entries: &'a DeTable<'a>, names: &[(String, Range<usize>)], found: &mut Vec<Leaf<'a>>) {
    for (name, entry) in entries {
        let names = [names, &[(name.get_ref().to_string(), name.span())]].concat();
        match entry.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => leaves(inner, &names, found),
            value => found.push(Leaf { names, value, span: entry.span() }),
        }
    }
    found.sort_unstable_by_key(|leaf| leaf.span.start);
}

pub(super) fn put(tree: &mut Value, names: &[(String, Range<usize>)], value: Value) {
    let Some(((name, _), rest)) = names.split_first() else { return };
    if !tree.is_object() {
        *tree = Value::Object(Map::new());
    }
    if rest.is_empty() {
        // A heading without keys removes nothing.
        if !(value.as_object().is_some_and(Map::is_empty) && tree[name.as_str()].is_object()) {
            tree[name.as_str()] = value;
        }
    } else {
        put(&mut tree[name.as_str()], rest, value);
    }
}

pub(super) fn remove(tree: &mut Value, names: &[(String, Range<usize>)]) {
    let (Some(((name, _), rest)), Some(members)) = (names.split_first(), tree.as_object_mut()) else { return };
    if rest.is_empty() {
        members.remove(name);
    } else if let Some(inner) = members.get_mut(name) {
        remove(inner, rest);
        // A section that is unknown goes with the last of its keys.
        if inner.as_object().is_some_and(Map::is_empty) {
            members.remove(name);
        }
    }
}

/// Adds what is required where it is missing.
pub(super) fn complete(tree: &mut Value, least: &Value) {
    for (section, keys) in least.as_object().into_iter().flatten() {
        if !tree[section.as_str()].is_object() {
            tree[section.as_str()] = json!({});
        }
        for (key, value) in keys.as_object().into_iter().flatten() {
            if tree[section.as_str()][key.as_str()].is_null() {
                tree[section.as_str()][key.as_str()] = value.clone();
            }
        }
    }
}

//! Reads settings from the tree that the file is.
//!
//! A deserialiser that carries places along would be compiled once more for every section, a quarter of a megabyte in
//! all. Instead the places of mistakes are looked for when there are any: each value is tried beside nothing but what
//! is required, and those that are refused are to blame.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::ops::Range;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use toml::de::{DeArray, DeTable, DeValue};

use crate::base::nearest;

use super::Fault;
use super::doubtful::Doubtful;
use super::error::line_and_column;
use super::rules::limits;
use super::syntax;
use super::tree::{Leaf, complete, leaves, put, remove, table, value};
use super::words::{Refused, key_alias};

/// The content of a file, as far as it can be understood, and what is wrong with it.
pub(super) struct Found<T> {
    /// The settings, without what was not understood.
    pub settings: T,
    pub faults: Vec<Fault>,
    pub doubtful: Doubtful,
}

/// Reads settings. `least` is a document that holds what is required, and nothing else; none if it is not even that.
pub(super) fn read<T: DeserializeOwned + Serialize>(text: &str, least: &Value) -> Option<Found<T>> {
    let (readable, errors) = syntax::without_broken_lines(text);
    let (document, remaining) = DeTable::parse_recoverable(&readable);
    let mut reading = Reading::<T> { text, least, faults: vec![], doubtful: Doubtful::default(), of: PhantomData };
    let broken_lines = reading.blame_syntax(&errors, document.get_ref());
    // What stands behind a line at which the parser gave up is unknown.
    if remaining.iter().any(|error| !syntax::is_of_repetition(error.message())) {
        reading.doubtful.add_everything();
    }
    let mut tree = table(document.get_ref());
    let mut found = Vec::new();
    leaves(document.get_ref(), &[], &mut found);
    // The deserialiser would accept a list of values for a section.
    let is_list = |leaf: &&Leaf<'_>| matches!(leaf.value, DeValue::Array(_));
    let has_list = found.iter().filter(is_list).any(|leaf| reading.tries(leaf, json!({})).is_none());
    let is_whole = errors.is_empty() && !has_list && serde_json::from_value::<T>(tree.clone()).is_ok();
    if !is_whole {
        for leaf in &found {
            let is_broken = broken_lines.contains(&line_and_column(text, leaf.span.start).0);
            if is_broken || reading.blame(leaf) {
                remove(&mut tree, &leaf.names);
            }
        }
        reading.blame_missing(document.get_ref());
    }
    complete(&mut tree, least);
    let settings = serde_json::from_value(tree).or_else(|_| serde_json::from_value(least.clone())).ok()?;
    Some(Found { settings, faults: reading.faults, doubtful: reading.doubtful })
}

/// The most faults that are told of one list.
const MAX_OF_A_LIST: usize = 50;

struct Reading<'a, T> {
    text: &'a str,
    least: &'a Value,
    faults: Vec<Fault>,
    doubtful: Doubtful,
    of: PhantomData<T>,
}

impl<T: DeserializeOwned + Serialize> Reading<'_, T> {
    /// Reports the lines that are not TOML: one fault for each, because after the first error in a line others follow.
    fn blame_syntax(&mut self, errors: &[toml::de::Error], parsed: &DeTable<'_>) -> BTreeSet<usize> {
        let mut lines = BTreeSet::new();
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let place = line_and_column(self.text, span.start);
            if lines.insert(place.0) {
                let (message, hint) = syntax::explain(error.message(), self.text, span.clone(), parsed);
                let hint = syntax::without_value(hint, |key| self.knows(key));
                self.faults.push(Fault { place: Some(place), message, hint: Some(hint), ..Fault::default() });
                self.doubt(syntax::section_at(self.text, span.start));
            }
        }
        lines
    }

    fn doubt(&mut self, section: Option<String>) {
        match section {
            Some(section) => self.doubtful.add(&section),
            None => self.doubtful.add_everything(),
        }
    }

    /// Returns what the deserialiser says of a value in this place, beside what is required; none if it accepts it.
    fn tries(&self, leaf: &Leaf<'_>, value: Value) -> Option<String> {
        let mut tree = self.least.clone();
        put(&mut tree, &leaf.names, value);
        serde_json::from_value::<T>(tree).err().map(|error| error.to_string())
    }

    /// Returns the value that holds where nothing is written in this place.
    fn default_of(&self, leaf: &Leaf<'_>) -> Option<Value> {
        let all = serde_json::from_value::<T>(self.least.clone()).ok()?;
        let mut inner = &serde_json::to_value(all).ok()?;
        for (name, _) in &leaf.names {
            inner = inner.get(name)?;
        }
        Some(inner.clone())
    }

    /// Whether the leaf is refused beside what is required; if so, this is reported.
    fn blame(&mut self, leaf: &Leaf<'_>) -> bool {
        let is_section = self.tries(leaf, json!({})).is_none();
        let refuses = |value: Value| {
            if is_section && value.is_array() {
                return Some("invalid type: a list".to_owned());
            }
            self.tries(leaf, value)
        };
        let Some(said) = refuses(value(leaf.value)) else { return false };
        if let Some(depth) = (1..leaf.names.len()).find(|depth| self.takes_several(&leaf.names[..*depth])) {
            self.blame_single(&leaf.names[..depth]);
            return true;
        }
        let names: Vec<String> = leaf.names.iter().map(|(name, _)| name.clone()).collect();
        if let Some((unknown, known)) = unknown(&said)
            && let Some(depth) = names.iter().position(|name| *name == unknown)
        {
            self.blame_unknown(&names[..depth], (&unknown, leaf.names[depth].1.start), &known);
            return true;
        }
        let key = if is_section { names.join(".") } else { names.last().cloned().unwrap_or_default() };
        let blamed = self.explain(
            &Refused {
                key: &key,
                section: names[..names.len().saturating_sub(1)].join("."),
                found: leaf.value,
                written: self.text.get(leaf.span.clone()).unwrap_or_default(),
                said: &said,
                refuses: &refuses,
                default: self.default_of(leaf),
                is_item: false,
                limits: limits(&names.join(".")),
            },
            leaf.span.start,
        );
        self.doubtful.add(&names.join("."));
        self.faults.extend(blamed);
        true
    }

    /// Whether there may be several sections of this name, each with a heading in double brackets.
    fn takes_several(&self, names: &[(String, Range<usize>)]) -> bool {
        let refuses = |value: Value| {
            let mut tree = self.least.clone();
            put(&mut tree, names, value);
            serde_json::from_value::<T>(tree).is_err()
        };
        !refuses(json!([{}])) && refuses(json!({ "": 0 })) && refuses(json!([0]))
    }

    fn blame_single(&mut self, names: &[(String, Range<usize>)]) {
        let path = names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(".");
        let fault = Fault {
            key: None,
            place: names.last().map(|(_, span)| line_and_column(self.text, span.start)),
            message: format!("there may be several sections [[{path}]], and this is one"),
            hint: Some(format!("write [[{path}]] in place of [{path}]")),
        };
        self.doubtful.add(&path);
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Explains a value that is refused: what in it is to blame, an item of a list or a key of an item, or else all of it.
    fn explain(&self, refused: &Refused<'_>, at: usize) -> Vec<Fault> {
        let is_list = || (refused.refuses)(json!([])).is_none();
        let is_section = || (refused.refuses)(json!({})).is_none();
        let mut blamed = match refused.found {
            DeValue::Array(items) if is_list() => self.explain_items(refused, items),
            DeValue::Table(members) if refused.is_item && is_section() => self.explain_members(refused, members),
            _ => vec![],
        };
        if blamed.is_empty() {
            blamed.push(refused.explain(line_and_column(self.text, at)));
        }
        blamed
    }

    fn explain_items(&self, list: &Refused<'_>, items: &DeArray<'_>) -> Vec<Fault> {
        let refuses = |value: Value| (list.refuses)(Value::Array(vec![value]));
        let mut blamed = Vec::new();
        for item in items {
            // Whoever made a mistake in one may have made it in thousands.
            if blamed.len() >= MAX_OF_A_LIST {
                break;
            }
            let Some(said) = refuses(value(item.get_ref())) else { continue };
            let refused = Refused {
                key: list.key,
                section: list.section.clone(),
                found: item.get_ref(),
                written: self.text.get(item.span()).unwrap_or_default(),
                said: &said,
                refuses: &refuses,
                default: None,
                is_item: true,
                limits: None,
            };
            blamed.extend(self.explain(&refused, item.span().start));
        }
        blamed
    }

    fn explain_members(&self, item: &Refused<'_>, members: &DeTable<'_>) -> Vec<Fault> {
        let mut blamed = Vec::new();
        for (name, member) in members {
            let key = name.get_ref().as_ref();
            let refuses = |value: Value| (item.refuses)(json!({ key: value }));
            let Some(said) = refuses(value(member.get_ref())) else { continue };
            if let Some((unknown, known)) = unknown(&said)
                && unknown == key
            {
                blamed.push(self.unknown_fault((key, name.span().start), &known));
                continue;
            }
            let refused = Refused {
                key,
                section: item.path(),
                found: member.get_ref(),
                written: self.text.get(member.span()).unwrap_or_default(),
                said: &said,
                refuses: &refuses,
                default: None,
                is_item: false,
                limits: None,
            };
            blamed.extend(self.explain(&refused, member.span().start));
        }
        blamed
    }

    /// Reports a key that is unknown in this section.
    fn blame_unknown(&mut self, section: &[String], (key, at): (&str, usize), known: &[String]) {
        // What was meant is not known, so nothing is said of it.
        let doubted = section.iter().map(String::as_str).chain(nearest(key, known.iter().map(String::as_str)));
        self.doubtful.add(&doubted.collect::<Vec<_>>().join("."));
        let fault = self.unknown_fault((key, at), known);
        // Every key of a section that is unknown leads to the same name.
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    fn unknown_fault(&self, (key, at): (&str, usize), known: &[String]) -> Fault {
        let near = || nearest(key, known.iter().map(String::as_str)).map(|near| format!("`{near}`"));
        let meant = match key_alias(key, known).map(str::to_owned).or_else(near) {
            Some(meant) => format!("did you mean {meant}? "),
            None => self.elsewhere(key).map(|section| format!("{section}; ")).unwrap_or_default(),
        };
        let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
        let hint =
            format!("{meant}known here: {known}; if a newer Gatelodge wrote it: this is {}", env!("CARGO_PKG_VERSION"));
        let message = format!("unknown key `{key}`");
        Fault { key: None, place: Some(line_and_column(self.text, at)), message, hint: Some(hint) }
    }

    /// Whether any section has a setting with this name.
    fn knows(&self, key: &str) -> bool {
        let mut known = Vec::new();
        let all = serde_json::from_value::<T>(self.least.clone()).ok().and_then(|all| serde_json::to_value(all).ok());
        keys_below(&all.unwrap_or_default(), "", &mut known);
        known.iter().any(|(_, name)| name == key)
    }

    /// Returns the other section in which a key of this name, or of one like it, is known.
    fn elsewhere(&self, key: &str) -> Option<String> {
        let all = serde_json::from_value::<T>(self.least.clone()).ok()?;
        let mut known = Vec::new();
        keys_below(&serde_json::to_value(all).ok()?, "", &mut known);
        if let Some((section, _)) = known.iter().find(|(_, name)| name == key) {
            return Some(format!("`{key}` belongs below [{section}]"));
        }
        let near = nearest(key, known.iter().map(|(_, name)| name.as_str()))?;
        let (section, _) = known.iter().find(|(_, name)| name == near)?;
        Some(format!("did you mean `{near}`, which belongs below [{section}]"))
    }

    /// Reports what is required and missing.
    fn blame_missing(&mut self, document: &DeTable<'_>) {
        for (section, keys) in self.least.as_object().into_iter().flatten() {
            let there = document.iter().find(|(name, _)| name.get_ref() == section);
            // Of a section that is mistyped, or with a line that could not be read, nobody knows what is missing.
            if self.doubtful.is_exactly(section) {
                continue;
            }
            for key in keys.as_object().into_iter().flat_map(Map::keys) {
                let is_there = there.is_some_and(|(_, value)| match value.get_ref() {
                    DeValue::Table(inner) => inner.iter().any(|(name, _)| name.get_ref() == key),
                    _ => true,
                });
                // Or it is there by a mistyped name.
                if is_there || self.doubtful.is_exactly(&format!("{section}.{key}")) {
                    continue;
                }
                let hint = match key.as_str() {
                    "url" => "write `url = \"https://auth.example.org\"` in [site]".to_owned(),
                    "from" => "write `from = \"Name <auth@example.org>\"` in [mail]".to_owned(),
                    key => format!("write `{key} = …` in [{section}]"),
                };
                let place = there.map(|(name, _)| line_and_column(self.text, name.span().start));
                self.faults.push(Fault { key: None, place, message: format!("`{key}` is missing"), hint: Some(hint) });
                self.doubtful.add(&format!("{section}.{key}"));
            }
        }
    }
}

/// Returns the key that is refused as unknown, and those that are known in its place.
fn unknown(said: &str) -> Option<(String, Vec<String>)> {
    let (key, known) = said.strip_prefix("unknown field `")?.split_once('`')?;
    Some((key.to_owned(), known.split('`').skip(1).step_by(2).map(str::to_owned).collect()))
}

/// Collects every key with the section it stands in.
fn keys_below(settings: &Value, section: &str, found: &mut Vec<(String, String)>) {
    for (name, inner) in settings.as_object().into_iter().flatten() {
        if !section.is_empty() {
            found.push((section.to_owned(), name.clone()));
        }
        let path = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
        keys_below(inner, &path, found);
    }
}

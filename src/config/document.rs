//! Reads settings from the tree that the file is.
//!
//! A deserialiser that carries places along would be compiled once more for every section, a quarter of a megabyte in
//! all. Instead the places of mistakes are looked for when there are any: each value is tried beside nothing but what
//! is required, and those that are refused are to blame.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};

use crate::base::nearest;

use super::Fault;
use super::error::line_and_column;
use super::rules::limits;
use super::syntax;
use super::tree::{Leaf, complete, leaves, put, remove, table, value};
use super::words::Refused;

/// The content of a file, as far as it can be understood, and what is wrong with it.
pub(super) struct Found<T> {
    /// The settings, without what was not understood.
    pub settings: T,
    pub faults: Vec<Fault>,
    pub doubtful: Doubtful,
}

/// The keys and sections that were not understood: no rule is judged by them.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubtful {
    everything: bool,
    paths: BTreeSet<String>,
}

impl Doubtful {
    /// Whether a key or section, anything in it, or what it is part of was not
    /// understood: its default may not be what was meant.
    pub(super) fn holds(&self, path: &str) -> bool {
        self.names(path) || self.paths.iter().any(|doubted| is_within(path, doubted))
    }

    /// Notes a key that was not understood.
    pub(super) fn add(&mut self, key: &str) {
        self.paths.insert(key.to_owned());
    }

    /// Whether a key or section, or anything in it, was not understood.
    pub(super) fn names(&self, path: &str) -> bool {
        self.everything || self.paths.iter().any(|doubted| is_within(doubted, path))
    }
}

fn is_within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Reads settings. `least` is a document that holds what is required, and nothing else; none if it is not even that.
pub(super) fn read<T: DeserializeOwned + Serialize>(text: &str, least: &Value) -> Option<Found<T>> {
    let (readable, errors) = syntax::without_broken_lines(text);
    let (document, remaining) = DeTable::parse_recoverable(&readable);
    let mut reading = Reading::<T> { text, least, faults: vec![], doubtful: Doubtful::default(), of: PhantomData };
    let broken_lines = reading.blame_syntax(&errors, document.get_ref());
    // What stands behind a line at which the parser gave up is unknown.
    reading.doubtful.everything |= remaining.iter().any(|error| !syntax::is_of_repetition(error.message()));
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
            Some(section) => drop(self.doubtful.paths.insert(section)),
            None => self.doubtful.everything = true,
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
        let names: Vec<String> = leaf.names.iter().map(|(name, _)| name.clone()).collect();
        if let Some((unknown, known)) = unknown(&said)
            && let Some(depth) = names.iter().position(|name| *name == unknown)
        {
            self.blame_unknown(&names[..depth], (&unknown, leaf.names[depth].1.start), &known);
            return true;
        }
        // One item of a list may be to blame, or several.
        let is_list = refuses(Value::Array(vec![])).is_none();
        let key = if is_section { names.join(".") } else { names.last().cloned().unwrap_or_default() };
        let default = self.default_of(leaf);
        let mut blamed = Vec::new();
        if let DeValue::Array(items) = leaf.value
            && is_list
        {
            for item in items {
                let refuses_item = |value: Value| refuses(Value::Array(vec![value]));
                if let Some(said) = refuses_item(value(item.get_ref())) {
                    let written = self.text.get(item.span()).unwrap_or_default();
                    let default = None;
                    let found = item.get_ref();
                    let refused = Refused {
                        key: &key,
                        found,
                        written,
                        said: &said,
                        refuses: &refuses_item,
                        default,
                        is_item: true,
                        limits: None,
                    };
                    blamed.push(refused.explain(line_and_column(self.text, item.span().start)));
                }
            }
        }
        if blamed.is_empty() {
            let written = self.text.get(leaf.span.clone()).unwrap_or_default();
            let found = leaf.value;
            let limits = limits(&names.join("."));
            let refused =
                Refused { key: &key, found, written, said: &said, refuses: &refuses, default, is_item: false, limits };
            blamed.push(refused.explain(line_and_column(self.text, leaf.span.start)));
        }
        self.doubtful.paths.insert(names.join("."));
        self.faults.extend(blamed);
        true
    }

    /// Reports a key that is unknown in this section.
    fn blame_unknown(&mut self, section: &[String], (key, at): (&str, usize), known: &[String]) {
        let near = nearest(key, known.iter().map(String::as_str));
        let meant = match near {
            Some(near) => format!("did you mean `{near}`? "),
            None => self.elsewhere(key).map(|section| format!("{section}; ")).unwrap_or_default(),
        };
        // What was meant is not known, so nothing is said of it.
        let doubted = section.iter().map(String::as_str).chain(near);
        self.doubtful.paths.insert(doubted.collect::<Vec<_>>().join("."));
        let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
        let hint =
            format!("{meant}known here: {known}; if a newer Gatelodge wrote it: this is {}", env!("CARGO_PKG_VERSION"));
        let fault = Fault {
            key: None,
            place: Some(line_and_column(self.text, at)),
            message: format!("unknown key `{key}`"),
            hint: Some(hint),
        };
        // Every key of a section that is unknown leads to the same name.
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
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
            if self.doubtful.everything || self.doubtful.paths.contains(section) {
                continue;
            }
            for key in keys.as_object().into_iter().flat_map(Map::keys) {
                let is_there = there.is_some_and(|(_, value)| match value.get_ref() {
                    DeValue::Table(inner) => inner.iter().any(|(name, _)| name.get_ref() == key),
                    _ => true,
                });
                // Or it is there by a mistyped name.
                if is_there || self.doubtful.paths.contains(&format!("{section}.{key}")) {
                    continue;
                }
                let hint = match key.as_str() {
                    "url" => "write `url = \"https://auth.example.org\"` in [site]".to_owned(),
                    "from" => "write `from = \"Name <auth@example.org>\"` in [mail]".to_owned(),
                    key => format!("write `{key} = …` in [{section}]"),
                };
                let place = there.map(|(name, _)| line_and_column(self.text, name.span().start));
                self.faults.push(Fault { key: None, place, message: format!("`{key}` is missing"), hint: Some(hint) });
                self.doubtful.paths.insert(format!("{section}.{key}"));
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

//! A sentence without its words: its key, and the values that stand in it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::base::{Timestamp, legible};

use super::length::Length;

/// A sentence of the catalogue. It has no `Display`: whoever shows it says in which language.
///
/// It is boxed, because it travels in errors, for which every result has room.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Text(Box<Sentence>);

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Sentence {
    key: Cow<'static, str>,
    values: BTreeMap<Cow<'static, str>, TextValue>,
}

/// What stands in a sentence.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TextValue {
    /// Words that stay as they are in every language, made safe by whoever put them here.
    Plain(String),
    /// Another sentence, in the language of the one around it.
    Text(Text),
    /// A date and a time.
    Time(Timestamp),
    /// A length of time.
    Length(Length),
}

impl Text {
    /// Names a sentence.
    pub(crate) fn of(key: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Sentence { key: key.into(), values: BTreeMap::new() }))
    }

    /// Adds a value.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<TextValue>) -> Self {
        self.0.values.insert(name.into(), value.into());
        self
    }

    /// Returns the key.
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// Returns the value of this name.
    pub(super) fn value(&self, name: &str) -> Option<&TextValue> {
        self.0.values.get(name)
    }
}

impl<T: Display> From<T> for TextValue {
    fn from(value: T) -> Self {
        // A value may be what a stranger typed, or another program said: in a sentence of ours it hides nothing. Ends of
        // lines stay: a page takes them for blanks, and a terminal is shown them as such.
        let lines = value.to_string();
        Self::Plain(lines.split('\n').map(legible).collect::<Vec<_>>().join("\n"))
    }
}

impl From<Length> for TextValue {
    fn from(length: Length) -> Self {
        Self::Length(length)
    }
}

impl From<Text> for TextValue {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_arrives_as_it_was_sent() {
        let sent = Text::of("a.b").with("c", Text::of("d.e").with("f", "g")).with("h", Length::promised(60));
        let line = serde_json::to_string(&sent).expect("JSON");
        assert_eq!(serde_json::from_str::<Text>(&line).expect("a text"), sent, "{line}");
    }
}

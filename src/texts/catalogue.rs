//! A catalogue of messages: the words of one language, by key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::language::Language;
use super::message::{Form, Message};

/// The messages of a language, or some of them.
#[derive(Debug)]
pub struct Catalogue {
    pub(super) language: Language,
    messages: BTreeMap<String, Message>,
    /// The lines that they stand in.
    lines: BTreeMap<String, usize>,
}

/// What is wrong with a catalogue.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CatalogueFault {
    /// The line.
    pub line: usize,
    /// What is wrong there, in English: administrators are told.
    pub reason: String,
}

impl fmt::Display for CatalogueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.reason)
    }
}

impl Catalogue {
    /// Reads a catalogue: messages in TOML, in tables whose names become the beginning of their keys. Beside what could be
    /// read it gives what could not.
    #[must_use]
    pub fn read(text: &str, language: Language) -> (Self, Vec<CatalogueFault>) {
        let mut catalogue = Self { language, messages: BTreeMap::new(), lines: BTreeMap::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        let lines = Lines::of(text);
        let mut faults: Vec<CatalogueFault> = errors
            .into_iter()
            .map(|error| CatalogueFault {
                line: lines.at(error.span().map_or(0, |span| span.start)),
                reason: error.message().to_owned(),
            })
            .collect();
        catalogue.add(&lines, "", table.get_ref(), &mut faults);
        (catalogue, faults)
    }

    fn add(&mut self, lines: &Lines, group: &str, table: &DeTable<'_>, faults: &mut Vec<CatalogueFault>) {
        for (name, value) in table {
            let key = format!("{group}{}", name.get_ref());
            let line = lines.at(name.span().start);
            match value.get_ref() {
                DeValue::String(sentence) => self.put(key, line, Message::Sentence(sentence.to_string())),
                DeValue::Table(table) => match forms(table) {
                    Some(forms) => self.put(key, line, Message::Forms(forms)),
                    None => self.add(lines, &format!("{key}."), table, faults),
                },
                _ => faults.push(CatalogueFault { line, reason: format!("`{key}` is no text") }),
            }
        }
    }

    fn put(&mut self, key: String, line: usize, message: Message) {
        self.lines.insert(key.clone(), line);
        self.messages.insert(key, message);
    }

    /// Forgets where its messages stand, which nobody asks of those that are built in.
    pub(super) fn without_lines(self) -> Self {
        Self { lines: BTreeMap::new(), ..self }
    }

    /// Adds the messages of another catalogue.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.messages.extend(other.messages);
        self
    }

    pub(super) fn get(&self, key: &str) -> Option<&Message> {
        self.messages.get(key)
    }

    /// Returns the line that a message stands in.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.lines.get(key).copied().unwrap_or_default()
    }

    /// Takes a message out.
    pub(super) fn remove(&mut self, key: &str) {
        self.messages.remove(key);
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = (&str, &Message)> {
        self.messages.iter().map(|(key, message)| (key.as_str(), message))
    }

    /// Returns the name of the language, in itself.
    pub(super) fn name(&self) -> Option<&str> {
        self.messages.get("language.name")?.sentences().next()
    }

    /// Returns every key.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.messages.keys().map(String::as_str)
    }

    /// Returns the sentences under a key: one, or one for each plural form.
    pub fn sentences(&self, key: &str) -> impl Iterator<Item = &str> {
        self.messages.get(key).into_iter().flat_map(Message::sentences)
    }

    /// Returns the names of the values that a message has a place for.
    #[must_use]
    pub fn placeholders(&self, key: &str) -> BTreeSet<&str> {
        self.messages.get(key).map(Message::placeholders).unwrap_or_default()
    }
}

/// Returns the plural forms in a table, if that is what it holds.
fn forms(table: &DeTable<'_>) -> Option<BTreeMap<Form, String>> {
    let form = |(name, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let name: &str = AsRef::<str>::as_ref(name.get_ref());
        Some((Form::named(name)?, value.get_ref().as_str()?.to_owned()))
    };
    let forms: Option<BTreeMap<Form, String>> = table.iter().map(form).collect();
    forms.filter(|forms| !forms.is_empty())
}

/// Where the lines of a text end.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// Returns the line that a byte stands in.
    fn at(&self, offset: usize) -> usize {
        1 + self.0.partition_point(|end| *end < offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_told_with_its_line() {
        let told = |text: &str| {
            let (_, faults) = Catalogue::read(text, Language::english());
            faults.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told("[a]\nb = 7"), ["2: `a.b` is no text"]);
        assert_eq!(told("[a]\nb = { one = 'x', other = 7 }"), ["2: `a.b.other` is no text"]);
        assert_eq!(told("[a]\nb = 'c'\n"), [""; 0]);
        assert!(told("a = 'b'\na = 'c'")[0].starts_with("2: "), "a key is there once");
        assert!(told("a = 'b'\nb = \n")[0].starts_with("2: "));
    }

    #[test]
    fn a_table_of_forms_is_one_message() {
        let (catalogue, faults) =
            Catalogue::read("[a.b]\none = '{count} day'\nother = '{count} days'", Language::english());
        assert_eq!((faults, catalogue.keys().collect::<Vec<_>>()), (vec![], vec!["a.b"]));
    }
}

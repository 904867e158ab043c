//! A catalogue of sentences: the words of one language, by key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use toml::de::{DeTable, DeValue};

use super::text::{Text, TextValue};

/// The sentences of a language.
#[derive(Debug, Default)]
pub struct Catalogue {
    sentences: BTreeMap<String, String>,
}

/// The reason why a text is no catalogue.
#[derive(Debug, Eq, PartialEq)]
pub enum NotACatalogue {
    /// It is not TOML.
    Syntax(String),
    /// What stands at this key is neither a sentence nor a group of them.
    NotASentence(String),
}

impl fmt::Display for NotACatalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => f.write_str(error),
            Self::NotASentence(key) => write!(f, "{key} is no sentence"),
        }
    }
}

impl std::error::Error for NotACatalogue {}

/// A part of a sentence.
enum Part<'a> {
    Words(&'a str),
    Placeholder(&'a str),
}

impl Catalogue {
    /// Reads a catalogue: sentences in TOML, in tables whose names become the beginning of their keys.
    pub fn read(text: &str) -> Result<Self, NotACatalogue> {
        let table = DeTable::parse(text).map_err(|error| NotACatalogue::Syntax(error.to_string()))?;
        let mut catalogue = Self::default();
        catalogue.add("", table.get_ref())?;
        Ok(catalogue)
    }

    fn add(&mut self, group: &str, table: &DeTable<'_>) -> Result<(), NotACatalogue> {
        for (name, value) in table {
            let key = format!("{group}{}", name.get_ref());
            match value.get_ref() {
                DeValue::String(sentence) => drop(self.sentences.insert(key, sentence.to_string())),
                DeValue::Table(table) => self.add(&format!("{key}."), table)?,
                _ => return Err(NotACatalogue::NotASentence(key)),
            }
        }
        Ok(())
    }

    /// Returns the English catalogue, which every sentence of the program is in.
    pub fn english() -> &'static Self {
        // A test reads it, so it can be read; if not, people would see keys, which is better than a crash.
        static ENGLISH: LazyLock<Catalogue> =
            LazyLock::new(|| Catalogue::read(include_str!("english.toml")).unwrap_or_default());
        &ENGLISH
    }

    /// Returns every key.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.sentences.keys().map(String::as_str)
    }

    /// Returns the names of the values that a sentence has a place for.
    pub fn placeholders(&self, key: &str) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        for part in self.sentences.get(key).map(|sentence| parts(sentence)).unwrap_or_default() {
            if let Part::Placeholder(name) = part {
                names.insert(name);
            }
        }
        names
    }

    /// Returns the words of a text. A key that is unknown stands for itself, and so does a place without a value: a
    /// program of another version may have sent it.
    pub fn render(&self, text: &Text) -> String {
        let Some(sentence) = self.sentences.get(text.key()) else { return text.key().to_owned() };
        let words = |part| match part {
            Part::Words(words) => words.to_owned(),
            Part::Placeholder(name) => match text.value(name) {
                Some(TextValue::Plain(value)) => value.clone(),
                Some(TextValue::Text(inner)) => self.render(inner),
                None => format!("{{{name}}}"),
            },
        };
        parts(sentence).into_iter().map(words).collect()
    }
}

impl Text {
    /// Returns the words in English.
    pub fn in_english(&self) -> String {
        Catalogue::english().render(self)
    }
}

/// Cuts a sentence at its `{placeholders}`, which are small letters and underscores; other braces are words.
fn parts(sentence: &str) -> Vec<Part<'_>> {
    let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let (mut found, mut rest) = (Vec::new(), sentence);
    while let Some((before, behind)) = rest.split_once('{') {
        rest = behind;
        match behind.split_once('}') {
            Some((name, after)) if is_name(name) => {
                found.extend([Part::Words(before), Part::Placeholder(name)]);
                rest = after;
            }
            _ => found.extend([Part::Words(before), Part::Words("{")]),
        }
    }
    found.push(Part::Words(rest));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        let text = "[greeting]\nmorning = 'Good morning, {name}.'\nbraces = 'Send {} or {No}, {name}.'\n\
                    twice = '{name}, {name}!'\naround.all = '{greeting} Bye.'\n";
        Catalogue::read(text).expect("a catalogue")
    }

    #[test]
    fn a_value_stands_where_the_sentence_has_a_place_for_it() {
        let told = |key: &'static str, name: &str| catalogue().render(&Text::of(key).with("name", name));
        assert_eq!(told("greeting.morning", "Ada"), "Good morning, Ada.");
        assert_eq!(told("greeting.twice", "Ada"), "Ada, Ada!");
        assert_eq!(told("greeting.braces", "Ada"), "Send {} or {No}, Ada.");
    }

    #[test]
    fn a_value_is_never_taken_for_a_place() {
        let text = Text::of("greeting.morning").with("name", "{name} {");
        assert_eq!(catalogue().render(&text), "Good morning, {name} {.");
    }

    #[test]
    fn a_sentence_can_stand_in_another() {
        let inner = Text::of("greeting.morning").with("name", 7);
        assert_eq!(
            catalogue().render(&Text::of("greeting.around.all").with("greeting", inner)),
            "Good morning, 7. Bye."
        );
    }

    #[test]
    fn what_is_unknown_stands_for_itself() {
        assert_eq!(catalogue().render(&Text::of("greeting.evening").with("name", "Ada")), "greeting.evening");
        assert_eq!(catalogue().render(&Text::of("greeting.morning")), "Good morning, {name}.");
    }

    #[test]
    fn a_text_arrives_as_it_was_sent() {
        let sent = Text::of("a.b").with("c", Text::of("d.e").with("f", "g"));
        let line = serde_json::to_string(&sent).expect("JSON");
        assert_eq!(serde_json::from_str::<Text>(&line).expect("a text"), sent, "{line}");
    }

    #[test]
    fn only_sentences_make_a_catalogue() {
        let refused = |text: &str| Catalogue::read(text).expect_err("no catalogue");
        assert_eq!(refused("[a]\nb = 7"), NotACatalogue::NotASentence("a.b".into()));
        assert!(matches!(refused("a = "), NotACatalogue::Syntax(_)));
        assert!(matches!(refused("a = 'b'\na = 'c'"), NotACatalogue::Syntax(_)), "a key is there once");
    }
}

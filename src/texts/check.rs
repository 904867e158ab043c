//! What can be wrong with a catalogue, beside the one that it is a translation of.

use std::collections::BTreeSet;

use crate::base::nearest;

use super::built_in::english;
use super::catalogue::{Catalogue, CatalogueFault};
use super::message::{COUNT, Form, Message};

/// The most bytes of a message.
const MAX_BYTES: usize = 2_000;

impl Catalogue {
    /// Takes out the messages that cannot be used, and says what is wrong with each.
    pub fn drop_what_is_wrong(&mut self) -> Vec<CatalogueFault> {
        let mut wrong = Vec::new();
        for (key, message) in self.messages() {
            if let Some(reason) = self.reason_against(key, message) {
                wrong.push((key.to_owned(), reason));
            }
        }
        let faults =
            wrong.iter().map(|(key, reason)| CatalogueFault { line: self.line_of(key), reason: reason.clone() });
        let mut faults: Vec<CatalogueFault> = faults.collect();
        faults.sort_by_key(|fault| fault.line);
        for (key, _) in wrong {
            self.remove(&key);
        }
        faults
    }

    /// Returns the keys of English messages that it lacks.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let is_for_people = |key: &&str| !key.starts_with("refusal.") && !key.starts_with("password.");
        english().keys().filter(is_for_people).filter(|key| self.get(key).is_none()).collect()
    }

    fn reason_against(&self, key: &str, message: &Message) -> Option<String> {
        let Some(original) = original(key) else {
            let meant = nearest(key, english().keys()).map(|key| format!("; did you mean `{key}`?"));
            return Some(format!("there is no text `{key}`{}", meant.unwrap_or_default()));
        };
        let mut known: BTreeSet<&str> = original.placeholders();
        if matches!(original, Message::Forms(_)) {
            known.insert(COUNT);
        }
        if let Some(name) = message.placeholders().difference(&known).next() {
            let meant = match nearest(name, known.iter().copied()) {
                Some(meant) => format!("did you mean {{{meant}}}?"),
                None if known.is_empty() => "it has none".to_owned(),
                None => {
                    format!("it has {}", known.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", "))
                }
            };
            return Some(format!("`{key}` has no value {{{name}}}; {meant}"));
        }
        if let Message::Forms(forms) = message {
            let of_language = Form::all_of(&self.language);
            if !matches!(original, Message::Forms(_)) {
                return Some(format!("`{key}` has no number that could decide between forms"));
            }
            if let Some(form) = forms.keys().find(|form| !of_language.contains(form) && **form != Form::Many) {
                return Some(format!("`{key}` has a form `{}`, which this language has not", form.as_str()));
            }
            if !forms.contains_key(&Form::Other) {
                return Some(format!("`{key}` has no form `other`"));
            }
        }
        message.sentences().find_map(|sentence| self.reason_against_words(key, sentence))
    }

    fn reason_against_words(&self, key: &str, sentence: &str) -> Option<String> {
        let is_mark = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if sentence.trim().is_empty() {
            Some(format!("`{key}` is empty"))
        } else if sentence.len() > MAX_BYTES {
            Some(format!("`{key}` is longer than {MAX_BYTES} bytes"))
        } else if sentence.chars().any(char::is_control) {
            Some(format!("`{key}` has a line break or another control character"))
        } else if sentence.chars().any(is_mark) && !self.language.is_right_to_left() {
            Some(format!("`{key}` has a mark that changes the direction of writing"))
        } else {
            None
        }
    }
}

/// Returns the English message that a key is a translation of. Lengths of time may have words for one place, which English
/// has none of its own for.
fn original(key: &str) -> Option<&'static Message> {
    let of_length = |rest: &str| Some(format!("length.{}", rest.split_once('.')?.1));
    let of_place = || key.strip_prefix("length.").and_then(of_length);
    english().get(key).or_else(|| english().get(&of_place()?))
}

#[cfg(test)]
mod tests {
    use crate::texts::Language;

    use super::*;

    fn told(tag: &str, text: &str) -> Vec<String> {
        let (mut catalogue, faults) = Catalogue::read(text, Language::parse(tag).expect("a tag"));
        assert_eq!(faults, []);
        let told = catalogue.drop_what_is_wrong().iter().map(ToString::to_string).collect();
        assert_eq!(catalogue.drop_what_is_wrong(), [], "what is wrong is out");
        told
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_what_was_meant() {
        for (text, reason) in [
            (
                "[pages.login]\ntitel = 'Anmelden'",
                "2: there is no text `pages.login.titel`; did you mean `pages.login.title`?",
            ),
            (
                "[mails.reset-password]\nsubject = 'Für {sites}'",
                "2: `mails.reset-password.subject` has no value {sites}; did you mean {site}?",
            ),
            ("[pages.login]\ntitle = '{site}'", "2: `pages.login.title` has no value {site}; it has none"),
            (
                "[pages.login]\ntitle = { one = 'a', other = 'b' }",
                "2: `pages.login.title` has no number that could decide between forms",
            ),
            ("[ago]\ndays = { few = 'a', other = 'b' }", "2: `ago.days` has a form `few`, which this language has not"),
            ("[ago]\ndays = { one = 'a' }", "2: `ago.days` has no form `other`"),
            ("[pages.login]\ntitle = ' '", "2: `pages.login.title` is empty"),
            (
                "[pages.login]\ntitle = \"a\\nb\"",
                "2: `pages.login.title` has a line break or another control character",
            ),
            (
                "[pages.login]\ntitle = \"a\\u202eb\"",
                "2: `pages.login.title` has a mark that changes the direction of writing",
            ),
        ] {
            assert_eq!(told("de", text), [reason]);
        }
        let none: [&str; 0] = [];
        assert_eq!(told("ar", "[pages.login]\ntitle = \"a\\u2067b\""), none);
        assert_eq!(told("de", "[length.within]\ndays = { one = '{count} Tag', other = '{count} Tagen' }"), none);
    }

    /// Every catalogue as it stands in the repository.
    fn catalogues() -> Vec<(Catalogue, String)> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/texts/catalogues");
        let read = |language: Language| {
            let file = format!("{folder}/{language}.toml");
            let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
            let (catalogue, faults) = Catalogue::read(&text, language);
            assert_eq!(faults, [], "{file}");
            (catalogue, file)
        };
        crate::texts::built_in_languages().map(read).collect()
    }

    #[test]
    fn every_language_is_whole_and_has_the_values_and_forms_that_it_needs() {
        for (mut catalogue, file) in catalogues() {
            assert_eq!(catalogue.drop_what_is_wrong(), [], "{file}");
            assert_eq!(catalogue.missing(), [""; 0], "{file}");
            let forms = Form::all_of(&catalogue.language);
            for (key, message) in catalogue.messages() {
                let original = original(key).expect("it is known");
                let (mut said, mut meant) = (message.placeholders(), original.placeholders());
                // A form for one thing may say it without its number.
                said.remove(COUNT);
                meant.remove(COUNT);
                assert_eq!(said, meant, "{file}: {key}");
                match (message, original) {
                    (Message::Forms(has), Message::Forms(_)) => {
                        assert_eq!(has.keys().copied().collect::<BTreeSet<_>>(), forms, "{file}: {key}");
                    }
                    (Message::Sentence(_), Message::Sentence(_)) => {}
                    _ => panic!("{file}: {key} has forms, or should have"),
                }
            }
        }
    }

    /// What is cut off is not read.
    #[test]
    fn what_must_be_short_is_short() {
        /// The most characters, where the name of the site has 15: of subjects, a text message, and what stands on
        /// buttons.
        const MAX: [(&str, usize); 6] = [
            (".subject", 75),
            ("sms.code", 70),
            (".submit", 40),
            (".button", 40),
            ("nav.account", 15),
            ("nav.log_out", 15),
        ];
        for (catalogue, file) in catalogues() {
            for (key, message) in catalogue.messages() {
                let Some((_, max)) = MAX.iter().find(|(end, _)| key.ends_with(end)) else { continue };
                for sentence in message.sentences() {
                    let length =
                        sentence.replace("{site}", "Seaview Gardens").replace("{code}", "123456").chars().count();
                    assert!(length <= *max, "{file}: {key} has {length} characters");
                }
            }
        }
    }
}

//! One message of a catalogue: a sentence, or the forms of one for different numbers, with places for values.

use std::collections::{BTreeMap, BTreeSet};

use icu_plurals::{PluralCategory, PluralRules};

use super::language::Language;

/// What a catalogue has under a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Message {
    /// A sentence.
    Sentence(String),
    /// A sentence for each plural form that the language has, chosen by the value `count`.
    Forms(BTreeMap<Form, String>),
}

/// The forms of the CLDR's plural rules.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "they have no other names")]
pub enum Form {
    Zero,
    One,
    Two,
    Few,
    Many,
    Other,
}

/// The name of the value that chooses a form.
pub(super) const COUNT: &str = "count";

impl Form {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Zero, "zero"),
        (Self::One, "one"),
        (Self::Two, "two"),
        (Self::Few, "few"),
        (Self::Many, "many"),
        (Self::Other, "other"),
    ];

    /// Returns the form of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(form, _)| form)
    }

    /// Returns its name in catalogues.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(form, _)| *form == self).map_or("other", |(_, name)| name)
    }

    /// Returns the form that a language uses for a number.
    pub(super) fn of(count: u64, language: &Language) -> Self {
        let category = rules(language).map_or(PluralCategory::Other, |rules| rules.category_for(count));
        match category {
            PluralCategory::Zero => Self::Zero,
            PluralCategory::One => Self::One,
            PluralCategory::Two => Self::Two,
            PluralCategory::Few => Self::Few,
            PluralCategory::Many => Self::Many,
            PluralCategory::Other => Self::Other,
        }
    }

    /// Returns the forms that a language has for the numbers that occur here.
    pub(super) fn all_of(language: &Language) -> BTreeSet<Self> {
        /// Some languages have a form from a million on, which nothing here comes to.
        const MAX: u64 = 1000;
        (0..=MAX).map(|count| Self::of(count, language)).chain([Self::Other]).collect()
    }
}

fn rules(language: &Language) -> Option<PluralRules> {
    let locale = icu_locale_core::Locale::try_from_str(language.as_str()).ok()?;
    PluralRules::try_new_cardinal(locale.into()).ok()
}

impl Message {
    /// Returns the sentence, in the form for a number if there are several.
    pub(super) fn sentence(&self, count: Option<u64>, language: &Language) -> &str {
        match self {
            Self::Sentence(sentence) => sentence,
            Self::Forms(forms) => {
                let form = count.map_or(Form::Other, |count| Form::of(count, language));
                forms.get(&form).or_else(|| forms.get(&Form::Other)).map(String::as_str).unwrap_or_default()
            }
        }
    }

    /// Returns its sentences.
    pub(super) fn sentences(&self) -> impl Iterator<Item = &str> {
        let (one, forms) = match self {
            Self::Sentence(sentence) => (Some(sentence), None),
            Self::Forms(forms) => (None, Some(forms.values())),
        };
        one.into_iter().chain(forms.into_iter().flatten()).map(String::as_str)
    }

    /// Returns the names of the values that it has a place for.
    pub(super) fn placeholders(&self) -> BTreeSet<&str> {
        let parts = self.sentences().flat_map(parts);
        parts.filter_map(|part| if let Part::Placeholder(name) = part { Some(name) } else { None }).collect()
    }
}

/// A part of a sentence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part<'a> {
    /// Words that stay as they are.
    Words(&'a str),
    /// The place of a value, by its name.
    Placeholder(&'a str),
}

/// Cuts a sentence at its `{placeholders}`, which are small letters and underscores; other braces are words.
pub(super) fn parts(sentence: &str) -> Vec<Part<'_>> {
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

    /// The forms that languages use for some numbers, from CLDR 48, by the first letters of their names (`1` is "one").
    #[test]
    fn numbers_have_the_forms_that_languages_have_for_them() {
        const NUMBERS: [u64; 25] =
            [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 14, 15, 19, 20, 21, 22, 25, 100, 101, 102, 103, 111, 112, 121];
        for (languages, forms) in [
            ("en de nl", "o1ooooooooooooooooooooooo"),
            ("it es", "o1ooooooooooooooooooooooo"),
            ("pt fr", "11ooooooooooooooooooooooo"),
            ("pl", "m1fffmmmmmmmmmmmfmmmffmmm"),
            ("ru uk", "m1fffmmmmmmmmmm1fmm1ffmm1"),
            ("cs", "o1fffoooooooooooooooooooo"),
            ("ar", "z12ffffffmmmmmmmmmooofmmm"),
            ("ja zh-Hans", "ooooooooooooooooooooooooo"),
        ] {
            for tag in languages.split(' ') {
                let language = Language::parse(tag).expect("a tag");
                let found = NUMBERS.map(|count| match Form::of(count, &language) {
                    Form::One => '1',
                    Form::Two => '2',
                    form => form.as_str().chars().next().unwrap_or_default(),
                });
                assert_eq!(found.iter().collect::<String>(), forms, "{tag}");
            }
        }
    }

    #[test]
    fn a_form_for_a_million_is_not_asked_for() {
        let of = |tag| Form::all_of(&Language::parse(tag).expect("a tag")).into_iter().collect::<Vec<_>>();
        assert_eq!(of("fr"), [Form::One, Form::Other]);
        assert_eq!(of("pl"), [Form::One, Form::Few, Form::Many, Form::Other]);
        assert_eq!(of("ja"), [Form::Other]);
    }
}

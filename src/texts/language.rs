//! Languages, as BCP 47 tags.

use std::fmt;
use std::sync::Arc;

use icu_locale_core::Locale;
use serde::{Deserialize, Serialize};

/// The tag of a language in its canonical form: `de`, `pt-BR`, `zh-Hans`.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(Arc<str>);

/// The text is no tag of a language.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotALanguage;

impl std::error::Error for NotALanguage {}

impl fmt::Display for NotALanguage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a language; write a tag like \"de\" or \"pt-BR\"")
    }
}

/// Languages that are written from right to left.
const RIGHT_TO_LEFT: [&str; 10] = ["ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"];

impl Language {
    /// The most bytes of a tag.
    pub const MAX_BYTES: usize = 35;

    /// Parses a tag in any case, with underscores in place of dashes if need be.
    ///
    /// # Errors
    /// When it is not well formed.
    pub fn parse(text: &str) -> Result<Self, NotALanguage> {
        if text.len() > Self::MAX_BYTES {
            return Err(NotALanguage);
        }
        let canonical = Locale::normalize(&text.replace('_', "-")).map_err(|_| NotALanguage)?.into_owned();
        // "und" is what stands for no language at all.
        if canonical.starts_with("und") { Err(NotALanguage) } else { Ok(Self(canonical.into())) }
    }

    /// Returns English, in which every text is there.
    #[must_use]
    pub fn english() -> Self {
        Self("en".into())
    }

    /// Returns the tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the tag, and then the same without its last parts: `zh-Hant-TW`, `zh-Hant`, `zh` (RFC 4647, 3.4).
    pub(super) fn and_wider(&self) -> impl Iterator<Item = &str> {
        wider(self.as_str())
    }

    /// Whether one of these languages is this one, or a wider one.
    #[must_use]
    pub fn is_among(&self, languages: impl IntoIterator<Item = Self>) -> bool {
        languages.into_iter().any(|one| self.and_wider().any(|tag| one.as_str() == tag))
    }

    /// Whether it is written from right to left.
    #[must_use]
    pub fn is_right_to_left(&self) -> bool {
        self.and_wider().any(|tag| RIGHT_TO_LEFT.contains(&tag))
    }
}

/// Returns a tag, and then what is left of it without its last parts. A part of one letter goes with what follows it.
pub(super) fn wider(tag: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(tag), |tag| {
        let shorter = tag.rsplit_once('-')?.0;
        Some(shorter.rsplit_once('-').filter(|(_, last)| last.len() == 1).map_or(shorter, |(head, _)| head))
    })
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Language {
    type Error = NotALanguage;

    fn try_from(text: String) -> Result<Self, NotALanguage> {
        Self::parse(&text)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_one_form() {
        for (typed, canonical) in
            [("DE", "de"), ("pt_br", "pt-BR"), ("ZH-hans", "zh-Hans"), ("de-x-formal", "de-x-formal"), ("qps", "qps")]
        {
            assert_eq!(Language::parse(typed).expect("a tag").as_str(), canonical);
        }
        let long = format!("de-x-{}", "a-".repeat(40));
        for typed in ["", "d", "german language", "<b>", "de\r\nX: y", "und", "../de", "de.toml", long.as_str()] {
            assert_eq!(Language::parse(typed), Err(NotALanguage), "{typed}");
        }
    }

    #[test]
    fn a_tag_is_widened_part_by_part() {
        let of = |tag| wider(tag).collect::<Vec<_>>();
        assert_eq!(of("zh-Hant-TW"), ["zh-Hant-TW", "zh-Hant", "zh"]);
        assert_eq!(of("de-x-formal"), ["de-x-formal", "de"]);
    }

    #[test]
    fn it_is_known_which_way_a_language_is_written() {
        let of = |tag| Language::parse(tag).expect("a tag").is_right_to_left();
        assert!(of("ar") && of("he-IL") && !of("de") && !of("arn"));
    }
}

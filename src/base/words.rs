//! The words by which people are found in a search: those of their names, of their address, of their number, folded so
//! that capitals, accents and widths do not matter.

use std::collections::BTreeSet;

use icu_normalizer::DecomposingNormalizerBorrowed;

/// The names of a person whose words are searched.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum NameSource {
    /// The e-mail address.
    Address,
    /// The user name.
    Username,
    /// The telephone number.
    Phone,
    /// The display name.
    DisplayName,
}

impl NameSource {
    /// Every source.
    pub const ALL: [Self; 4] = [Self::Address, Self::Username, Self::Phone, Self::DisplayName];

    /// Returns the number that stands in keys.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Address => 1,
            Self::Username => 2,
            Self::Phone => 3,
            Self::DisplayName => 4,
        }
    }

    /// The most words of it that are searched: each is a row, and a write changes fewer than a hundred.
    const fn max_words(self) -> usize {
        match self {
            Self::Phone => 1,
            Self::Username => 2,
            Self::Address | Self::DisplayName => 6,
        }
    }

    /// Returns the words by which a name of this source is found.
    #[must_use]
    pub fn words(self, name: &str) -> BTreeSet<String> {
        let words = match self {
            Self::Phone => vec![digits(name)],
            _ => words(name),
        };
        let mut all = BTreeSet::new();
        for word in words.into_iter().flat_map(|word| beginnings(&word)) {
            if all.len() < self.max_words() && !word.is_empty() {
                all.insert(word);
            }
        }
        all
    }
}

/// The most characters of a word that count.
const MAX_WORD_CHARS: usize = 24;
/// The most words of a search that count.
const MAX_SOUGHT: usize = 8;

/// Returns the words that are searched for: each must begin a word of the person. A number is one word, however it is
/// grouped.
#[must_use]
pub fn sought_words(text: &str) -> BTreeSet<String> {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '/' | '.' | '(' | ')' | ' ');
    let text = text.trim();
    let words = if text.starts_with('+') && text.chars().all(is_number) { vec![digits(text)] } else { words(text) };
    let mut all = BTreeSet::new();
    all.extend(words.into_iter().filter(|word| !word.is_empty()).take(MAX_SOUGHT));
    all
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).take(MAX_WORD_CHARS).collect()
}

fn words(text: &str) -> Vec<String> {
    // Folded before it is cut: what a letter stands for may be a sign between words.
    let folded = plain_letters(text).to_lowercase();
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(shortened).collect()
}

fn shortened(word: &str) -> String {
    word.chars().take(MAX_WORD_CHARS).collect()
}

/// Returns the word, and where a script writes none apart what begins at each letter: one looks for a given name
/// behind a family name.
fn beginnings(word: &str) -> Vec<String> {
    let is_unspaced =
        |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}');
    if !word.chars().any(is_unspaced) {
        return vec![word.to_owned()];
    }
    word.char_indices().map(|(start, _)| word[start..].to_owned()).collect()
}

/// Strips letters of the Latin script of their accents, and maps those of other widths to ASCII (UAX 15, NFKD).
#[must_use]
pub fn plain_letters(text: &str) -> String {
    let parted = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let letters = parted.chars().filter(|letter| !matches!(letter, '\u{300}'..='\u{36f}'));
    letters
        .map(|letter| match letter {
            'ø' | 'Ø' => 'o',
            'ł' | 'Ł' => 'l',
            'đ' | 'Đ' => 'd',
            'ı' => 'i',
            letter => letter,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(source: NameSource, name: &str, sought: &str) -> bool {
        let words = source.words(name);
        let sought = sought_words(sought);
        !sought.is_empty() && sought.iter().all(|one| words.iter().any(|word| word.starts_with(one.as_str())))
    }

    #[test]
    fn a_person_is_found_by_what_one_remembers() {
        for (source, name, sought) in [
            (NameSource::DisplayName, "Zoë Müller-Lüdenscheidt", "zoe"),
            (NameSource::DisplayName, "Zoë Müller-Lüdenscheidt", "LÜDEN mül"),
            (NameSource::DisplayName, "ŁUKASZ", "luk"),
            (NameSource::DisplayName, "山田太郎", "太郎"),
            (NameSource::DisplayName, "Ａｎｎａ", "anna"),
            (NameSource::Address, "anna.berg+wiki@mail.example.org", "berg"),
            (NameSource::Address, "anna.berg+wiki@mail.example.org", "anna.berg+wiki@mail.example.org"),
            (NameSource::Address, "anna@example.org", "@example.org"),
            (NameSource::Username, "anna_b", "anna_"),
            (NameSource::Phone, "+4930123456", "+49 (30) 12-34"),
            (NameSource::Phone, "+4930123456", "4930"),
        ] {
            assert!(found(source, name, sought), "{name} by {sought}");
        }
        assert!(!found(NameSource::DisplayName, "Anna Berg", "nna"));
        assert!(!found(NameSource::DisplayName, "Anna Berg", "anna x"));
        assert!(!found(NameSource::DisplayName, "Anna Berg", "!?"));
    }

    proptest! {
        #[test]
        fn words_can_stand_in_keys_and_are_few(name in any::<String>()) {
            for source in NameSource::ALL {
                let words = source.words(&name);
                prop_assert!(words.len() <= source.max_words());
                for word in words {
                    prop_assert!(!word.is_empty() && !word.contains('\0') && word.chars().count() <= MAX_WORD_CHARS);
                }
            }
            prop_assert!(sought_words(&name).len() <= MAX_SOUGHT);
        }
    }
}

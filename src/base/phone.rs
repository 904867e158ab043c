//! Telephone numbers.

use std::fmt;

use super::NotAName;
use super::typed::{ungrouped, unlinked};

/// A telephone number in the international form of ITU-T E.164: a plus sign, then at most 15 digits, the first no zero.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    const MIN_DIGITS: usize = 7;
    const MAX_DIGITS: usize = 15;

    /// Parses a number that begins with `+` or `00`. White space, dashes, dots, slashes and parentheses between digits
    /// are ignored, and so are `tel:` and the `(0)` that is dialled within the country only. Numbers as they are
    /// dialled within a country are refused, since which country is meant could only be guessed.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let text = ungrouped(unlinked(text, "tel:")).replacen("(0)", "", 1);
        let text = text.trim_start_matches('(');
        let rest = text.strip_prefix('+').or_else(|| text.strip_prefix("00")).ok_or(NotAName)?;
        let is_silent = |c: &char| matches!(c, '.' | '/' | '(' | ')');
        let digits: String = rest.chars().filter(|c| !is_silent(c)).collect();
        let fits = (Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&digits.len());
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        if fits && is_number { Ok(Self(format!("+{digits}"))) } else { Err(NotAName) }
    }

    /// Returns the number: `+4930123456`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_a_number_is_one_number() {
        for text in [
            "+49 30 123456",
            "0049-30-123456",
            "+49 (30) 12.34/56",
            " +4930123456 ",
            "tel:+49-30-123456",
            "+49\u{a0}30\u{2011}123456\n",
            "+49 (0)30 123456",
            "(+49) 30 123456",
        ] {
            assert_eq!(
                PhoneNumber::parse(text).map(|number| number.to_string()).as_deref(),
                Ok("+4930123456"),
                "{text}"
            );
        }
        for wrong in [
            "030 123456",
            "+0301234567",
            "+49",
            "+4930123456789012",
            "+49x30123456",
            "",
            "+",
            "++4930123456",
            "+٤٩٣٠١٢٣٤٥٦",
        ] {
            assert!(PhoneNumber::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_to_the_same(text in "\\PC{0,30}", digits in "\\+[1-9][0-9 ()./-]{6,20}") {
            for text in [text, digits] {
                if let Ok(number) = PhoneNumber::parse(&text) {
                    prop_assert!(number.as_str().len() <= 16);
                    prop_assert_eq!(PhoneNumber::parse(number.as_str()), Ok(number));
                }
            }
        }
    }
}

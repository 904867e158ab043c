//! The password policy: NIST SP 800-63B-4, 3.1.1.2, and ASVS 5.0 V6.2.

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::base::{Secret, plain_letters};
use crate::texts::{Text, password as say};

use super::blocklist::listed;
use super::constant_time_eq;
use super::guesses::{Piece, guesses};
use super::patterns::Cost;
use super::spelling::spellings;

/// A password that somebody typed, in Unicode normalisation form C, so that composed and decomposed accents are
/// the same password (NIST SP 800-63B-4, 3.1.1.2).
#[derive(Clone, Debug)]
pub struct Password(Secret<String>);

/// The reason why a text cannot be a password here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PasswordFault {
    /// Fewer code points than the policy asks for.
    TooShort {
        /// The least number of code points.
        min: usize,
    },
    /// More code points than are ever hashed.
    TooLong {
        /// The greatest number of code points.
        max: usize,
    },
    /// It contains a control character.
    NotPrintable,
    /// It is on the list of common passwords.
    Common,
    /// Little is left of it without names, words, rows and repetitions that everybody tries.
    Guessable(Piece),
    /// It is, or was, in use for this account, which must get another one.
    Reused,
}

impl PasswordFault {
    /// Returns what is wrong with the password.
    pub fn text(self) -> Text {
        match self {
            Self::TooShort { min } => say::too_short(min),
            Self::TooLong { max } => say::too_long(max),
            Self::NotPrintable => say::not_printable(),
            Self::Common => say::common(),
            Self::Guessable(piece) => say::guessable(piece.text()),
            Self::Reused => say::reused(),
        }
    }
}

impl Piece {
    /// Returns why a password of such pieces is easily guessed.
    pub fn text(self) -> Text {
        match self {
            Self::Named => say::mostly_names(),
            Self::Word => say::mostly_words(),
            Self::Row => say::mostly_rows(),
            Self::Repetition => say::mostly_repeated(),
            Self::Free => say::mostly_free(),
        }
    }
}

impl Password {
    /// The longest password that is hashed, in code points. A longer one is refused before hashing, never cut.
    pub const MAX_CHARS: usize = 1024;

    /// Takes a password as it was typed: nothing is trimmed.
    ///
    /// # Errors
    /// When it is too long or holds control characters. Too short is a matter of the policy,
    /// which an old password need not meet.
    pub fn parse(text: &str) -> Result<Self, PasswordFault> {
        // Before it is normalised, so that a huge text costs nothing; by `nth`, which stops at the limit.
        if text.chars().nth(Self::MAX_CHARS).is_some() {
            return Err(PasswordFault::TooLong { max: Self::MAX_CHARS });
        }
        if text.chars().any(char::is_control) {
            return Err(PasswordFault::NotPrintable);
        }
        let normalised = ComposingNormalizerBorrowed::new_nfc().normalize(text);
        Ok(Self(Secret::new(normalised.into_owned())))
    }

    /// Whether both are the same.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        constant_time_eq(self.bytes(), other.bytes())
    }

    /// Returns the bytes that are hashed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

/// The rules for a new password. There are no composition rules.
#[derive(Clone, Copy, Debug)]
pub struct PasswordPolicy {
    /// The least length, in Unicode code points.
    pub min_chars: usize,
}

impl PasswordPolicy {
    /// The least length that any configuration may ask for (NIST SP 800-63B-4, 3.1.1.2).
    pub const LEAST_MIN_CHARS: usize = 8;
    /// Shorter context words are parts of too many others.
    const MIN_CONTEXT_CHARS: usize = 4;
    /// What a password has to cost whoever guesses it, in tenths of a bit: more than two common words with a few
    /// digits, less than four words drawn from a list of thousands (`guesses`).
    const ENOUGH: Cost = 390;
    /// The same for each character of the least length, where a site asks for a short one.
    const ENOUGH_EACH: Cost = 26;

    /// Checks whether `password` may be chosen by somebody whose context holds these words: the
    /// site's name and host, the user name, the address.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn accept(&self, password: &Password, context: &[&str]) -> Result<(), PasswordFault> {
        let text = password.0.expose();
        if text.chars().count() < self.min_chars {
            return Err(PasswordFault::TooShort { min: self.min_chars });
        }
        let names = names(context);
        spellings(text).iter().try_for_each(|spelling| self.accept_spelling(spelling, &names))
    }

    fn accept_spelling(self, text: &str, names: &[String]) -> Result<(), PasswordFault> {
        let folded = text.to_lowercase();
        let unit = smallest_unit(&folded);
        if listed(unit).is_some() || unit.len() < folded.len() && unit.chars().count() < 5 {
            return Err(PasswordFault::Common);
        }
        let each = Cost::try_from(self.min_chars).unwrap_or(Cost::MAX).saturating_mul(Self::ENOUGH_EACH);
        // What is there more than twice is no harder to guess than what is there twice.
        let judged = if folded.len() > unit.len() * 2 { &folded[..unit.len() * 2] } else { text };
        match guesses(judged, names) {
            (cost, piece) if cost < Self::ENOUGH.min(each) => Err(PasswordFault::Guessable(piece)),
            _ => Ok(()),
        }
    }
}

/// Returns the words of the context: each as a whole, without what stands between, and part by part; in lower case, and
/// without accents too, because so is each password judged.
fn names(context: &[&str]) -> Vec<String> {
    let is_between = |c: char| !c.is_alphanumeric();
    let mut names = Vec::new();
    let mut note = |word: &str| {
        if word.chars().count() >= PasswordPolicy::MIN_CONTEXT_CHARS {
            names.push(word.to_lowercase());
        }
    };
    for entry in context {
        note(entry);
        if entry.contains(is_between) {
            note(&entry.replace(is_between, ""));
            entry.split(is_between).for_each(&mut note);
        }
    }
    let plain: Vec<String> = names.iter().filter(|name| !name.is_ascii()).map(|name| plain_letters(name)).collect();
    names.extend(plain.into_iter().filter(|name| name.chars().count() >= PasswordPolicy::MIN_CONTEXT_CHARS));
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the shortest piece that, repeated, gives `text`: `ab` for `ababab`.
fn smallest_unit(text: &str) -> &str {
    let repeats = |length: &usize| {
        text.is_char_boundary(*length)
            && text.len().is_multiple_of(*length)
            && text.as_bytes().chunks(*length).all(|piece| piece == &text.as_bytes()[..*length])
    };
    (1..text.len()).find(repeats).map_or(text, |length| &text[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: PasswordPolicy = PasswordPolicy { min_chars: 15 };
    const CONTEXT: &[&str] = &["Hill Street", "auth.example.org", "alice@example.org", "alice"];

    fn judge(text: &str) -> Result<(), PasswordFault> {
        POLICY.accept(&Password::parse(text)?, CONTEXT)
    }

    #[test]
    fn length_is_counted_in_code_points() {
        assert_eq!(judge("fourteen chars"), Err(PasswordFault::TooShort { min: 15 }));
        assert_eq!(judge("fifteen chars !"), Ok(()));
        assert_eq!(judge("🦔🦝🦊🐺🐗🦌🦬🐏🐐🦙🦒🐘🦣🦏🦛"), Ok(()));
    }

    #[test]
    fn a_password_of_1024_characters_is_whole_and_a_longer_one_refused() {
        let longest: String = "mole, vole, stoat; ".chars().cycle().take(1024).collect();
        assert_eq!(Password::parse(&longest).map(|p| p.bytes().len()).ok(), Some(1024));
        assert!(matches!(Password::parse(&(longest + "x")), Err(PasswordFault::TooLong { max: 1024 })));
    }

    #[test]
    fn context_words_do_not_count() {
        assert_eq!(judge("hillstreet-alice-2026"), Err(PasswordFault::Guessable(Piece::Named)));
        assert_eq!(judge("alice@example.org"), Err(PasswordFault::Guessable(Piece::Named)));
        assert_eq!(judge("Hill Street alice"), Err(PasswordFault::Guessable(Piece::Named)));
        assert_eq!(judge("alice1234567890hillstreet"), Err(PasswordFault::Guessable(Piece::Named)));
        assert_eq!(judge("alice rides her bicycle"), Ok(()));
        assert_eq!(judge("teertSlliH ecila 1990"), Err(PasswordFault::Guessable(Piece::Named)));
        let with_accents =
            Password::parse("Zoe Mullerstein Zoe").and_then(|it| POLICY.accept(&it, &["zoë.müllerstein@example.org"]));
        assert_eq!(with_accents, Err(PasswordFault::Guessable(Piece::Named)));
    }

    #[test]
    fn there_are_no_composition_rules() {
        assert_eq!(judge("only lower case letters"), Ok(()));
        assert_eq!(judge("passwordpassword"), Err(PasswordFault::Common));
    }

    #[test]
    fn the_reason_is_what_most_of_it_consists_of() {
        let guessable = |piece| Err(PasswordFault::Guessable(piece));
        for (text, judged) in [
            ("marmalade1234567", guessable(Piece::Word)),
            ("tulip98765432109876", guessable(Piece::Row)),
            ("x7kq2x7kq2x7kq2!", guessable(Piece::Repetition)),
            ("alice 1990 hillstreet", guessable(Piece::Named)),
            ("correcthorsebatterystaple", Err(PasswordFault::Common)),
            ("marmalademarmalade", Err(PasswordFault::Common)),
        ] {
            assert_eq!(judge(text), judged, "{text}");
        }
    }

    #[test]
    fn more_of_the_same_is_no_better() {
        for times in [1, 2, 3, 5, 6, 23, 46] {
            assert!(judge(&"passwordmondaypassword".repeat(times)).is_err(), "{times}");
        }
    }

    #[test]
    fn composed_and_decomposed_are_the_same_password() {
        let composed = Password::parse("caf\u{e9} au lait, 2 sugars").expect("printable");
        let decomposed = Password::parse("cafe\u{301} au lait, 2 sugars").expect("printable");
        assert_eq!(composed.bytes(), decomposed.bytes());
    }

    #[test]
    fn control_characters_are_refused() {
        assert!(matches!(Password::parse("nul \0 in the middle"), Err(PasswordFault::NotPrintable)));
    }
}

//! Codes that people type: six digits, or a recovery code.

use crate::base::{Moment, Secret, ungrouped};

use super::totp::DIGITS;

/// A code that was typed.
#[derive(Clone, Debug)]
pub enum TypedCode {
    /// Six digits, from an authenticator app or from a message.
    Digits(Secret<String>),
    /// A recovery code in its canonical form.
    Recovery(Secret<String>),
}

/// The text is no code of any kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotACode;

/// Crockford's alphabet: no letter that is taken for a digit, and no `u`.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 80 random bits, at 5 bits a character.
const RECOVERY_CHARS: usize = 16;

impl TypedCode {
    /// Parses what was typed: white space and dashes of any kind are ignored, and so
    /// is case; `o` is a zero, `i` and `l` are ones.
    ///
    /// # Errors
    /// When it cannot be a code.
    pub fn parse(text: &str) -> Result<Self, NotACode> {
        let meant = |c: char| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        };
        // Longer than any code, and short enough that a huge text is not copied.
        let plain: String = ungrouped(text).chars().map(meant).take(40).collect();
        if plain.len() == DIGITS && plain.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self::Digits(Secret::new(plain)));
        }
        let is_recovery = plain.len() == RECOVERY_CHARS && plain.bytes().all(|b| LETTERS.contains(&b));
        if is_recovery { Ok(Self::Recovery(Secret::new(plain))) } else { Err(NotACode) }
    }
}

/// Draws a recovery code: 80 random bits, in its canonical form.
pub fn draw_recovery_code(moment: &mut Moment) -> Secret<String> {
    let bytes: [u8; RECOVERY_CHARS] = moment.bytes();
    Secret::new(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte & 31)])).collect())
}

/// Formats a recovery code for printing, in groups of four.
#[must_use]
pub fn print_recovery_code(code: &str) -> String {
    let groups: Vec<&str> = code.as_bytes().chunks(4).filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join("-")
}

/// Draws six digits, all numbers equally likely.
pub fn draw_digits(moment: &mut Moment) -> Secret<String> {
    const MANY: u64 = 1_000_000;
    loop {
        let number = u64::from_be_bytes(moment.bytes());
        // Numbers beyond the last whole million would make the first ones likelier.
        if number < u64::MAX - u64::MAX % MANY {
            return Secret::new(format!("{:0DIGITS$}", number % MANY));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use proptest::prelude::*;

    fn canonical(text: &str) -> Option<String> {
        match TypedCode::parse(text) {
            Ok(TypedCode::Digits(code)) => Some(format!("digits {}", code.expose())),
            Ok(TypedCode::Recovery(code)) => Some(format!("recovery {}", code.expose())),
            Err(NotACode) => None,
        }
    }

    #[test]
    fn what_people_type_is_understood() {
        assert_eq!(canonical("123 456").as_deref(), Some("digits 123456"));
        for typed in [
            " 123456 ",
            "123\u{a0}456",
            "123\t456",
            "123456\r\n",
            "\u{feff}123\u{2011}456",
            "1 2 3 4 5 6",
            "123\u{200b}456",
        ] {
            assert_eq!(canonical(typed).as_deref(), Some("digits 123456"), "{typed:?}");
        }
        let recovery = Some("recovery 01abcdefghjkmnpq");
        for typed in ["01ab-cdef-ghjk-mnpq", "O1AB CDEF GHJK MNPQ", "oLabcdefghjkmnpq", "0iab-cdefghjkmnpq"] {
            assert_eq!(canonical(typed).as_deref(), recovery, "{typed}");
        }
        for nonsense in
            ["", "12345", "1234567", "uuuu-uuuu-uuuu-uuuu", "01ab-cdef-ghjk-mnp", &"0".repeat(4000), "１２３４５６"]
        {
            assert_eq!(canonical(nonsense), None, "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(seed: [u8; 32]) {
            let mut moment = Moment::new(Timestamp::default(), seed);
            let code = draw_recovery_code(&mut moment);
            let printed = print_recovery_code(code.expose());
            prop_assert_eq!(printed.len(), 19);
            prop_assert_eq!(canonical(&printed), Some(format!("recovery {}", code.expose())));
            let digits = draw_digits(&mut moment);
            prop_assert_eq!(canonical(digits.expose()), Some(format!("digits {}", digits.expose())));
        }
    }
}

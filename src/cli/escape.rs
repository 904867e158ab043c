//! Escapes text for a terminal.

use std::fmt::{self, Write as _};

/// Text that a terminal shows and does not obey.
struct Escaped(String);

impl fmt::Write for Escaped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            // Line ends are ours; text for the middle of a line has none, see [`one_line`].
            if c == '\n' || !is_dangerous(c) { self.0.push(c) } else { push_escape(&mut self.0, c)? }
        }
        Ok(())
    }
}

/// Whether a character is a control character of either set (ECMA-48), a line end of Unicode, reverses text (UAX 9, 2),
/// or is an invisible tag.
pub(super) fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Escapes a character as JSON does, so that a JSON document stays one, with the same content.
fn push_escape(text: &mut String, c: char) -> fmt::Result {
    c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(text, "\\u{unit:04x}"))
}

pub(super) fn escaped(words: fmt::Arguments<'_>) -> String {
    let mut text = Escaped(String::new());
    // This fails only if a `Display` does; what it wrote before that is shown.
    let _ = text.write_fmt(words);
    text.0
}

/// Escapes line ends, so that what somebody typed cannot begin a line that would pass for ours.
pub(super) fn one_line(text: &str) -> String {
    if text.contains('\n') { text.replace('\n', "\\n") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_moves_the_cursor_or_reverses_the_text() {
        for (text, shown) in [
            ("\u{1b}[31mred", "\\u001b[31mred"),
            ("a\rb\tc\u{7}", "a\\u000db\\u0009c\\u0007"),
            ("\u{9b}31m \u{202e}txt \u{e0041}", "\\u009b31m \\u202etxt \\udb40\\udc41"),
            ("Jürgen, 山田, नमस्ते\n", "Jürgen, 山田, नमस्ते\n"),
        ] {
            assert_eq!(escaped(format_args!("{text}")), shown);
        }
    }

    proptest! {
        #[test]
        fn a_document_means_the_same_afterwards(text in any::<String>()) {
            let document = serde_json::json!({"text": text});
            let printed = escaped(format_args!("{document:#}"));
            prop_assert!(printed.chars().all(|c| c == '\n' || !is_dangerous(c)));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).expect("JSON"), document);
        }
    }
}

//! Text that is safe to give to a terminal.

use std::fmt::{self, Write as _};

/// Text as a terminal may be given it.
struct Escaped(String);

impl fmt::Write for Escaped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            // Lines are ours to end; what stands in one line has none, see [`one_line`].
            if c == '\n' || !is_dangerous(c) { self.0.push(c) } else { push_escape(&mut self.0, c)? }
        }
        Ok(())
    }
}

/// Control characters of both sets (ECMA-48), line ends of Unicode, what reverses text (UAX 9, 2), and tags nobody sees.
pub fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// As JSON writes it, so that a document stays one, and the same.
fn push_escape(text: &mut String, c: char) -> fmt::Result {
    c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(text, "\\u{unit:04x}"))
}

pub fn escaped(words: fmt::Arguments<'_>) -> String {
    let mut text = Escaped(String::new());
    // Only a `Display` that fails makes this fail; what it wrote until then is shown.
    let _ = text.write_fmt(words);
    text.0
}

/// Text for the middle of a line: what somebody typed cannot begin another, which would pass for ours.
pub fn one_line(text: &str) -> String {
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

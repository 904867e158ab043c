//! What commands print. Standard output may be closed, or on a disk that is full: a command finishes its work whatever becomes of its
//! words, and says at its end that they were lost. std's `println!` panics there. And whatever is in what somebody typed, or another
//! machine said, nothing of it moves a terminal's cursor, colours its text or reverses it: all that is printed passes [`Escaped`].

use std::fmt::{self, Write as _};
use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

use super::Exit;
use super::log_queue::LogQueue;

/// The first fault in writing to standard output.
static FAULT: Mutex<Option<io::Error>> = Mutex::new(None);

/// Writes to standard output; see [`say!`].
pub fn write(words: fmt::Arguments<'_>) {
    // A server's words go where its log goes, in their order, and wait for nobody.
    if let Some(queue) = LogQueue::running() {
        return queue.push(escaped(words).as_bytes());
    }
    let mut fault = FAULT.lock().unwrap_or_else(PoisonError::into_inner);
    if fault.is_none() {
        *fault = io::stdout().write_all(escaped(words).as_bytes()).err();
    }
}

/// Writes a line to standard error, if anybody reads it.
pub fn write_error(words: fmt::Arguments<'_>) {
    // There is nowhere left to tell of a fault here.
    let _ = io::stderr().write_all(escaped(format_args!("{words}\n")).as_bytes());
}

/// Writes to standard error without ending the line, for a question.
pub fn ask_on_error(words: fmt::Arguments<'_>) {
    let _ = io::stderr().write_all(escaped(words).as_bytes());
}

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

fn escaped(words: fmt::Arguments<'_>) -> String {
    let mut text = Escaped(String::new());
    // Only a `Display` that fails makes this fail; what it wrote until then is shown.
    let _ = text.write_fmt(words);
    text.0
}

/// Text for the middle of a line: what somebody typed cannot begin another, which would pass for ours.
pub fn one_line(text: &str) -> String {
    if text.contains('\n') { text.replace('\n', "\\n") } else { text.to_owned() }
}

/// Ends what was printed.
///
/// # Errors
/// When not all of it could be written; not when the reader has gone, who had enough of it.
pub fn finish() -> Result<(), Exit> {
    if let Some(queue) = LogQueue::running() {
        queue.finish();
    }
    let mut fault = FAULT.lock().unwrap_or_else(PoisonError::into_inner);
    match fault.take().or_else(|| io::stdout().flush().err()) {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Exit::failed(format!("what was to be printed could not be written: {error}"))
                .with_hint("the command itself was carried out"))
        }
        _ => Ok(()),
    }
}

/// Prints a line to standard output, as `println!`, and never panics.
macro_rules! say {
    () => { $crate::cli::out::write(format_args!("\n")) };
    ($($words:tt)*) => { $crate::cli::out::write(format_args!("{}\n", format_args!($($words)*))) };
}

/// Prints a line to standard error, as `eprintln!`, and never panics.
macro_rules! tell {
    ($($words:tt)*) => { $crate::cli::out::write_error(format_args!($($words)*)) };
}

pub(crate) use {say, tell};

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

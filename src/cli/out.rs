//! What commands print. Standard output may be closed, or on a disk that is full: a command finishes its work whatever becomes of its
//! words, and says at its end that they were lost. std's `println!` panics there. And whatever is in what somebody typed, or another
//! machine said, nothing of it moves a terminal's cursor, colours its text or reverses it: all that is printed passes [`escaped`].

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

use super::Exit;
use super::escape::escaped;
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

//! The output of commands. Standard output may be closed, or on a full disk: a command completes its work all the same,
//! and reports at its end that output was lost, where std's `println!` panics. Whatever text of other people or
//! machines is printed, none of it moves a terminal's cursor, colours text or reverses it: everything passes
//! [`escaped`].

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

use super::Exit;
use super::escape::escaped;
use super::log_queue::LogQueue;

/// The first error in writing to standard output.
static FAULT: Mutex<Option<io::Error>> = Mutex::new(None);

/// Writes to standard output; see [`say!`].
pub(super) fn write(words: fmt::Arguments<'_>) {
    // A server's output goes through its log queue: in order with the log, and without waiting.
    if let Some(queue) = LogQueue::running() {
        return queue.push(escaped(words).as_bytes());
    }
    let mut fault = FAULT.lock().unwrap_or_else(PoisonError::into_inner);
    if fault.is_none() {
        *fault = io::stdout().write_all(escaped(words).as_bytes()).err();
    }
}

/// Writes a line to standard error. Errors are ignored.
pub(super) fn write_error(words: fmt::Arguments<'_>) {
    // There is nowhere left to report an error.
    let _ = io::stderr().write_all(escaped(format_args!("{words}\n")).as_bytes());
}

/// Writes to standard error without ending the line, for a question.
pub(super) fn ask_on_error(words: fmt::Arguments<'_>) {
    let _ = io::stderr().write_all(escaped(words).as_bytes());
}

/// Flushes the output.
///
/// # Errors
/// When not all of it could be written; not when the reader has gone, who had enough of it.
pub(super) fn finish() -> Result<(), Exit> {
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

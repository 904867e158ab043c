//! Standard input, typed or piped.

use std::fmt::Display;
use std::io::{BufRead, IsTerminal, stdin};

use clap::Args;

use crate::config::text_of;

use super::Exit;
use super::out;

/// Reads the next line of standard input, without its end; `None` at the end of input.
///
/// # Errors
/// When it cannot be read, or is no text.
pub(super) fn line() -> Result<Option<String>, Exit> {
    let mut bytes = Vec::new();
    stdin().lock().read_until(b'\n', &mut bytes).map_err(unreadable)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let line = text_of(bytes).map_err(unreadable)?;
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn unreadable(fault: impl Display) -> Exit {
    Exit::failed(format!("standard input: {fault}"))
}

/// What ends something for good asks first.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Sure {
    /// Do not ask first.
    #[arg(long)]
    yes: bool,
}

impl Sure {
    /// Asks for confirmation on a terminal.
    pub(super) fn make(self, what: &str) -> Result<(), Exit> {
        make_sure(self.yes, what)
    }
}

/// Asks before something is lost for good. Without a terminal nobody can answer: a script that runs the command means
/// it.
fn make_sure(means_it: bool, what: &str) -> Result<(), Exit> {
    if means_it || !stdin().is_terminal() {
        return Ok(());
    }
    // On standard error: standard output may be read by a program that waits for JSON.
    out::ask_on_error(format_args!("{what}\nGo on? [no]: "));
    match line()? {
        Some(answer) if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") => Ok(()),
        _ => Err(Exit::failed("nothing was changed").with_hint("answer yes, or write --yes, to go on")),
    }
}

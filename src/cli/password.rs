//! Passwords come from a prompt or from standard input, never from the arguments, which every user of the machine can
//! see.

use std::io::IsTerminal;

use super::{Exit, input};

/// Reads a new password: the first line of standard input, or twice from the terminal.
pub(super) fn read_new(from_stdin: bool) -> Result<String, Exit> {
    if from_stdin {
        return Ok(input::line()?.unwrap_or_default());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Exit::failed(
            "there is no terminal to ask for the password\nhint: pipe it in and add --password-stdin",
        ));
    }
    let ask = |prompt: &str| rpassword::prompt_password(prompt).map_err(Exit::failed);
    let password = ask("New password: ")?;
    if password == ask("Once more: ")? { Ok(password) } else { Err(Exit::failed("the two passwords differ")) }
}

//! The command line: one file per command. Only this layer prints.

mod access;
mod anew;
mod app_password;
mod approval;
mod audit;
mod backup;
mod check;
mod clock;
mod commands;
mod common;
mod courier;
mod demo;
mod doctor;
mod escape;
mod examples;
mod exit;
mod group;
mod health;
mod input;
mod invite;
mod key;
mod listening;
mod log_queue;
mod logging;
mod mail;
mod offline;
mod opening;
mod out;
mod password;
mod progress;
mod remedy;
mod restore;
mod serve;
mod session;
mod setup;
mod show;
mod signals;
mod supervisor;
mod surroundings;
mod system_clock;
mod throttle;
mod token;
mod user;
mod user_edit;
mod user_list;
mod webhook;

use std::process::ExitCode;

use clap::FromArgMatches;

pub use commands::Cli;
pub use examples::command;
pub use exit::Exit;

use out::tell;

/// Parses the arguments, runs the command, and reports how it ended.
pub fn main() -> ExitCode {
    let read = examples::command().try_get_matches().and_then(|found| Cli::from_arg_matches(&found));
    let ended = match read {
        Ok(cli) => {
            let outcome = cli.carry_out();
            let printed = out::finish();
            // A failed command may have had findings to print, as the doctor does: their loss is reported too.
            if let (Err(_), Err(lost)) = (&outcome, &printed) {
                tell!("gatelodge: {}", lost.message());
            }
            outcome.and(printed)
        }
        Err(told) => return misread(&told),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            // If standard error is closed, or its disk full, the exit status has to do.
            tell!("gatelodge: {exit}");
            exit.code()
        }
    }
}

/// Prints help, the version, or an error in the arguments; the error quotes some of what was typed.
fn misread(told: &clap::Error) -> ExitCode {
    if told.use_stderr() {
        out::ask_on_error(format_args!("{}", told.render()));
    } else {
        // There is nowhere left to report that it could not be printed.
        let _ = told.print();
    }
    ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(exit::USAGE))
}

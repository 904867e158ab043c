//! The command line: one file per command. Only this layer prints.

mod anew;
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
mod restore;
mod serve;
mod session;
mod setup;
mod show;
mod supervisor;
mod surroundings;
mod system_clock;
mod throttle;
mod token;
mod user;
mod webhook;

use std::process::ExitCode;

use clap::FromArgMatches;

pub use commands::Cli;
pub use examples::command;
pub use exit::Exit;

use out::tell;

/// Reads the arguments, does what they ask for, and says how it ended.
pub fn main() -> ExitCode {
    let read = examples::command().try_get_matches().and_then(|found| Cli::from_arg_matches(&found));
    let ended = match read {
        Ok(cli) => {
            let outcome = cli.carry_out();
            let printed = out::finish();
            // What a failed command found, as the doctor, was to be printed too.
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
            // Whoever has closed it, or filled the disk behind it, hears the exit code alone.
            tell!("gatelodge: {exit}");
            exit.code()
        }
    }
}

/// Help, the version, or what is wrong with the arguments, which holds some of what was typed.
fn misread(told: &clap::Error) -> ExitCode {
    if told.use_stderr() {
        out::ask_on_error(format_args!("{}", told.render()));
    } else {
        // Nobody is left to tell that it could not be printed.
        let _ = told.print();
    }
    ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(exit::USAGE))
}

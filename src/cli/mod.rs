//! The command line: one file per command. Only this layer prints.

mod anew;
mod approval;
mod audit;
mod backup;
mod check;
mod clock;
mod courier;
mod demo;
mod doctor;
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

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, FromArgMatches, Parser, Subcommand};

use crate::config::{Config, Draft};

pub use examples::command;
pub use exit::Exit;

use out::tell;

/// An authentication appliance for small networks.
///
/// People register, confirm their address, log in, and set forgotten passwords anew by mailed links. Try it with
/// `gatelodge demo`; run it for real with `gatelodge serve --config FILE`.
#[derive(Debug, Parser)]
#[command(name = "gatelodge", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

/// What every command accepts.
#[derive(Clone, Debug, Args)]
struct Common {
    /// The configuration file [default: /etc/gatelodge/gatelodge.toml].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print data as JSON.
    #[arg(long, global = true)]
    json: bool,
}

/// Which rows of a long list.
#[derive(Debug, Args)]
struct Page {
    /// Go on behind this id.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// How many rows.
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the appliance.
    Serve(serve::Serve),
    /// Make outgoing connections for a `gatelodge serve --courier SOCKET`, as a process of its own.
    Courier(courier::Courier),
    /// Try it on localhost, port 8443: nothing to set up, mails kept as files and their links printed.
    Demo(demo::Demo),
    /// Set it up: ask for what cannot be known, try each answer, write the configuration.
    Setup(Box<setup::Setup>),
    /// Look at the configuration and all it names (certificates, secrets, templates, folders), and say everything that is wrong.
    Check(check::Check),
    /// Look at a running installation from end to end, and say what is wrong and what to do.
    Doctor(doctor::Doctor),
    /// Accounts: add, list, show, passwd, confirm, disable, enable, delete, reset-factors, phone, group.
    #[command(subcommand)]
    User(user::User),
    /// Invitations: add, list, revoke.
    #[command(subcommand)]
    Invite(invite::Invite),
    /// Registrations that wait for a decision: list, approve, decline.
    #[command(subcommand)]
    Approval(approval::Approval),
    /// Groups: list, members, permit, forbid, disband. Who is in them: `user group`.
    #[command(subcommand)]
    Group(group::Group),
    /// Sessions: end somebody's, or everybody's.
    #[command(subcommand)]
    Session(session::Session),
    /// API tokens, with which programs act in somebody's name: add, list, revoke.
    #[command(subcommand)]
    Token(token::Token),
    /// Mail: test the configuration, look at the outbox, queue failed mails again.
    #[command(subcommand)]
    Mail(mail::Mail),
    /// Webhooks, by which other programs are told what happens: list, test, retry.
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    /// Write everything to a file, consistent, while the server runs or while it does not.
    Backup(backup::Backup),
    /// Make a store of a backup or a snapshot, with the server stopped.
    Restore(restore::Restore),
    /// Write everything in a form that any program can read: one JSON object a line.
    Export(backup::Export),
    /// Make a store of what another program, or `gatelodge export`, wrote; with the server stopped.
    Import(restore::Import),
    /// The keys that sign mailed links, and the one that seals what must be readable: rotate.
    #[command(subcommand)]
    Key(key::Key),
    /// Limits on tries: who has used theirs up, and letting them try again.
    #[command(subcommand)]
    Throttle(throttle::Throttle),
    /// The audit log: who did what, when, from where; and whether anybody changed it.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// What time it is believed to be, and believing the machine's clock again.
    #[command(subcommand)]
    Clock(clock::Clock),
}

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

impl Cli {
    fn carry_out(self) -> Result<(), Exit> {
        let Self { command, common } = self;
        match command {
            Command::Serve(serve) => serve.run(&common),
            Command::Courier(courier) => courier.run(&common),
            Command::Demo(demo) => demo.run(),
            Command::Setup(setup) => setup.run(&common),
            Command::Check(check) => check.run(&common),
            Command::Doctor(doctor) => doctor.run(&common),
            Command::User(user) => user.run(&common),
            Command::Invite(invite) => invite.run(&common),
            Command::Approval(approval) => approval.run(&common),
            Command::Group(group) => group.run(&common),
            Command::Session(session) => session.run(&common),
            Command::Token(token) => token.run(&common),
            Command::Mail(mail) => mail.run(&common),
            Command::Webhook(webhook) => webhook.run(&common),
            Command::Backup(backup) => backup.run(&common),
            Command::Restore(restore) => restore.run(&common),
            Command::Export(export) => export.run(&common),
            Command::Import(import) => import.run(&common),
            Command::Key(key) => key.run(&common),
            Command::Throttle(throttle) => throttle.run(&common),
            Command::Audit(audit) => audit.run(&common),
            Command::Clock(clock) => clock.run(&common),
        }
    }
}

impl Common {
    fn config_path(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| Config::DEFAULT_PATH.into())
    }

    fn config(&self) -> Result<Config, Exit> {
        Ok(self.draft().finish()?)
    }

    /// The configuration as far as it is understood.
    fn draft(&self) -> Draft {
        let path = self.config_path();
        // On the command line there is no service manager that hands them over; root finds them where it takes them from.
        let handed = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let credentials = handed.or_else(|| path.parent().map(|folder| folder.join("credentials")));
        Draft::read(&path, credentials.as_deref())
    }
}

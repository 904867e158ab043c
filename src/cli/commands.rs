//! All commands.

use clap::{Parser, Subcommand};

use super::common::Common;
use super::{
    Exit, access, app_password, approval, audit, backup, check, clock, courier, demo, doctor, group, health, invite,
    key, mail, restore, serve, session, setup, throttle, token, user, webhook,
};

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
    /// Look at the configuration and all it names (certificates, secrets, templates, folders), and say everything that
    /// is wrong.
    Check(check::Check),
    /// Look at a running installation from end to end, and say what is wrong and what to do.
    Doctor(doctor::Doctor),
    /// Ask the running server whether people can be served, for the health checks of containers.
    Health(health::Health),
    /// Accounts: add, list, show, passwd, confirm, disable, enable, delete, free-username, reset-factors, phone, group.
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
    /// Application passwords, with which programs use the applications behind the reverse proxy: add, list, revoke.
    #[command(subcommand)]
    AppPassword(app_password::AppPassword),
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
    /// Applications behind the reverse proxy: which rule decides about a request.
    #[command(subcommand)]
    Access(access::Access),
    /// The audit log: who did what, when, from where; and whether anybody changed it.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// What time it is believed to be, and believing the machine's clock again.
    #[command(subcommand)]
    Clock(clock::Clock),
}

impl Cli {
    pub(super) fn carry_out(self) -> Result<(), Exit> {
        let Self { command, common } = self;
        match command {
            Command::Serve(serve) => serve.run(&common),
            Command::Courier(courier) => courier.run(&common),
            Command::Demo(demo) => demo.run(),
            Command::Setup(setup) => setup.run(&common),
            Command::Check(check) => check.run(&common),
            Command::Doctor(doctor) => doctor.run(&common),
            Command::Health(health) => health.run(&common),
            Command::User(user) => user.run(&common),
            Command::Invite(invite) => invite.run(&common),
            Command::Approval(approval) => approval.run(&common),
            Command::Group(group) => group.run(&common),
            Command::Session(session) => session.run(&common),
            Command::Token(token) => token.run(&common),
            Command::AppPassword(app_password) => app_password.run(&common),
            Command::Mail(mail) => mail.run(&common),
            Command::Webhook(webhook) => webhook.run(&common),
            Command::Backup(backup) => backup.run(&common),
            Command::Restore(restore) => restore.run(&common),
            Command::Export(export) => export.run(&common),
            Command::Import(import) => import.run(&common),
            Command::Key(key) => key.run(&common),
            Command::Throttle(throttle) => throttle.run(&common),
            Command::Access(access) => access.run(&common),
            Command::Audit(audit) => audit.run(&common),
            Command::Clock(clock) => clock.run(&common),
        }
    }
}

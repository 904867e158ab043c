//! `gatelodge app-password`: application passwords, with which programs use the applications behind the reverse proxy.

use clap::{Args, Subcommand};

use crate::admin::answers::{self, Page, Revoked};
use crate::admin::{Command, command};
use crate::cli::out::say;

use super::common::Common;
use super::input::Sure;
use super::offline::carry_out;
use super::show::{Cell, columns};
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub(super) enum AppPassword {
    /// Make an application password for somebody; it is printed once.
    Add(Add),
    /// List somebody's application passwords, newest first.
    List(Owner),
    /// Revoke an application password: from now on it opens nothing.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(super) struct Owner {
    /// Id, address, user name or telephone number.
    user: String,
}

#[derive(Debug, Args)]
pub(super) struct Add {
    #[command(flatten)]
    owner: Owner,
    /// What to call it, like "calendar on the phone".
    #[arg(long)]
    name: String,
    /// The host of an application, or *.example.org for every host below it [default: all]. May be given more than
    /// once.
    #[arg(long = "host")]
    hosts: Vec<String>,
    /// When it ends, a time or a date, like 2027-01-31 [default: never].
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    owner: Owner,
    /// The password's id, as `list` shows it.
    id: String,
    #[command(flatten)]
    sure: Sure,
}

impl AppPassword {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        match self {
            Self::Add(Add { owner, name, hosts, expires_at }) => {
                let command = Command::AppPasswordAdd { user: owner.user, name, hosts, expires_at };
                made(common, &carry_out(config, command)?)
            }
            Self::List(Owner { user }) => {
                let list = Command::AppPasswordList(command::Named { user });
                let shown: Page<answers::AppPassword> = carry_out(config, list)?;
                show::page(&shown, columns![id, name, hosts, created_at, expires_at, last_used_at], common.json)
            }
            Self::Revoke(Revoke { owner, id, sure }) => {
                let user = owner.user;
                sure.make(&format!("Whatever program has the application password {id} of {user} is let in no more."))?;
                let shown: Revoked = carry_out(config, Command::AppPasswordRevoke { user, id })?;
                if common.json {
                    return show::json(&shown);
                }
                say!("The application password {} opens nothing any more.", shown.revoked);
                Ok(())
            }
        }
    }
}

/// Prints an application password that was made.
fn made(common: &Common, made: &answers::AppPassword) -> Result<(), Exit> {
    if common.json {
        return show::json(made);
    }
    let hosts = if made.hosts.is_empty() { "every application".to_owned() } else { made.hosts.cell() };
    let until = made.expires_at.map(|end| format!(" until {end}")).unwrap_or_default();
    say!("The application password {:?}, which is shown once, is good for {hosts}{until}:", made.name.cell());
    say!("  {}", made.password.cell());
    say!("Its id is {}.", made.id);
    Ok(())
}

//! `gatelodge token`: API tokens, with which programs act in somebody's name.

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
pub(super) enum Token {
    /// Make a token for somebody; it is printed once.
    Add(Add),
    /// List somebody's tokens, newest first.
    List(Owner),
    /// Revoke a token: from now on it opens nothing.
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
    /// What to call it, like "wiki".
    #[arg(long)]
    name: String,
    /// What it is good for: profile, ask, access, admin:read or admin:write. May be given more than once.
    #[arg(long = "scope", required = true)]
    scopes: Vec<String>,
    /// How long it works, a year at most [default: 90d].
    #[arg(long, value_name = "TIME")]
    within: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    owner: Owner,
    /// The token's id, as `list` shows it.
    id: String,
    #[command(flatten)]
    sure: Sure,
}

impl Token {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        match self {
            Self::Add(Add { owner, name, scopes, within }) => {
                let command = Command::TokenAdd { user: owner.user, name, scopes, within };
                made(common, &carry_out(config, command)?)
            }
            Self::List(Owner { user }) => {
                let shown: Page<answers::Token> = carry_out(config, Command::TokenList(command::Named { user }))?;
                show::page(&shown, columns![id, name, scopes, created_at, expires_at, last_used_at], common.json)
            }
            Self::Revoke(Revoke { owner, id, sure }) => {
                sure.make(&format!("Whatever program has the token {id} of {} is let in no more.", owner.user))?;
                let shown: Revoked = carry_out(config, Command::TokenRevoke { user: owner.user, id })?;
                if common.json {
                    return show::json(&shown);
                }
                say!("The token {} opens nothing any more.", shown.revoked);
                Ok(())
            }
        }
    }
}

/// Prints a token that was made.
fn made(common: &Common, token: &answers::Token) -> Result<(), Exit> {
    if common.json {
        return show::json(token);
    }
    let (name, scopes) = (token.name.cell(), token.scopes.cell());
    say!("The token {name:?}, which is shown once, is good for {scopes} until {}:", token.expires_at);
    say!("  {}", token.token.cell());
    say!("Its id is {}.", token.id);
    Ok(())
}

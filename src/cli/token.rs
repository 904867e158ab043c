//! `gatelodge token`: API tokens, with which programs act in somebody's name.

use clap::{Args, Subcommand};

use crate::admin::{Command, command};
use crate::cli::out::say;

use super::common::Common;
use super::input::Sure;
use super::offline::carry_out;
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token for somebody; it is printed once.
    Add(Add),
    /// List somebody's tokens, newest first.
    List(Owner),
    /// Revoke a token: from now on it opens nothing.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct Owner {
    /// Id, address, user name or telephone number.
    user: String,
}

#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    owner: Owner,
    /// What to call it, like "wiki".
    #[arg(long)]
    name: String,
    /// What it is good for: profile, ask, admin:read or admin:write. May be given more than once.
    #[arg(long = "scope", required = true)]
    scopes: Vec<String>,
    /// How long it works, a year at most [default: 90d].
    #[arg(long, value_name = "TIME")]
    within: Option<String>,
}

#[derive(Debug, Args)]
pub struct Revoke {
    #[command(flatten)]
    owner: Owner,
    /// The token's id, as `list` shows it.
    id: String,
    #[command(flatten)]
    sure: Sure,
}

impl Token {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        if let Self::Revoke(Revoke { owner, id, sure }) = &self {
            sure.make(&format!("Whatever program has the token {id} of {} is let in no more.", owner.user))?;
        }
        let shown = carry_out(config, self.command())?;
        if common.json || shown.get("items").is_some() {
            let columns = ["id", "name", "scopes", "created_at", "expires_at", "last_used_at"];
            return show::outcome(&shown, &columns, common.json);
        }
        match shown["token"].as_str() {
            Some(token) => {
                let (name, scopes) = (show::plain(&shown["name"]), show::plain(&shown["scopes"]));
                say!(
                    "The token {name:?}, which is shown once, is good for {scopes} until {}:",
                    show::plain(&shown["expires_at"])
                );
                say!("  {token}");
                say!("Its id is {}.", show::plain(&shown["id"]));
            }
            None => say!("The token {} opens nothing any more.", show::plain(&shown["revoked"])),
        }
        Ok(())
    }

    fn command(self) -> Command {
        match self {
            Self::Add(Add { owner, name, scopes, within }) => {
                Command::TokenAdd { user: owner.user, name, scopes, within }
            }
            Self::List(Owner { user }) => Command::TokenList(command::Named { user }),
            Self::Revoke(Revoke { owner, id, .. }) => Command::TokenRevoke { user: owner.user, id },
        }
    }
}

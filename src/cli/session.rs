//! `gatelodge session`: who is logged in.

use clap::{Args, Subcommand};

use crate::admin::Command;
use crate::cli::out::say;

use super::offline::carry_out;
use super::{Common, Exit, show};

#[derive(Debug, Subcommand)]
pub enum Session {
    /// End somebody's sessions, or everybody's: they log in anew, with their second factor where they have one.
    ///
    /// Refresh tokens, logins that wait for their second step, and the trust in browsers end as well; API tokens do not
    /// (`gatelodge token revoke`).
    End(Whose),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Whose {
    /// Id, address or user name of an account.
    user: Option<String>,
    /// Everybody's.
    #[arg(long)]
    all: bool,
}

impl Session {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let Self::End(Whose { user, .. }) = self;
        let shown = carry_out(common.config()?, Command::SessionEnd { user })?;
        if common.json {
            return show::json(&shown);
        }
        say!("{} sessions have ended.", show::plain(&shown["ended"]));
        Ok(())
    }
}

//! `gatelodge session`: ending sessions.

use clap::{Args, Subcommand};

use crate::admin::Command;
use crate::admin::answers::EndedSessions;
use crate::cli::out::say;

use super::common::Common;
use super::input::Sure;
use super::offline::carry_out;
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub(super) enum Session {
    /// End somebody's sessions, or everybody's: they log in anew, with their second factor where they have one.
    ///
    /// Refresh tokens, logins that wait for their second step, and the trust in browsers end as well; API tokens do not
    /// (`gatelodge token revoke`).
    End {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Whose {
    /// Id, address or user name of an account.
    user: Option<String>,
    /// Everybody's.
    #[arg(long)]
    all: bool,
}

impl Session {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let Self::End { whose: Whose { user, .. }, sure } = self;
        let config = common.config()?;
        if user.is_none() {
            sure.make("Everybody is logged out, everywhere, and browsers are no longer trusted.")?;
        }
        let shown: EndedSessions = carry_out(config, Command::SessionEnd { user })?;
        if common.json {
            return show::json(&shown);
        }
        say!("{} ended.", show::counted(shown.ended, "session has", "sessions have"));
        Ok(())
    }
}

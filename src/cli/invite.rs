//! `gatelodge invite`: links by which chosen people may register.

use clap::{Args, Subcommand};

use crate::admin::{Command, command};

use super::offline::carry_out;
use super::{Common, Exit, Page, show};

#[derive(Debug, Subcommand)]
pub enum Invite {
    /// Invite somebody: by mail to an address, or by a link that is printed once.
    Add(Add),
    /// List invitations, those that are over too for a month.
    List(Page),
    /// Take an invitation back. Registrations made with it that are not confirmed yet come to nothing.
    Revoke(Named),
}

#[derive(Debug, Args)]
pub struct Add {
    /// Whom to mail it to. Without, a link is printed that anybody may use who has it.
    #[arg(value_name = "EMAIL")]
    email: Option<String>,
    /// How many people may use the link [default: 1].
    #[arg(long, value_name = "N", conflicts_with = "email")]
    uses: Option<u32>,
    /// How long it works [default: 7d].
    #[arg(long, value_name = "TIME")]
    within: Option<String>,
    /// Put whoever uses it into this group; may be repeated.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Named {
    /// The invitation's id.
    id: String,
}

impl Invite {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let columns: &[&str] = match self {
            Self::List(_) => &["id", "email", "groups", "uses_left", "made_by", "expires_at"],
            _ => &[],
        };
        show::outcome(&carry_out(common.config()?, self.command())?, columns, common.json)
    }

    fn command(self) -> Command {
        match self {
            Self::Add(Add { email, uses, within, groups }) => Command::InviteAdd { email, within, uses, groups },
            Self::List(page) => Command::InviteList(command::Page { after: page.after, limit: page.limit }),
            Self::Revoke(Named { id }) => Command::InviteRevoke { id },
        }
    }
}

//! `gatelodge approval`: registrations that wait for a decision.

use clap::{Args, Subcommand};

use crate::admin::{Command, command};

use super::offline::carry_out;
use super::{Common, Exit, Page, show};

#[derive(Debug, Subcommand)]
pub enum Approval {
    /// List the registrations that wait: their addresses are confirmed.
    List(Page),
    /// Let somebody in. They are told by mail.
    Approve(Named),
    /// Delete a registration. Whoever made it is told by mail.
    Decline(Named),
}

#[derive(Debug, Args)]
pub struct Named {
    /// The registration's id.
    id: String,
}

impl Approval {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let columns: &[&str] = match self {
            Self::List(_) => &["id", "email", "username", "name", "confirmed_at"],
            _ => &[],
        };
        let command = match self {
            Self::List(page) => Command::ApprovalList(command::Page { after: page.after, limit: page.limit }),
            Self::Approve(Named { id }) => Command::ApprovalDecide { id, approve: true },
            Self::Decline(Named { id }) => Command::ApprovalDecide { id, approve: false },
        };
        show::outcome(&carry_out(common.config()?, command)?, columns, common.json)
    }
}

//! `gatelodge approval`: registrations that wait for a decision.

use clap::{Args, Subcommand};

use crate::admin::answers::{self, Decided, Registration};
use crate::admin::{Command, command};
use crate::cli::out::say;

use super::common::{Common, Page};
use super::input::Sure;
use super::offline::carry_out;
use super::show::columns;
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub(super) enum Approval {
    /// List the registrations that wait: their addresses are confirmed.
    List(Page),
    /// Let somebody in. They are told by mail.
    Approve {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        note: Note,
    },
    /// Delete a registration. Whoever made it is told by mail.
    Decline {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        note: Note,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// The registration's id.
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct Note {
    /// A sentence for the mail to whoever registered.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

impl Approval {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        let command = match self {
            Self::List(page) => {
                let command = Command::ApprovalList(command::Page { after: page.after, limit: page.limit });
                let shown: answers::Page<Registration> = carry_out(config, command)?;
                return show::page(&shown, columns![id, email, username, name, confirmed_at], common.json);
            }
            Self::Approve { named: Named { id }, note: Note { note } } => {
                Command::ApprovalDecide { id, approve: true, note }
            }
            Self::Decline { named: Named { id }, note: Note { note }, sure } => {
                sure.make(&format!("The registration {id} is deleted, and whoever made it is told."))?;
                Command::ApprovalDecide { id, approve: false, note }
            }
        };
        let decided: Decided = carry_out(config, command)?;
        if common.json {
            return show::json(&decided);
        }
        match decided {
            Decided::Declined { declined: id } => {
                say!("The registration {id} was declined and deleted; whoever made it is told by mail.");
            }
            Decided::Approved(account) => {
                say!("{} has an account now, and is told by mail.", show::name_of(&account));
            }
        }
        Ok(())
    }
}

//! `gatelodge group`: what people in groups may do.

use clap::{Args, Subcommand};

use crate::admin::Command;

use super::offline::carry_out;
use super::{Common, Exit, Page, show};

#[derive(Debug, Subcommand)]
pub enum Group {
    /// List the groups, and what their members may do.
    List,
    /// List the members of a group.
    Members(Members),
    /// Let the members of a group do something: a word that means something to an application that asks.
    Permit(Permission),
    /// Take a permission from a group.
    Forbid(Permission),
    /// Take everybody out of a group, and its permissions with it.
    Disband(Named),
}

#[derive(Debug, Args)]
pub struct Named {
    /// The group's name.
    group: String,
}

#[derive(Debug, Args)]
pub struct Members {
    /// The group's name.
    group: String,
    #[command(flatten)]
    page: Page,
}

#[derive(Debug, Args)]
pub struct Permission {
    /// The group's name.
    group: String,
    /// The permission, like "files:read".
    permission: String,
}

impl Group {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let columns: &[&str] = match self {
            Self::List => &["name", "permissions"],
            Self::Members(_) => &["id", "email", "username", "name", "disabled_at"],
            _ => &[],
        };
        show::outcome(&carry_out(common.config()?, self.command())?, columns, common.json)
    }

    fn command(self) -> Command {
        match self {
            Self::List => Command::GroupList,
            Self::Members(Members { group, page }) => {
                Command::GroupMembers { group, after: page.after, limit: page.limit }
            }
            Self::Permit(Permission { group, permission }) => Command::GroupPermit { group, permission, given: true },
            Self::Forbid(Permission { group, permission }) => Command::GroupPermit { group, permission, given: false },
            Self::Disband(Named { group }) => Command::GroupDisband { group },
        }
    }
}

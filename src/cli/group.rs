//! `gatelodge group`: groups and their permissions.

use clap::{Args, Subcommand};

use crate::admin::Command;
use crate::admin::answers::{self, Account, DisbandedGroup};
use crate::base::GroupName;
use crate::cli::out::say;
use crate::config::Config;

use super::common::{Common, Page};
use super::input::Sure;
use super::offline::carry_out;
use super::show::{Cell, columns};
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub(super) enum Group {
    /// List the groups, and what their members may do.
    List,
    /// List the members of a group.
    Members(Members),
    /// Let the members of a group do something: a word that means something to an application that asks.
    Permit(Permission),
    /// Take a permission from a group.
    Forbid(Permission),
    /// Take everybody out of a group, and its permissions with it.
    Disband {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// The group's name.
    group: String,
}

#[derive(Debug, Args)]
pub(super) struct Members {
    /// The group's name.
    group: String,
    #[command(flatten)]
    page: Page,
}

#[derive(Debug, Args)]
pub(super) struct Permission {
    /// The group's name.
    group: String,
    /// The permission, like "files:read".
    permission: String,
}

impl Group {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        match self {
            Self::List => {
                let shown: answers::Page<answers::Group> = carry_out(config, Command::GroupList)?;
                show::page(&shown, columns![name, permissions], common.json)
            }
            Self::Members(Members { group, page }) => {
                let command = Command::GroupMembers { group, after: page.after, limit: page.limit };
                let shown: answers::Page<Account> = carry_out(config, command)?;
                show::page(&shown, columns![id, email, username, name, disabled_at], common.json)
            }
            Self::Permit(permission) => permission.permit(common, config),
            Self::Forbid(permission) => permission.forbid(common, config),
            Self::Disband { named, sure } => disband(common, config, named.group, sure),
        }
    }
}

impl Permission {
    fn permit(self, common: &Common, config: Config) -> Result<(), Exit> {
        let Self { group, permission } = self;
        let is_new = !common.json && !new_among(&config, std::slice::from_ref(&group))?.is_empty();
        let the = if is_new { "the new group " } else { "" };
        let done = format!("The members of {the}{group} may {permission}");
        permitted(common, &done, &carry_out(config, Command::GroupPermit { group, permission, given: true })?)
    }

    fn forbid(self, common: &Common, config: Config) -> Result<(), Exit> {
        let Self { group, permission } = self;
        let done = format!("{permission} is not among what the members of {group} may do");
        permitted(common, &done, &carry_out(config, Command::GroupPermit { group, permission, given: false })?)
    }
}

/// Says what was done, and all that the members of the group may do now.
fn permitted(common: &Common, done: &str, group: &answers::Group) -> Result<(), Exit> {
    if common.json {
        return show::json(group);
    }
    say!("{done}; all they may do: {}.", group.permissions.cell());
    Ok(())
}

fn disband(common: &Common, config: Config, group: String, sure: Sure) -> Result<(), Exit> {
    // Looked at first: nobody should be asked about a group that does not exist.
    let looked = Command::GroupMembers { group: group.clone(), after: None, limit: 1 };
    carry_out::<answers::Page<Account>>(config.clone(), looked)?;
    sure.make(&format!("Everybody is taken out of {group}, and its permissions go with it."))?;
    let shown: DisbandedGroup = carry_out(config, Command::GroupDisband { group })?;
    if common.json {
        return show::json(&shown);
    }
    say!("There is no group {} any more.", shown.disbanded);
    Ok(())
}

/// Returns those of the groups that have neither members nor permissions yet, since a mistyped name makes another
/// group. To be asked before they are made.
pub(super) fn new_among(config: &Config, groups: &[String]) -> Result<Vec<String>, Exit> {
    if groups.is_empty() {
        return Ok(vec![]);
    }
    let shown: answers::Page<answers::Group> = carry_out(config.clone(), Command::GroupList)?;
    let is_known =
        |name: &String| name == GroupName::ADMINISTRATORS || shown.items.iter().any(|group| group.name == *name);
    Ok(groups.iter().filter(|name| !is_known(name)).cloned().collect())
}

/// Says which groups are new.
pub(super) fn say_new(groups: &[String]) {
    for group in groups {
        say!("{group} is a new group: nobody was in it before.");
    }
}

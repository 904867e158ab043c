//! `gatelodge group`: groups and their permissions.

use clap::{Args, Subcommand};

use serde_json::Value;

use crate::admin::Command;
use crate::base::GroupName;
use crate::cli::out::say;
use crate::config::Config;

use super::common::{Common, Page};
use super::input::Sure;
use super::offline::carry_out;
use super::{Exit, show};

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
    Disband {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        sure: Sure,
    },
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
        let config = common.config()?;
        let columns: &[&str] = match &self {
            Self::List => &["name", "permissions"],
            Self::Members(_) => &["id", "email", "username", "name", "disabled_at"],
            Self::Disband { named, sure } => {
                let group = named.group.clone();
                carry_out(config.clone(), Command::GroupMembers { group, after: None, limit: 1 })?;
                sure.make(&format!("Everybody is taken out of {}, and its permissions go with it.", named.group))?;
                &[]
            }
            _ => &[],
        };
        let done = if common.json { None } else { self.done(&config)? };
        let shown = carry_out(config, self.command())?;
        match done {
            Some(done) => say!("{done}{}", those_left(&shown)),
            _ => show::outcome(&shown, columns, common.json)?,
        }
        Ok(())
    }

    fn done(&self, config: &Config) -> Result<Option<String>, Exit> {
        Ok(Some(match self {
            Self::List | Self::Members(_) => return Ok(None),
            Self::Permit(Permission { group, permission }) => {
                let the =
                    if new_among(config, std::slice::from_ref(group))?.is_empty() { "" } else { "the new group " };
                format!("The members of {the}{group} may {permission}")
            }
            Self::Forbid(Permission { group, permission }) => {
                format!("{permission} is not among what the members of {group} may do")
            }
            Self::Disband { named, .. } => format!("There is no group {} any more", named.group),
        }))
    }

    fn command(self) -> Command {
        match self {
            Self::List => Command::GroupList,
            Self::Members(Members { group, page }) => {
                Command::GroupMembers { group, after: page.after, limit: page.limit }
            }
            Self::Permit(Permission { group, permission }) => Command::GroupPermit { group, permission, given: true },
            Self::Forbid(Permission { group, permission }) => Command::GroupPermit { group, permission, given: false },
            Self::Disband { named, .. } => Command::GroupDisband { group: named.group },
        }
    }
}

/// Returns those of the groups that have neither members nor permissions yet, since a mistyped name makes another
/// group. To be asked before they are made.
pub fn new_among(config: &Config, groups: &[String]) -> Result<Vec<String>, Exit> {
    if groups.is_empty() {
        return Ok(vec![]);
    }
    let shown = carry_out(config.clone(), Command::GroupList)?;
    let known: Vec<&str> =
        shown["items"].as_array().into_iter().flatten().filter_map(|group| group["name"].as_str()).collect();
    let is_new = |group: &&String| *group != GroupName::ADMINISTRATORS && !known.contains(&group.as_str());
    Ok(groups.iter().filter(is_new).cloned().collect())
}

/// Returns all that remains permitted to a group's members.
fn those_left(shown: &Value) -> String {
    match shown.get("permissions") {
        None => ".".into(),
        Some(permissions) => format!("; all they may do: {}.", show::plain(permissions)),
    }
}

//! `gatelodge invite`: links by which chosen people may register.

use clap::{Args, Subcommand};

use crate::admin::answers::{self, Invitation, Revoked};
use crate::admin::{Command, command};
use crate::cli::out::say;
use crate::config::Config;

use super::common::{Common, Page};
use super::group::{new_among, say_new};
use super::input::Sure;
use super::offline::carry_out;
use super::show::{Cell, columns};
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub(super) enum Invite {
    /// Invite somebody: by mail to an address, or by a link that is printed once.
    Add(Add),
    /// List invitations, those that are over too for a month.
    List(Page),
    /// Take an invitation back. Registrations made with it that are not confirmed yet come to nothing.
    Revoke {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Args)]
pub(super) struct Add {
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
pub(super) struct Named {
    /// The invitation's id.
    id: String,
}

impl Invite {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        match self {
            Self::Add(add) => add.run(common, config),
            Self::List(page) => {
                let command = Command::InviteList(command::Page { after: page.after, limit: page.limit });
                let shown: answers::Page<Invitation> = carry_out(config, command)?;
                show::page(&shown, columns![id, email, groups, uses_left, made_by, expires_at], common.json)
            }
            Self::Revoke { named: Named { id }, sure } => {
                sure.make(&format!("The invitation {id} works no more, nor do registrations made with it that wait."))?;
                let shown: Revoked = carry_out(config, Command::InviteRevoke { id })?;
                if common.json {
                    return show::json(&shown);
                }
                say!("The invitation {} works no more.", shown.revoked);
                Ok(())
            }
        }
    }
}

impl Add {
    fn run(self, common: &Common, config: Config) -> Result<(), Exit> {
        let Self { email, uses, within, groups } = self;
        let new_groups = if common.json { vec![] } else { new_among(&config, &groups)? };
        let shown: Invitation = carry_out(config, Command::InviteAdd { email, within, uses, groups })?;
        if common.json {
            return show::json(&shown);
        }
        let Invitation { id, email, uses_left, expires_at, link, .. } = shown;
        if let Some(link) = link {
            let people = show::counted(uses_left, "person", "people");
            say!("With this link, which is shown once, {people} may register until {expires_at}:");
            say!("  {link}");
        } else {
            say!("{} is invited until {expires_at}; a mail is on its way.", email.cell());
        }
        say!("It is taken back with: gatelodge invite revoke {id}");
        say_new(&new_groups);
        Ok(())
    }
}

//! `gatelodge invite`: links by which chosen people may register.

use clap::{Args, Subcommand};

use crate::admin::{Command, command};
use crate::cli::out::say;

use super::common::{Common, Page};
use super::group::new_among;
use super::input::Sure;
use super::offline::carry_out;
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub enum Invite {
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
        let config = common.config()?;
        if let Self::Revoke { named, sure } = &self {
            sure.make(&format!(
                "The invitation {} works no more, nor do registrations made with it that wait.",
                named.id
            ))?;
        }
        let (is_list, is_add) = (matches!(self, Self::List(_)), matches!(self, Self::Add(_)));
        let groups = match &self {
            Self::Add(add) if !common.json => new_among(&config, &add.groups)?,
            _ => vec![],
        };
        let shown = carry_out(config, self.command())?;
        if common.json || is_list {
            let columns = ["id", "email", "groups", "uses_left", "made_by", "expires_at"];
            return show::outcome(&shown, &columns, common.json);
        }
        match (is_add, shown["link"].as_str()) {
            (true, Some(link)) => {
                let people = show::counted(&shown["uses_left"], "person", "people");
                say!(
                    "With this link, which is shown once, {people} may register until {}:",
                    show::plain(&shown["expires_at"])
                );
                say!("  {link}");
                say!("It is taken back with: gatelodge invite revoke {}", show::plain(&shown["id"]));
            }
            (true, None) => {
                say!(
                    "{} is invited until {}; a mail is on its way.",
                    show::name_of(&shown),
                    show::plain(&shown["expires_at"])
                );
                say!("It is taken back with: gatelodge invite revoke {}", show::plain(&shown["id"]));
            }
            (false, _) => say!("The invitation {} works no more.", show::plain(&shown["revoked"])),
        }
        for group in groups {
            say!("{group} is a new group: nobody was in it before.");
        }
        Ok(())
    }

    fn command(self) -> Command {
        match self {
            Self::Add(Add { email, uses, within, groups }) => Command::InviteAdd { email, within, uses, groups },
            Self::List(page) => Command::InviteList(command::Page { after: page.after, limit: page.limit }),
            Self::Revoke { named, .. } => Command::InviteRevoke { id: named.id },
        }
    }
}

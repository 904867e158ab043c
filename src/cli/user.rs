//! `gatelodge user`: accounts, whether the server runs or not.

use clap::{Args, Subcommand};

use crate::admin::{Command, command};
use crate::cli::out::say;

use super::offline::carry_out;
use super::{Common, Exit, Page, password, show};

#[derive(Debug, Subcommand)]
pub enum User {
    /// Make an account.
    Add(Add),
    /// List accounts, or those of whose address or names something is a part.
    List {
        /// A part of the address, user name, number or name.
        #[arg(value_name = "PART")]
        part: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Show an account and its sessions.
    Show(Named),
    /// Set somebody's password. Their sessions end.
    Passwd(Passwd),
    /// Confirm an address in its owner's stead, if the mail does not arrive.
    Confirm(Named),
    /// Lock an account. Its sessions end.
    Disable(Named),
    /// Open a locked account.
    Enable(Named),
    /// Delete an account and all that is kept about it.
    Delete(Named),
    /// Take somebody's second factors away, who has lost them. Who it is has to be made sure of in another way.
    ResetFactors(Named),
    /// Give somebody a telephone number to log in with, or take it.
    Phone(Phone),
    /// Put somebody into a group, or take them out. The group "admins" administers the appliance.
    #[command(subcommand)]
    Group(Group),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Add {
    /// The address. Without --confirmed it is mailed a link to confirm it.
    #[arg(value_name = "EMAIL", required_unless_present_any = ["username", "phone"])]
    email: Option<String>,
    /// The user name.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The telephone number, with its country: "+49 30 123456".
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// What the person is called.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Make an administrator.
    #[arg(long)]
    admin: bool,
    /// Take the address as confirmed.
    #[arg(long)]
    confirmed: bool,
    /// Put the account into this group; may be repeated.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Read the password from standard input instead of asking for it.
    #[arg(long, conflicts_with = "no_password")]
    password_stdin: bool,
    /// Set no password: the person sets one by "Forgot your password?".
    #[arg(long)]
    no_password: bool,
}

#[derive(Debug, Args)]
pub struct Named {
    /// Id, address, user name or telephone number.
    user: String,
}

#[derive(Debug, Args)]
pub struct Phone {
    #[command(flatten)]
    named: Named,
    /// The number, with its country: "+49 30 123456".
    #[arg(required_unless_present = "none")]
    number: Option<String>,
    /// Take the number that is there.
    #[arg(long, conflicts_with = "number")]
    none: bool,
}

#[derive(Debug, Args)]
pub struct Passwd {
    /// Id, address, user name or telephone number.
    user: String,
    /// Read the password from standard input instead of asking for it.
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub enum Group {
    /// Put somebody into a group.
    Add(Membership),
    /// Take somebody out of a group.
    Remove(Membership),
}

#[derive(Debug, Args)]
pub struct Membership {
    /// Id, address, user name or telephone number.
    user: String,
    /// The group's name.
    group: String,
}

impl User {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        // The configuration first: nobody should type a password only to learn that it is refused.
        let config = common.config()?;
        let is_list = matches!(self, Self::List { .. });
        let done = self.done();
        let shown = carry_out(config, self.command()?)?;
        if common.json {
            return show::json(&shown);
        }
        if is_list {
            let items = shown["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            show::table(items, &["id", "email", "username", "name", "groups", "confirmed_at", "disabled_at"]);
            show::say_how_to_go_on(&shown);
            return Ok(());
        }
        if let Some(done) = done {
            say!("{done}");
        }
        show::object(&shown);
        Ok(())
    }

    fn done(&self) -> Option<&'static str> {
        Some(match self {
            Self::Add(_) => "The account exists.",
            Self::Passwd(_) => "The password is set, and the sessions have ended.",
            Self::Confirm(_) => "The address counts as confirmed.",
            Self::Disable(_) => "The account is locked, and its sessions have ended.",
            Self::Enable(_) => "The account is open.",
            Self::Delete(_) => "This account was deleted:",
            Self::Group(_) => "The groups are set.",
            Self::Phone(_) => "The telephone number is noted.",
            Self::List { .. } | Self::Show(_) | Self::ResetFactors(_) => return None,
        })
    }

    fn command(self) -> Result<Command, Exit> {
        Ok(match self {
            Self::Add(add) => Command::UserAdd {
                password: if add.no_password { None } else { Some(password::read_new(add.password_stdin)?) },
                email: add.email,
                username: add.username,
                phone: add.phone,
                name: add.name,
                admin: add.admin,
                confirmed: add.confirmed,
                groups: add.groups,
            },
            Self::List { part, page } => Command::UserList { part, after: page.after, limit: page.limit },
            Self::Show(named) => Command::UserShow(command::Named { user: named.user }),
            Self::Passwd(passwd) => {
                Command::UserPasswd { password: password::read_new(passwd.password_stdin)?, user: passwd.user }
            }
            Self::Phone(phone) => Command::UserPhone { user: phone.named.user, phone: phone.number },
            Self::Confirm(named) => Command::UserConfirm(command::Named { user: named.user }),
            Self::Disable(named) => Command::UserDisable(command::Named { user: named.user }),
            Self::Enable(named) => Command::UserEnable(command::Named { user: named.user }),
            Self::Delete(named) => Command::UserDelete(command::Named { user: named.user }),
            Self::ResetFactors(named) => Command::UserResetFactors(command::Named { user: named.user }),
            Self::Group(Group::Add(row)) => Command::UserGroup { user: row.user, group: row.group, member: true },
            Self::Group(Group::Remove(row)) => Command::UserGroup { user: row.user, group: row.group, member: false },
        })
    }
}

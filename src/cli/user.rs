//! `gatelodge user`: accounts.

use clap::{Args, Subcommand};

use serde_json::Value;

use crate::admin::{Command, command, precheck};
use crate::cli::out::say;
use crate::config::Config;

use super::common::{Common, Page};
use super::group::new_among;
use super::input::Sure;
use super::offline::carry_out;
use super::{Exit, password, show};

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
    Delete(Ended),
    /// Take somebody's second factors away, who has lost them. Who it is has to be made sure of in another way.
    ResetFactors(Ended),
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
    /// Set no password: the person is mailed a link to choose one, which confirms the address as well.
    #[arg(long)]
    no_password: bool,
}

#[derive(Debug, Args)]
pub struct Named {
    /// Id, address, user name or telephone number.
    user: String,
}

#[derive(Debug, Args)]
pub struct Ended {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    sure: Sure,
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
        // The configuration comes first: nobody should type a password only to learn that it is refused.
        let config = common.config()?;
        self.make_sure(&config)?;
        let told = Told::of(&self);
        let groups = match &self {
            _ if common.json => vec![],
            Self::Add(add) => new_among(&config, &add.groups)?,
            Self::Group(Group::Add(row)) => new_among(&config, std::slice::from_ref(&row.group))?,
            _ => vec![],
        };
        let shown = carry_out(config.clone(), self.command(&config)?)?;
        if common.json {
            return show::json(&shown);
        }
        match told {
            Told::List => {
                let columns = ["id", "email", "username", "name", "groups", "confirmed_at", "disabled_at"];
                return show::outcome(&shown, &columns, false);
            }
            Told::All => show::object(&shown),
            told => say!("{}", told.sentence(&shown)),
        }
        for group in groups {
            say!("{group} is a new group: nobody was in it before.");
        }
        Ok(())
    }

    /// Asks for confirmation, with the account's name and what happens to it.
    fn make_sure(&self, config: &Config) -> Result<(), Exit> {
        let (ended, what) = match self {
            Self::Delete(ended) => (ended, "is deleted with all that is kept about it, for good"),
            Self::ResetFactors(ended) => (ended, "loses every second factor and recovery code, for good"),
            _ => return Ok(()),
        };
        let user = ended.named.user.clone();
        let shown = carry_out(config.clone(), Command::UserShow(command::Named { user }))?;
        let name = shown["name"].as_str().map(|name| format!(" ({name})")).unwrap_or_default();
        ended.sure.make(&format!("{}{name} {what}.", show::name_of(&shown)))
    }

    fn command(self, config: &Config) -> Result<Command, Exit> {
        Ok(match self {
            Self::Add(add) => add.command()?,
            Self::List { part, page } => Command::UserList { part, after: page.after, limit: page.limit },
            Self::Show(named) => Command::UserShow(command::Named { user: named.user }),
            Self::Passwd(Passwd { user, password_stdin }) => {
                if !password_stdin {
                    carry_out(config.clone(), Command::UserShow(command::Named { user: user.clone() }))?;
                }
                Command::UserPasswd { password: password::read_new(password_stdin)?, user }
            }
            Self::Phone(phone) if phone.number.as_ref().is_some_and(|number| number.eq_ignore_ascii_case("none")) => {
                return Err(Exit::failed("\"none\" is no telephone number")
                    .with_hint("to take the number that is there: gatelodge user phone USER --none"));
            }
            Self::Phone(phone) => Command::UserPhone { user: phone.named.user, phone: phone.number },
            Self::Confirm(named) => Command::UserConfirm(command::Named { user: named.user }),
            Self::Disable(named) => Command::UserDisable(command::Named { user: named.user }),
            Self::Enable(named) => Command::UserEnable(command::Named { user: named.user }),
            Self::Delete(ended) => Command::UserDelete(command::Named { user: ended.named.user }),
            Self::ResetFactors(ended) => Command::UserResetFactors(command::Named { user: ended.named.user }),
            Self::Group(Group::Add(row)) => Command::UserGroup { user: row.user, group: row.group, member: true },
            Self::Group(Group::Remove(row)) => Command::UserGroup { user: row.user, group: row.group, member: false },
        })
    }
}

impl Add {
    /// Checks what was typed before the password is asked for.
    fn command(self) -> Result<Command, Exit> {
        let (no_password, password_stdin) = (self.no_password, self.password_stdin);
        let mut command = Command::UserAdd {
            password: None,
            email: self.email,
            username: self.username,
            phone: self.phone,
            name: self.name,
            admin: self.admin,
            confirmed: self.confirmed,
            groups: self.groups,
        };
        precheck(&command)?;
        if let Command::UserAdd { password, .. } = &mut command
            && !no_password
        {
            *password = Some(password::read_new(password_stdin)?);
        }
        Ok(command)
    }
}

/// The kind of message when it is done.
enum Told {
    List,
    All,
    Added { mail: Option<&'static str> },
    Passwd,
    Confirmed,
    Disabled,
    Enabled,
    Deleted,
    FactorsReset,
    Phone,
    Group { group: String, member: bool },
}

impl Told {
    fn of(user: &User) -> Self {
        match user {
            User::Add(add) => Self::Added {
                mail: match add {
                    Add { email: None, .. } => None,
                    Add { no_password: true, .. } => Some("a mail to choose a password is on its way"),
                    Add { confirmed: false, .. } => Some("a mail to confirm it is on its way"),
                    _ => None,
                },
            },
            User::List { .. } => Self::List,
            User::Show(_) => Self::All,
            User::Passwd(_) => Self::Passwd,
            User::Confirm(_) => Self::Confirmed,
            User::Disable(_) => Self::Disabled,
            User::Enable(_) => Self::Enabled,
            User::Delete(_) => Self::Deleted,
            User::ResetFactors(_) => Self::FactorsReset,
            User::Phone(_) => Self::Phone,
            User::Group(Group::Add(row)) => Self::Group { group: row.group.clone(), member: true },
            User::Group(Group::Remove(row)) => Self::Group { group: row.group.clone(), member: false },
        }
    }

    fn sentence(&self, shown: &Value) -> String {
        let name = show::name_of(shown);
        match self {
            Self::List | Self::All => String::new(),
            Self::Added { mail: Some(mail) } => format!("{name} has an account now; {mail}."),
            Self::Added { mail: None } => format!("{name} has an account now, and may log in."),
            Self::Passwd => format!("{name} has a new password; the sessions of before have ended."),
            Self::Confirmed => format!("{name} counts as confirmed, and may log in."),
            Self::Disabled => format!("{name} is locked out, and the sessions have ended."),
            Self::Enabled => format!("{name} may log in again."),
            Self::Deleted => format!("{name} was deleted, with all that was kept about it."),
            Self::FactorsReset => match shown["second_factors_end_at"].as_str() {
                Some(at) => {
                    format!("{name} loses the second factors at {at}, unless a login with one of them stops that.")
                }
                None => format!("{name} has no second factor any more."),
            },
            Self::Phone => match shown["phone"].as_str() {
                Some(phone) => format!("{name} may log in by {phone}."),
                None => format!("{name} has no telephone number any more."),
            },
            Self::Group { group, member } => {
                let is = if *member { "is in" } else { "is not in" };
                format!("{name} {is} the group {group}; the groups are now: {}.", show::plain(&shown["groups"]))
            }
        }
    }
}

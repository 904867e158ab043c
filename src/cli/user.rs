//! `gatelodge user`: accounts.

use clap::{Args, Subcommand};

use crate::admin::answers::{self, Account, AccountInDetail, FactorsReset, FreedUsername};
use crate::admin::{Command, command, precheck};
use crate::cli::out::say;
use crate::config::Config;

use super::common::Common;
use super::group::{new_among, say_new};
use super::input::Sure;
use super::offline::carry_out;
use super::show::{Cell, columns};
use super::user_edit::Edit;
use super::user_list::Found;
use super::{Exit, password, show};

#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Make an account.
    Add(Add),
    /// List accounts, or find some by the words that their names or address begin with.
    List(Found),
    /// Show an account and its sessions.
    Show(Named),
    /// Correct somebody's name, user name or address.
    Edit(Edit),
    /// Set somebody's password. Their sessions end.
    Passwd(Passwd),
    /// Mail somebody a link to set a password. Links from before stop working.
    SendReset(Named),
    /// Confirm an address in its owner's stead, if the mail does not arrive.
    Confirm(Named),
    /// Lock an account. Its sessions end.
    Disable(Named),
    /// Open a locked account.
    Enable(Named),
    /// Delete an account and all that is kept about it.
    Delete(Ended),
    /// Free a user name that somebody gave up, by choosing another or with their account. Until then nobody else gets it.
    FreeUsername(Freed),
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
pub(super) struct Add {
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
pub(super) struct Named {
    /// Id, address, user name or telephone number.
    user: String,
}

#[derive(Debug, Args)]
pub(super) struct Ended {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    sure: Sure,
}

#[derive(Debug, Args)]
pub(super) struct Freed {
    /// The user name.
    #[arg(value_name = "NAME")]
    username: String,
    #[command(flatten)]
    sure: Sure,
}

#[derive(Debug, Args)]
pub(super) struct Phone {
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
pub(super) struct Passwd {
    /// Id, address, user name or telephone number.
    user: String,
    /// Read the password from standard input instead of asking for it.
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Group {
    /// Put somebody into a group.
    Add(Membership),
    /// Take somebody out of a group.
    Remove(Membership),
}

#[derive(Debug, Args)]
pub(super) struct Membership {
    /// Id, address, user name or telephone number.
    user: String,
    /// The group's name.
    group: String,
}

impl User {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        // The configuration comes first: nobody should type a password only to learn that it is refused.
        let config = common.config()?;
        match self {
            Self::Add(add) => add.run(common, &config),
            Self::List(found) => {
                let command = Command::UserList(found.wanted());
                let shown: answers::Page<Account> = carry_out(config, command)?;
                show::page(&shown, columns![id, email, username, name, groups, confirmed_at, disabled_at], common.json)
            }
            Self::Show(Named { user }) => show::document(&look_at(&config, user)?, common.json),
            Self::Edit(edit) => edit.run(common),
            Self::Passwd(passwd) => passwd.run(common, &config),
            Self::SendReset(Named { user }) => {
                let account = carry_out(config, Command::UserSendReset(command::Named { user }))?;
                done(common, &account, |name| format!("A link to set a password is on its way to {name}."))
            }
            Self::Confirm(Named { user }) => {
                let account = carry_out(config, Command::UserConfirm(command::Named { user }))?;
                done(common, &account, |name| format!("{name} counts as confirmed, and may log in."))
            }
            Self::Disable(Named { user }) => {
                let account = carry_out(config, Command::UserDisable(command::Named { user }))?;
                done(common, &account, |name| format!("{name} is locked out, and the sessions have ended."))
            }
            Self::Enable(Named { user }) => {
                let account = carry_out(config, Command::UserEnable(command::Named { user }))?;
                done(common, &account, |name| format!("{name} may log in again."))
            }
            Self::Delete(ended) => {
                ended.make_sure(&config, "is deleted with all that is kept about it, for good")?;
                let account = carry_out(config, Command::UserDelete(command::Named { user: ended.named.user }))?;
                done(common, &account, |name| format!("{name} was deleted, with all that was kept about it."))
            }
            Self::FreeUsername(freed) => freed.run(common, config),
            Self::ResetFactors(ended) => ended.reset_factors(common, config),
            Self::Phone(phone) => phone.run(common, config),
            Self::Group(Group::Add(row)) => row.add(common, config),
            Self::Group(Group::Remove(row)) => row.remove(common, config),
        }
    }
}

fn look_at(config: &Config, user: String) -> Result<AccountInDetail, Exit> {
    carry_out(config.clone(), Command::UserShow(command::Named { user }))
}

/// Says what became of an account.
fn done(common: &Common, account: &Account, sentence: impl FnOnce(&str) -> String) -> Result<(), Exit> {
    if common.json {
        return show::json(account);
    }
    say!("{}", sentence(&show::name_of(account)));
    Ok(())
}

/// Returns those of the groups that are new, where that is said.
fn new_groups(common: &Common, config: &Config, groups: &[String]) -> Result<Vec<String>, Exit> {
    if common.json { Ok(vec![]) } else { new_among(config, groups) }
}

impl Add {
    fn run(self, common: &Common, config: &Config) -> Result<(), Exit> {
        let groups = new_groups(common, config, &self.groups)?;
        let mail = self.mail();
        let account = carry_out(config.clone(), self.command()?)?;
        done(common, &account, |name| match mail {
            Some(mail) => format!("{name} has an account now; {mail}."),
            None => format!("{name} has an account now, and may log in."),
        })?;
        say_new(&groups);
        Ok(())
    }

    /// Returns what is said of the mail that follows.
    fn mail(&self) -> Option<&'static str> {
        match self {
            Self { email: None, .. } => None,
            Self { no_password: true, .. } => Some("a mail to choose a password is on its way"),
            Self { confirmed: false, .. } => Some("a mail to confirm it is on its way"),
            _ => None,
        }
    }

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

impl Passwd {
    fn run(self, common: &Common, config: &Config) -> Result<(), Exit> {
        let Self { user, password_stdin } = self;
        if !password_stdin {
            look_at(config, user.clone())?;
        }
        let password = password::read_new(password_stdin)?;
        let account = carry_out(config.clone(), Command::UserPasswd { user, password })?;
        done(common, &account, |name| format!("{name} has a new password; the sessions of before have ended."))
    }
}

impl Ended {
    /// Asks for confirmation, with the account's name and what happens to it.
    fn make_sure(&self, config: &Config, what: &str) -> Result<(), Exit> {
        let AccountInDetail { account, .. } = look_at(config, self.named.user.clone())?;
        let name = account.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        self.sure.make(&format!("{}{name} {what}.", show::name_of(&account)))
    }

    fn reset_factors(self, common: &Common, config: Config) -> Result<(), Exit> {
        self.make_sure(&config, "loses every second factor and recovery code, for good")?;
        let command = Command::UserResetFactors(command::Named { user: self.named.user });
        let shown: FactorsReset = carry_out(config, command)?;
        if common.json {
            return show::json(&shown);
        }
        let name = show::name_of(&shown.account);
        match shown.second_factors_end_at {
            Some(at) => {
                say!("{name} loses the second factors at {at}, unless a login with one of them stops that.");
            }
            None => say!("{name} has no second factor any more."),
        }
        Ok(())
    }
}

impl Freed {
    fn run(self, common: &Common, config: Config) -> Result<(), Exit> {
        let Self { username, sure } = self;
        sure.make(&format!(
            "{username}: applications and access rules take whoever has it next for who had it before."
        ))?;
        let freed: FreedUsername = carry_out(config, Command::UserFreeUsername { username })?;
        if common.json {
            return show::json(&freed);
        }
        say!("{} is free: whoever wants it may take it.", freed.username);
        Ok(())
    }
}

impl Phone {
    fn run(self, common: &Common, config: Config) -> Result<(), Exit> {
        let (user, phone) = (self.named.user, self.number);
        if phone.as_ref().is_some_and(|number| number.eq_ignore_ascii_case("none")) {
            return Err(Exit::failed("\"none\" is no telephone number")
                .with_hint("to take the number that is there: gatelodge user phone USER --none"));
        }
        let account: Account = carry_out(config, Command::UserPhone { user, phone })?;
        done(common, &account, |name| match &account.phone {
            Some(phone) => format!("{name} may log in by {phone}."),
            None => format!("{name} has no telephone number any more."),
        })
    }
}

impl Membership {
    fn add(self, common: &Common, config: Config) -> Result<(), Exit> {
        let groups = new_groups(common, &config, std::slice::from_ref(&self.group))?;
        self.set(common, config, true)?;
        say_new(&groups);
        Ok(())
    }

    fn remove(self, common: &Common, config: Config) -> Result<(), Exit> {
        self.set(common, config, false)
    }

    fn set(self, common: &Common, config: Config, member: bool) -> Result<(), Exit> {
        let Self { user, group } = self;
        let is = if member { "is in" } else { "is not in" };
        let account: Account = carry_out(config, Command::UserGroup { user, group: group.clone(), member })?;
        done(common, &account, |name| {
            format!("{name} {is} the group {group}; the groups are now: {}.", account.groups.cell())
        })
    }
}

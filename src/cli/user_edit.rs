//! `gatelodge user edit`: what somebody is called, and where their mails go.

use clap::Args;

use crate::admin::Command;
use crate::admin::answers::Account;
use crate::cli::out::say;

use super::common::Common;
use super::offline::carry_out;
use super::{Exit, show};

#[derive(Debug, Args)]
#[group(id = "changes", required = true, multiple = true, args = ["name", "no_name", "username", "email"])]
pub(super) struct Edit {
    /// Id, address, user name or telephone number.
    user: String,
    /// What the person is called.
    #[arg(long, value_name = "TEXT", conflicts_with = "no_name")]
    name: Option<String>,
    /// Forget what the person is called.
    #[arg(long)]
    no_name: bool,
    /// The user name. The old one is kept for them.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The address. Without --confirmed it counts once a link that is mailed to it was followed.
    #[arg(long, value_name = "EMAIL")]
    email: Option<String>,
    /// Take the new address as confirmed: you made sure that it is theirs.
    #[arg(long, requires = "email")]
    confirmed: bool,
}

impl Edit {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        let mut commands = Vec::new();
        let Self { user, name, no_name, username, email, confirmed } = self;
        if name.is_some() || no_name {
            commands.push(Command::UserName { user: user.clone(), name });
        }
        if let Some(username) = username {
            commands.push(Command::UserUsername { user: user.clone(), username });
        }
        let waits = email.is_some() && !confirmed;
        // Last, because the account may be named by it.
        commands.extend(email.map(|email| Command::UserEmail { user, email, confirmed }));
        let mut account: Option<Account> = None;
        for mut command in commands {
            // By its id from the second one on: the account may have another name by then.
            if let Some(before) = &account {
                rename(&mut command, &before.id);
            }
            account = Some(carry_out(config.clone(), command)?);
        }
        let Some(account) = account else { return Ok(()) };
        if common.json {
            return show::json(&account);
        }
        say!("{} is as you said.", show::name_of(&account));
        if waits {
            say!("Unless the address is the account's already, a link to confirm it is on its way there.");
        }
        Ok(())
    }
}

fn rename(command: &mut Command, id: &str) {
    if let Command::UserName { user, .. } | Command::UserUsername { user, .. } | Command::UserEmail { user, .. } =
        command
    {
        id.clone_into(user);
    }
}

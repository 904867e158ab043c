//! `gatelodge key`: the keys that sign mailed links, and the one that seals what must be readable again.

use clap::Subcommand;

use crate::admin::answers::NewKey;
use crate::admin::{Command, RotationError, rotate_sealing_key};
use crate::app::Principal;
use crate::audit::Source;
use crate::cli::out::say;
use crate::config::Config;
use crate::control::{self, CallError};
use crate::store::old_key_path;

use super::common::Common;
use super::input::Sure;
use super::offline::{carry_out, give_to_owner, own_user};
use super::{Exit, opening, show};

#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Sign with a new key from now on. Links that are out keep working for their lifetime, unless they are to die.
    Rotate {
        /// Replace the sealing key instead, with the server stopped: everything that is sealed is sealed anew.
        #[arg(long)]
        sealing: bool,
        /// Let no other signing key count any more: links that are out die. For when somebody else may have had a copy
        /// of the store.
        #[arg(long, conflicts_with = "sealing")]
        revoke: bool,
        #[command(flatten)]
        sure: Sure,
    },
}

impl Key {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let Self::Rotate { sealing, revoke, sure } = self;
        let config = common.config()?;
        if sealing {
            return rotate_sealing(&config, common.json);
        }
        let (command, links) = if revoke {
            sure.make("Every link in a mail that is out dies: people have to ask for new ones.")?;
            (Command::KeyRevoke, "links that are out are dead")
        } else {
            (Command::KeyRotate, "links that are out keep working for their lifetime")
        };
        let shown: NewKey = carry_out(config, command)?;
        if common.json {
            return show::json(&shown);
        }
        say!("A new key signs from now on; {links}.");
        Ok(())
    }
}

fn rotate_sealing(config: &Config, as_json: bool) -> Result<(), Exit> {
    // A running server keeps the old key in memory, and would go on sealing with it.
    match control::call(config, &Command::ClockShow) {
        Err(CallError::NobodyThere) => {}
        Err(error @ CallError::OtherStore { .. }) => return Err(error.into()),
        _ => {
            return Err(Exit::failed(
                "the sealing key is replaced while the server is stopped\nhint: systemctl stop gatelodge.socket gatelodge.service, and start them again afterwards",
            ));
        }
    }
    let (path, store) = (config.sealing_key_path(), config.store.path.clone());
    let app = opening::build(config.clone(), opening::open_present_store(config)?)?;
    let before = app.env().seal.fingerprint();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Exit::failed)?;
    let by = Principal::CommandLine(Source::command_line(own_user()));
    let rotated = runtime.block_on(rotate_sealing_key(&app, &path, &by));
    give_to_owner(&store, &path);
    let fingerprint = rotated.map_err(explain)?;
    let old = old_key_path(&path, &before);
    if as_json {
        return show::json(&serde_json::json!({"rotated": true, "fingerprint": fingerprint, "old_key": old}));
    }
    say!("{} holds a new key, {fingerprint}; everything that is sealed is sealed with it.", path.display());
    say!("The old one, {before}, is kept as {}:", old.display());
    say!("backups from before need it. Keep both apart from the backups, and take a new backup now.");
    Ok(())
}

fn explain(error: RotationError) -> Exit {
    match error {
        RotationError::File(error) => Exit::failed(format!(
            "{error}\nhint: where a service manager hands the key over, change it where the manager takes it from, as root"
        )),
        RotationError::Store(error) => Exit::failed(format!(
            "{error}\nhint: either nothing was changed, or the change is finished by the next start; `gatelodge audit list --act key-rotated` tells"
        )),
    }
}

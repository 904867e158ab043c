//! Runs a command by whoever has the store: the running server, or this process if there is none.

use std::fs::{Metadata, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::OFlags;
use rustix::io::Errno;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::admin::{Command, execute};
use crate::app::{App, Principal};
use crate::audit::Source;
use crate::cli::out::tell;
use crate::config::Config;
use crate::control::{self, Answer, CallError};

use super::{Exit, opening};

/// Runs a command, and returns its answer.
pub(super) fn carry_out<T: DeserializeOwned>(config: Config, command: Command) -> Result<T, Exit> {
    serde_json::from_value(document(config, command)?).map_err(Exit::failed)
}

/// The part that does not depend on the answer's type, so that it is compiled once.
fn document(config: Config, command: Command) -> Result<Value, Exit> {
    match control::call(&config, &command) {
        Ok(Answer::Done(answer)) => Ok(answer),
        Ok(Answer::Refused(refusal)) => Err(refusal.into()),
        Err(CallError::NobodyThere) => run_in_process(config, command),
        Err(error) => Err(error.into()),
    }
}

/// Returns the number of the system user who runs this.
pub(super) fn own_user() -> u32 {
    rustix::process::getuid().as_raw()
}

fn run_in_process(config: Config, command: Command) -> Result<Value, Exit> {
    let (store, key) = (config.store.path.clone(), config.sealing_key_path());
    // The lock beside the store keeps this safe: should a server start at this moment, one of the two is refused.
    let opened =
        if command.begins_a_store() { opening::open_store(&config)? } else { opening::open_present_store(&config)? };
    let app = opening::build(config, opened)?;
    let shown = execute_in_process(&app, command);
    give_to_owner(&store, &key);
    shown
}

/// Gives files that root made beside the store to the folder's owner: otherwise the service could not open its own
/// store.
pub(super) fn give_to_owner(store: &Path, key: &Path) {
    let Some(folder) = store.parent() else { return };
    let (Ok(owner), Some(name)) = (std::fs::metadata(folder), store.file_name().and_then(|name| name.to_str())) else {
        return;
    };
    if own_user() != 0 || owner.uid() == 0 {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|found| found.starts_with(name)) || entry.path() == key;
        if is_ours && let Err(error) = give_file(&entry.path(), &owner) {
            tell!("gatelodge: {}: {error}", entry.path().display());
        }
    }
}

/// Changes the owner by file descriptor, and only of a regular file of root's with a single name. The folder's owner
/// could have put a symbolic or hard link there, to a file that must not become theirs.
fn give_file(path: &Path, owner: &Metadata) -> std::io::Result<()> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => return Ok(()),
        opened => opened?,
    };
    let found = file.metadata()?;
    let is_roots = found.uid() == 0 && found.is_file() && found.nlink() == 1;
    if is_roots { fchown(&file, Some(owner.uid()), Some(owner.gid())) } else { Ok(()) }
}

fn execute_in_process(app: &Arc<App>, command: Command) -> Result<Value, Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Exit::failed)?;
    runtime.block_on(async {
        let shown = execute(app, command, &Principal::CommandLine(Source::command_line(own_user()))).await?;
        // Requests for mail are decided now; the mail is delivered once the server runs.
        while app.process_mail_requests().await.map_err(Exit::failed)? {}
        Ok(shown)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOMEBODY: u32 = 65_000;

    /// Only root can give anything away; as anybody else it is left alone.
    #[test]
    fn root_gives_its_files_away_and_nothing_that_a_link_leads_to() {
        if own_user() != 0 {
            return;
        }
        let folder = std::env::temp_dir().join(format!("gatelodge-give-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let (state, precious, linked) = (folder.join("state"), folder.join("precious"), folder.join("linked"));
        std::fs::create_dir_all(&state).expect("made");
        std::os::unix::fs::chown(&state, Some(SOMEBODY), Some(SOMEBODY)).expect("root may");
        let (store, key) = (state.join("a.redb"), state.join("sealing-key"));
        for path in [&store, &key, &precious, &linked, &state.join("another")] {
            std::fs::write(path, "x").expect("written");
        }
        std::os::unix::fs::symlink(&precious, state.join("a.redb.symbolic")).expect("made");
        std::fs::hard_link(&linked, state.join("a.redb.hard")).expect("made");
        give_to_owner(&store, &key);
        let owner = |path: &Path| std::fs::metadata(path).expect("there").uid();
        assert_eq!((owner(&store), owner(&key)), (SOMEBODY, SOMEBODY));
        assert_eq!((owner(&precious), owner(&linked), owner(&state.join("another"))), (0, 0, 0));
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}

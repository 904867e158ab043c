//! A command for whoever has the store: the running server, or, if there is none, ourselves.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::app::App;
use crate::audit::Source;
use crate::config::Config;
use crate::control::{self, Answer, CallError, Command};

use super::{Exit, serve};

/// Has the command carried out and gives what there is to show.
pub fn carry_out(config: Config, command: Command) -> Result<Value, Exit> {
    match control::call(&config.listen.control, &command) {
        Ok(Answer::Done(shown)) => Ok(shown),
        Ok(Answer::Refused(refusal)) => Err(refusal.into()),
        Err(CallError::NobodyThere) => alone(config, command),
        Err(error) => Err(error.into()),
    }
}

/// The number of the system user who runs this.
pub fn own_user() -> u32 {
    std::fs::metadata("/proc/self").map_or(0, |metadata| metadata.uid())
}

fn alone(config: Config, command: Command) -> Result<Value, Exit> {
    let (store, key) = (config.store.path.clone(), config.sealing_key_path());
    let opened = serve::open_store(&config)?;
    let app = serve::build(config, opened)?;
    let shown = execute_alone(&app, command);
    give_to_owner(&store, &key);
    shown
}

/// What root made beside the store belongs to whom the folder belongs to: else the service could not open its own store.
fn give_to_owner(store: &Path, key: &Path) {
    let Some(folder) = store.parent() else { return };
    let (Ok(owner), Some(name)) = (std::fs::metadata(folder), store.file_name().and_then(|name| name.to_str())) else {
        return;
    };
    if own_user() != 0 || owner.uid() == 0 {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|found| found.starts_with(name)) || entry.path() == key;
        let is_roots = entry.metadata().is_ok_and(|found| found.uid() == 0 && found.is_file());
        if is_ours
            && is_roots
            && let Err(error) = chown(entry.path(), Some(owner.uid()), Some(owner.gid()))
        {
            eprintln!("gatelodge: {}: {error}", entry.path().display());
        }
    }
}

fn execute_alone(app: &Arc<App>, command: Command) -> Result<Value, Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Exit::failed)?;
    runtime.block_on(async {
        let shown = control::execute(app, command, &Source::command_line(own_user())).await?;
        // Whoever is to be mailed is decided now; the mail leaves when the server runs.
        while app.fulfil_wishes().await.map_err(Exit::failed)? {}
        Ok(shown)
    })
}

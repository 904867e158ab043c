//! A command for whoever has the store: the running server, or, if there is none, ourselves.

use std::os::unix::fs::MetadataExt;

use serde_json::Value;

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
    let opened = serve::open_store(&config)?;
    let app = serve::build(config, opened)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Exit::failed)?;
    runtime.block_on(async {
        let shown = control::execute(&app, command, &Source::command_line(own_user())).await?;
        // Whoever is to be mailed is decided now; the mail leaves when the server runs.
        while app.fulfil_wishes().await.map_err(Exit::failed)? {}
        Ok(shown)
    })
}

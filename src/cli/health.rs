//! `gatelodge health`: whether people can be served, for the health checks of containers.

use clap::Args;

use crate::admin::Command;
use crate::admin::answers::{Inspection, Readiness};
use crate::cli::out::say;
use crate::config::Config;
use crate::control::{self, Answer};

use super::common::Common;
use super::{Exit, show};

#[derive(Debug, Args)]
pub(super) struct Health {}

impl Health {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let Self {} = self;
        let seen = ask(&reachable(common)?)?;
        if common.json {
            show::json(&seen)?;
        } else if seen.is_ready() {
            say!("ready");
        }
        if seen.is_ready() { Ok(()) } else { Err(Exit::failed(reasons(&seen)).with_hint("gatelodge doctor says more")) }
    }
}

/// Returns the settings by which the server is found. It runs on well while its file is being edited, so that what is
/// wrong elsewhere in the file is no reason to call it unhealthy.
fn reachable(common: &Common) -> Result<Config, Exit> {
    let draft = common.draft();
    let is_found = !draft.is_doubtful("listen.control") && !draft.is_doubtful("store.path");
    match draft.settings() {
        Some(config) if is_found => Ok(config.clone()),
        _ => Ok(draft.finish()?),
    }
}

/// Asks the running server, and nobody else: a store at rest serves nobody.
fn ask(config: &Config) -> Result<Readiness, Exit> {
    match control::call(config, &Command::Health)? {
        Answer::Done(answer) => serde_json::from_value(answer).map_err(Exit::failed),
        Answer::Refused(refusal) => Err(refusal.into()),
    }
}

fn reasons(seen: &Readiness) -> String {
    let mut found = Vec::new();
    if seen.store != Inspection::WRITABLE {
        found.push(format!("nothing can be written: {}", seen.store));
    }
    if !seen.stuck_workers.is_empty() {
        found.push(format!("these workers are stuck: {}", seen.stuck_workers.join(", ")));
    }
    format!("not ready: {}", found.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::DiskSpace;
    use crate::base::ClockState;

    #[test]
    fn what_keeps_it_from_serving_people_is_said() {
        let seen = Readiness {
            status: Readiness::NOT_READY.to_owned(),
            store: "the disk is full".to_owned(),
            disk: DiskSpace::Critical,
            stuck_workers: vec!["sweep".to_owned(), "mail".to_owned()],
            clock: ClockState::Sure,
            certificate: "good".to_owned(),
        };
        assert!(!seen.is_ready());
        assert_eq!(
            reasons(&seen),
            "not ready: nothing can be written: the disk is full; these workers are stuck: sweep, mail"
        );
    }
}

//! `gatelodge check`: checks the configuration and everything that it names, and reports all errors.

use clap::Args;
use serde_json::{Value, json};

use crate::base::{BUILD_DATE, Clock};
use crate::cli::out::say;
use crate::config::{Config, notes};

use super::common::Common;
use super::surroundings::{self, Eyes, Seen};
use super::system_clock::SystemClock;
use super::{Exit, show};

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Print every setting as it is resolved, and the folders with their owners, as well.
    #[arg(long)]
    all: bool,
}

impl Check {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let mut draft = common.draft();
        let seen = surroundings::look(&mut draft, Eyes::Checking, SystemClock.now().max(BUILD_DATE));
        let settings = draft.settings().cloned();
        let checked = draft.finish();
        let mut words = settings.as_ref().map(notes).unwrap_or_default();
        words.extend(settings.as_ref().filter(|config| surroundings::is_store_gone(config)).map(|config| {
            let path = config.store.path.display();
            format!("{path}: the store is missing, but there was one: the service does not start before it is put back; gatelodge doctor")
        }));
        words.extend(seen.doubts.iter().cloned().chain(seen.certificate.iter().map(ToString::to_string)));
        if common.json {
            let faults = checked.as_ref().err().map(|error| error.shown()).unwrap_or_default();
            show::json(&json!({
                "valid": faults.is_empty(),
                "faults": faults,
                "notes": words,
                "unseen": seen.unseen,
                "folders": seen.folders,
                "configuration": settings.as_ref().map(resolved).transpose()?,
            }))?;
            return Ok(checked.map(drop)?);
        }
        let config = checked.map_err(|error| {
            let unseen = seen.unseen.iter().map(|what| format!("note: {}", unseen(what)));
            let lines: Vec<String> = std::iter::once(error.to_string()).chain(unseen).collect();
            Exit::configuration(lines.join("\n"))
        })?;
        let as_far = if seen.unseen.is_empty() { "" } else { ", as far as this user can see" };
        say!("{}: the configuration is valid{as_far}", common.config_path().display());
        for word in words.into_iter().chain(seen.unseen.iter().map(|what| unseen(what))) {
            say!("note: {word}");
        }
        if self.all { say_all(&config, &seen) } else { Ok(()) }
    }
}

fn unseen(what: &str) -> String {
    format!("not looked at: {what}; run this as the service's user, or as root")
}

fn say_all(config: &Config, seen: &Seen) -> Result<(), Exit> {
    let mut lines = Vec::new();
    flatten("", &resolved(config)?, &mut lines);
    for line in lines {
        say!("{line}");
    }
    for folder in &seen.folders {
        say!("# {folder}");
    }
    Ok(())
}

fn resolved(config: &Config) -> Result<Value, Exit> {
    config.in_force().map_err(Exit::failed)
}

/// Prints `section.key = value`, one per line. Secrets are in files, whose names alone are printed.
fn flatten(prefix: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&key, member, lines);
            }
        }
        Value::Null => lines.push(format!("# {prefix} is not set")),
        other => lines.push(format!("{prefix} = {other}")),
    }
}

//! What the doctor asks the running server.

use serde::de::DeserializeOwned;

use crate::admin::Command;
use crate::config::Config;
use crate::control::{self, Answer};

/// Asks the running server.
pub(super) fn ask<T: DeserializeOwned>(config: &Config, command: &Command) -> Result<T, String> {
    match control::call(config, command) {
        Ok(Answer::Done(answer)) => serde_json::from_value(answer).map_err(|error| error.to_string()),
        Ok(Answer::Refused(refusal)) => Err(refusal.message.in_english()),
        Err(error) => Err(error.to_string()),
    }
}

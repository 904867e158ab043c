//! `gatelodge webhook`: the webhooks of the configuration.

use clap::{Args, Subcommand};

use crate::admin::{Command, command};
use crate::cli::out::say;

use super::common::Common;
use super::offline::carry_out;
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub enum Webhook {
    /// List the webhooks of the configuration, and how far each has come.
    List,
    /// Tell a webhook something that did not happen, and say what its server made of it.
    Test(Named),
    /// Have a webhook try again now.
    Retry(Named),
}

#[derive(Debug, Args)]
pub struct Named {
    /// Its name, as in [webhooks.NAME].
    name: String,
}

impl Webhook {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let columns: &[&str] = match self {
            Self::List => &["name", "url", "waiting", "delivered", "given_up", "due_at", "last_error"],
            _ => &[],
        };
        let command = match self {
            Self::List => Command::WebhookList,
            Self::Test(Named { name }) => Command::WebhookTest(command::Webhook { name }),
            Self::Retry(Named { name }) => Command::WebhookRetry(command::Webhook { name }),
        };
        let shown = carry_out(common.config()?, command)?;
        match (shown["told"].as_str(), shown["retried"].as_str()) {
            _ if common.json => show::json(&shown)?,
            (Some(name), _) => say!("{name} took the event {}, which did not happen.", show::plain(&shown["id"])),
            (_, Some(name)) => say!("{name} is told again now what waits."),
            _ => show::outcome(&shown, columns, false)?,
        }
        Ok(())
    }
}

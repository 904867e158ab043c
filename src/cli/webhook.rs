//! `gatelodge webhook`: whom else is told what happens.

use clap::{Args, Subcommand};

use crate::admin::{Command, command};

use super::offline::carry_out;
use super::{Common, Exit, show};

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
        let (is_list, command) = match self {
            Self::List => (true, Command::WebhookList),
            Self::Test(Named { name }) => (false, Command::WebhookTest(command::Webhook { name })),
            Self::Retry(Named { name }) => (false, Command::WebhookRetry(command::Webhook { name })),
        };
        let shown = carry_out(common.config()?, command)?;
        if common.json {
            return show::json(&shown);
        }
        if is_list {
            let columns = ["name", "url", "waiting", "delivered", "given_up", "due_at", "last_error"];
            show::table(shown["items"].as_array().map(Vec::as_slice).unwrap_or_default(), &columns);
        } else {
            show::object(&shown);
        }
        Ok(())
    }
}

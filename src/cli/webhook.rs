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
        let columns: &[&str] = match self {
            Self::List => &["name", "url", "waiting", "delivered", "given_up", "due_at", "last_error"],
            _ => &[],
        };
        let command = match self {
            Self::List => Command::WebhookList,
            Self::Test(Named { name }) => Command::WebhookTest(command::Webhook { name }),
            Self::Retry(Named { name }) => Command::WebhookRetry(command::Webhook { name }),
        };
        show::outcome(&carry_out(common.config()?, command)?, columns, common.json)
    }
}

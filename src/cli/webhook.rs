//! `gatelodge webhook`: the webhooks of the configuration.

use clap::{Args, Subcommand};

use crate::admin::answers::{self, Page, RetriedWebhook, ToldWebhook};
use crate::admin::{Command, command};
use crate::cli::out::say;

use super::common::Common;
use super::offline::carry_out;
use super::show::columns;
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub(super) enum Webhook {
    /// List the webhooks of the configuration, and how far each has come.
    List,
    /// Tell a webhook something that did not happen, and say what its server made of it.
    Test(Named),
    /// Have a webhook try again now.
    Retry(Named),
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// Its name, as in [webhooks.NAME].
    name: String,
}

impl Webhook {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        match self {
            Self::List => {
                let shown: Page<answers::Webhook> = carry_out(config, Command::WebhookList)?;
                show::page(&shown, columns![name, url, waiting, delivered, given_up, due_at, last_error], common.json)?;
            }
            Self::Test(Named { name }) => {
                let shown: ToldWebhook = carry_out(config, Command::WebhookTest(command::Webhook { name }))?;
                if common.json {
                    return show::json(&shown);
                }
                say!("{} took the event {}, which did not happen.", shown.told, shown.id);
            }
            Self::Retry(Named { name }) => {
                let shown: RetriedWebhook = carry_out(config, Command::WebhookRetry(command::Webhook { name }))?;
                if common.json {
                    return show::json(&shown);
                }
                say!("{} is told again now what waits.", shown.retried);
            }
        }
        Ok(())
    }
}

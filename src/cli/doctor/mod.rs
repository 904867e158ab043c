//! `gatelodge doctor`: examines a running installation from end to end, and says for each part what is wrong and what
//! to do.

mod address;
mod applications;
mod asking;
mod findings;
mod here;
mod judging;
mod visit;

use std::net::IpAddr;

use clap::Args;
use serde_json::json;

use crate::admin::Command;
use crate::cli::out::say;
use crate::control::{self, Answer, CallError};

use super::common::Common;
use super::{Exit, show};

use findings::{Findings, Level};

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Send a real mail there too; without it the mail server is only asked to let us in.
    #[arg(long, value_name = "ADDRESS")]
    mail: Option<String>,
    /// Visit the applications behind the reverse proxy at this address of it, wherever their names lead from here.
    #[arg(long, value_name = "ADDRESS")]
    at: Option<IpAddr>,
}

impl Doctor {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let mut findings = Findings::default();
        // Without a configuration there is nothing else to examine.
        let (config, is_valid) = here::configuration(common, &mut findings);
        if let Some(config) = config {
            here::files(&config, &mut findings);
            match control::call(&config, &Command::Inspect) {
                Ok(Answer::Done(report)) => {
                    match serde_json::from_value(report) {
                        Ok(report) => here::service(&config, &report, &mut findings),
                        Err(error) => findings.wrong("service", error.to_string(), "restart it"),
                    }
                    here::mail(&config, self.mail, &mut findings);
                    address::look(&config, &mut findings);
                    applications::look(&config, self.at, &mut findings);
                }
                Ok(Answer::Refused(refusal)) => {
                    findings.wrong("service", refusal.message.in_english(), "see its log");
                }
                Err(CallError::NobodyThere) => {
                    findings.wrong(
                        "service",
                        "it does not run",
                        "start it; if it ended, its log says why: journalctl -u gatelodge",
                    );
                    here::store_at_rest(&config, &mut findings);
                }
                Err(error) => findings.wrong("service", error.to_string(), "ask as root, or as the service's user"),
            }
            here::backups(&config, &mut findings);
        }
        if common.json {
            let items: Vec<_> = findings.iter().map(findings::Finding::shown).collect();
            show::json(&json!({ "findings": items }))?;
        } else {
            for finding in findings.iter() {
                say!("{finding}");
            }
        }
        let said = match findings.iter().filter(|finding| finding.level == Level::Wrong).count() {
            0 => return Ok(()),
            1 => "one thing is wrong".to_owned(),
            count => format!("{count} things are wrong"),
        };
        // The exit status is the one with which the service would fail to start.
        Err(if is_valid { Exit::failed(said) } else { Exit::configuration(said) })
    }
}

//! `gatelodge mail`: whether mail works, what waits, what failed.

use clap::Subcommand;

use crate::admin::answers::{DroppedMail, Mails, QueuedMails, ReleasedMails, TestMail};
use crate::admin::{Command, command, send_test};
use crate::base::{BUILD_DATE, Clock, Moment};
use crate::cli::out::say;
use crate::config::{Config, Security};
use crate::control::{self, Answer, CallError};
use crate::courier::{CallOptions, Courier};

use super::common::{Common, Page};
use super::input::Sure;
use super::offline::carry_out;
use super::progress::patiently;
use super::show::{Cell, columns};
use super::system_clock::SystemClock;
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub(super) enum Mail {
    /// Send one real message with the configured transport, and say what the server made of it.
    Test {
        /// Whom to write to.
        address: String,
    },
    /// List the mails that wait and those that failed.
    List(Page),
    /// Queue a failed mail again, or all of them.
    Retry {
        /// The mail's id; without it all failed mails.
        id: Option<String>,
    },
    /// Drop a mail that waits or has failed: nobody gets it.
    Drop {
        /// The mail's id.
        id: String,
        #[command(flatten)]
        sure: Sure,
    },
    /// Let the mails go that waited in a backup when it was restored; they may have been delivered before.
    Release,
}

impl Mail {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        match self {
            Self::Test { address } => test(common, &config, &address),
            Self::List(page) => list(common, config, page),
            Self::Retry { id } => retry(common, config, id),
            Self::Drop { id, sure } => {
                sure.make(&format!("The mail {id} is dropped, with whatever link is in it."))?;
                let shown: DroppedMail = carry_out(config, Command::MailDrop { id })?;
                if common.json {
                    return show::json(&shown);
                }
                say!("The mail {} was dropped.", shown.dropped);
                Ok(())
            }
            Self::Release => release(common, config),
        }
    }
}

/// Sends a test mail by the running server, whose route and credentials count, or by this process if there is none.
fn test(common: &Common, config: &Config, address: &str) -> Result<(), Exit> {
    let command = Command::MailTest { address: address.to_owned() };
    let tested = patiently(&wait_for_mail_server(config), || match control::call(config, &command) {
        Ok(Answer::Done(shown)) => serde_json::from_value(shown).map_err(Exit::failed),
        Ok(Answer::Refused(refusal)) => Err(refusal.into()),
        Err(CallError::NobodyThere) => test_alone(config, address),
        Err(error) => Err(error.into()),
    });
    let shown: TestMail = tested?;
    if common.json {
        return show::json(&shown);
    }
    let (way, to) = (shown.by.cell(), shown.to.cell());
    say!("{way} accepted the mail to {to}. Look whether it arrives, and not in the spam folder.");
    Ok(())
}

/// Returns the words for a mail server that takes its time.
pub(super) fn wait_for_mail_server(config: &Config) -> String {
    let smtp = &config.mail.smtp;
    let minutes = CallOptions::TIMEOUT.as_secs() / 60;
    let tls = match smtp.security {
        Security::Tls => "",
        Security::Starttls | Security::None => {
            "it may speak TLS from the first byte (security = \"tls\", usually port 465), or "
        }
    };
    format!(
        "note: {}:{} takes its time; it has {minutes} minutes, as with every mail. If you know it to be quick, stop with Ctrl-C: {tls}a firewall may be in the way",
        smtp.host, smtp.port
    )
}

fn test_alone(config: &Config, address: &str) -> Result<TestMail, Exit> {
    let mut moment = Moment::new(SystemClock.now().max(BUILD_DATE), SystemClock.seed());
    let courier = Courier::new(config, moment.now()).map_err(Exit::failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Exit::failed)?;
    Ok(runtime.block_on(send_test(config, &courier, address, &mut moment))?)
}

fn list(common: &Common, config: Config, page: Page) -> Result<(), Exit> {
    let shown: Mails = carry_out(config, Command::MailList(command::Page { after: page.after, limit: page.limit }))?;
    if common.json {
        return show::json(&shown);
    }
    if shown.requests > 0 {
        let requests = show::counted(shown.requests, "request for a mail waits", "requests for mails wait");
        say!(
            "{requests} to be decided, which takes seconds; longer if no server runs, or the clock is wrong (`gatelodge clock show`)."
        );
    }
    if shown.page.items.is_empty() {
        say!("No mail waits, and none has failed.");
        return Ok(());
    }
    show::page(&shown.page, columns![id, state, letter, to, attempts, queued_at, due_at, last_error], false)
}

fn release(common: &Common, config: Config) -> Result<(), Exit> {
    let shown: ReleasedMails = carry_out(config, Command::MailRelease)?;
    if common.json {
        return show::json(&shown);
    }
    say!("{} queued now.", show::counted(shown.released, "held mail is", "held mails are"));
    Ok(())
}

fn retry(common: &Common, config: Config, id: Option<String>) -> Result<(), Exit> {
    let shown: QueuedMails = carry_out(config, Command::MailRetry { id })?;
    if common.json {
        return show::json(&shown);
    }
    say!("{} queued again.", show::counted(shown.queued, "mail is", "mails are"));
    Ok(())
}

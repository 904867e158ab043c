//! `gatelodge mail`: does mail work, what waits, what failed.

use clap::Subcommand;

use crate::base::{BUILD_DATE, Clock, EmailAddress, MailId, Moment};
use crate::config::{Config, MailTransport};
use crate::control::Command;
use crate::mail::{Composer, Letter};
use crate::workers::delivery::{Outcome, Transport};

use super::offline::carry_out;
use super::system_clock::SystemClock;
use super::user::say_how_to_go_on;
use super::{Common, Exit, Page, show};

#[derive(Debug, Subcommand)]
pub enum Mail {
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
    /// Let the mails go that waited in a backup when it was restored; they may have been delivered before.
    Release,
}

impl Mail {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        match self {
            Self::Test { address } => test(common, &config, &address),
            Self::List(page) => list(common, config, page),
            Self::Retry { id } => retry(common, config, id),
            Self::Release => release(common, config),
        }
    }
}

fn test(common: &Common, config: &Config, address: &str) -> Result<(), Exit> {
    let to = EmailAddress::parse(address).map_err(|_| Exit::failed(format!("{address:?} is not an e-mail address")))?;
    let composer = Composer::new(config).map_err(Exit::configuration)?;
    let mut moment = Moment::new(SystemClock.now(), SystemClock.seed());
    let id = MailId::draw(&mut moment);
    let message = composer.compose(&Letter::Test, &to, id, &mut moment).map_err(Exit::failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Exit::failed)?;
    let outcome = runtime.block_on(async {
        let transport = Transport::impatient(config, SystemClock.now().max(BUILD_DATE)).map_err(Exit::failed)?;
        Ok::<_, Exit>(transport.deliver(id, &to, &message.bytes).await)
    })?;
    let way = match config.mail.transport {
        MailTransport::Smtp => format!("{}:{}", config.mail.smtp.host, config.mail.smtp.port),
        MailTransport::File => config.mail.directory.display().to_string(),
    };
    match outcome {
        Outcome::Accepted if common.json => {
            show::json(&serde_json::json!({"accepted": true, "by": way, "message_id": id.to_string()}))
        }
        Outcome::Accepted => {
            println!("{way} accepted the mail to {to}. Look whether it arrives, and not in the spam folder.");
            Ok(())
        }
        Outcome::Later(reason) => {
            Err(Exit::failed(format!("the mail was not accepted: {reason}\nhint: the server would try again later")))
        }
        Outcome::Never(reason) => {
            Err(Exit::failed(format!("the mail was refused for good: {reason}\nhint: the server would not try again")))
        }
    }
}

fn list(common: &Common, config: Config, page: Page) -> Result<(), Exit> {
    let shown = carry_out(config, Command::MailList { after: page.after, limit: page.limit })?;
    if common.json {
        return show::json(&shown);
    }
    let items = shown["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        println!("No mail waits, and none has failed.");
        return Ok(());
    }
    show::table(items, &["id", "state", "letter", "to", "attempts", "queued_at", "due_at", "last_error"]);
    say_how_to_go_on(&shown);
    Ok(())
}

fn release(common: &Common, config: Config) -> Result<(), Exit> {
    let shown = carry_out(config, Command::MailRelease)?;
    if common.json {
        return show::json(&shown);
    }
    println!("{} held mails are queued now.", show::plain(&shown["released"]));
    Ok(())
}

fn retry(common: &Common, config: Config, id: Option<String>) -> Result<(), Exit> {
    let shown = carry_out(config, Command::MailRetry { id })?;
    if common.json {
        return show::json(&shown);
    }
    println!("{} mails are queued again.", show::plain(&shown["queued"]));
    Ok(())
}

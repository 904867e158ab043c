//! What leaves: mails, and what webhooks are told.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::Timestamp;

use super::{Page, take};

/// A page of the mails that wait or have failed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Value")]
pub struct Mails {
    /// The page.
    #[serde(flatten)]
    pub page: Page<Mail>,
    /// The number of requests for mails that are not decided yet.
    pub requests: usize,
}

impl TryFrom<Value> for Mails {
    type Error = serde_json::Error;

    fn try_from(mut document: Value) -> serde_json::Result<Self> {
        let requests = take(&mut document, "requests")?;
        Ok(Self { requests, page: serde_json::from_value(document)? })
    }
}

/// A mail.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Mail {
    /// Its id.
    pub id: String,
    /// Which letter it is.
    pub letter: String,
    /// The recipient.
    pub to: String,
    /// Whether it waits, is under way, was held back or has failed.
    pub state: String,
    /// The number of failed attempts.
    pub attempts: u32,
    /// The time at which it was queued.
    pub queued_at: Timestamp,
    /// The time at which it is tried next, if it is.
    pub due_at: Option<Timestamp>,
    /// The outcome of the last attempt, if it failed.
    pub last_error: Option<String>,
}

/// Failed mails that were queued again.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct QueuedMails {
    /// The number of them.
    pub queued: usize,
}

/// A mail that was dropped.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct DroppedMail {
    /// Its id.
    pub dropped: String,
}

/// Held mails that were released.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ReleasedMails {
    /// The number of them.
    pub released: usize,
}

/// A test mail that was accepted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TestMail {
    /// True: a mail that is not accepted is a refusal.
    pub accepted: bool,
    /// The server that accepted it, or the folder.
    pub by: String,
    /// The recipient.
    pub to: String,
    /// The mail's id.
    pub message_id: String,
}

/// A webhook, and how far it has come.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Webhook {
    /// Its name in the configuration.
    pub name: String,
    /// The URL that is told.
    pub url: Option<String>,
    /// The events that it is told.
    pub events: Vec<String>,
    /// The number of events that wait, as far as they are counted.
    pub waiting: usize,
    /// The number of events that were accepted.
    pub delivered: u64,
    /// The number of events that were given up.
    pub given_up: u64,
    /// The time at which one was last accepted.
    pub last_delivered_at: Option<Timestamp>,
    /// The number of failed attempts at the next one.
    pub attempts: u32,
    /// The time at which it is tried again, if an attempt failed.
    pub due_at: Option<Timestamp>,
    /// The outcome of the last attempt, if it failed.
    pub last_error: Option<String>,
}

/// A webhook that tries again now.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RetriedWebhook {
    /// Its name.
    pub retried: String,
}

/// A webhook whose server took a sample event.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ToldWebhook {
    /// Its name.
    pub told: String,
    /// The event's id.
    pub id: String,
}

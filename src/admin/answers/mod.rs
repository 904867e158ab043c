//! The answers to commands, a document each: what is written here is read by the command line, the API and the pages.

mod accounts;
mod groups;
mod joining;
mod leaving;
mod upkeep;

use serde::{Deserialize, Serialize};

pub use accounts::{Account, AccountInDetail, EndedSessions, FactorsReset, SecondFactor, Session, Token};
pub use groups::{DisbandedGroup, Group};
pub use joining::{Decided, Invitation, Registration};
pub use leaving::{Mail, Mails, QueuedMails, ReleasedMails, RetriedWebhook, TestMail, ToldWebhook, Webhook};
pub use upkeep::{
    Arrival, AuditRow, Clock, Follows, Inspection, LiftedLimits, NewKey, RateLimit, VerifiedLog, WitnessedLog,
};

/// A page of a list.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Page<T, Place = String> {
    /// The rows.
    pub items: Vec<T>,
    /// The place after which the next page begins, if there may be one.
    pub next: Option<Place>,
}

impl<T> Page<T> {
    /// A list that is not cut into pages.
    pub(super) const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// An invitation or a token that works no more.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Revoked {
    /// Its id.
    pub revoked: String,
}

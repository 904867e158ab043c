//! Converts rows of the audit log to events for webhooks.

use crate::audit::{Act, Entry, Outcome};
use crate::base::Timestamp;
use crate::config::HookEvent;

/// An event, as it is sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WebhookEvent {
    /// The row of the audit log that it comes from.
    pub number: u64,
    /// Its id, the same however often it is sent.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// The JSON that is sent.
    pub body: String,
}

/// Returns the event that a row is, if any.
#[must_use]
pub(super) fn of(entry: &Entry) -> Option<HookEvent> {
    let is_done = entry.outcome == Outcome::Done;
    Some(match entry.act {
        Act::Login if is_done => HookEvent::LoggedIn,
        Act::Login if entry.outcome != Outcome::SecondFactorNeeded => HookEvent::LoginRefused,
        Act::SecondFactor if !is_done => HookEvent::LoginRefused,
        _ if !is_done => return None,
        Act::Registered => HookEvent::Registered,
        Act::ApprovalAsked => HookEvent::ApprovalAsked,
        Act::Confirmed => HookEvent::Confirmed,
        Act::AccountAdded | Act::RegistrationApproved => HookEvent::AccountAdded,
        Act::Logout => HookEvent::LoggedOut,
        Act::PasswordChanged | Act::PasswordReset | Act::PasswordSet => HookEvent::PasswordChanged,
        Act::AddressChanged | Act::AddressRestored => HookEvent::EmailChanged,
        Act::UsernameChanged => HookEvent::UsernameChanged,
        Act::FactorAdded => HookEvent::FactorAdded,
        Act::FactorRemoved | Act::FactorsReset => HookEvent::FactorRemoved,
        Act::ApiTokenMade => HookEvent::TokenMade,
        Act::ApiTokenRevoked => HookEvent::TokenRevoked,
        Act::AppPasswordMade => HookEvent::AppPasswordMade,
        Act::AppPasswordRevoked => HookEvent::AppPasswordRevoked,
        Act::TakenBack => HookEvent::TakenBack,
        Act::GroupJoined => HookEvent::GroupJoined,
        Act::GroupLeft => HookEvent::GroupLeft,
        Act::AccountDisabled => HookEvent::AccountDisabled,
        Act::AccountEnabled => HookEvent::AccountEnabled,
        Act::AccountDeleted => HookEvent::AccountDeleted,
        _ => return None,
    })
}

/// Returns the word for an event, as in the configuration.
#[must_use]
pub fn word(event: HookEvent) -> String {
    match serde_json::to_value(event) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

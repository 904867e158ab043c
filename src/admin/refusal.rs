//! Refusals of commands.

use serde::{Deserialize, Serialize};

use crate::app::Fault;
use crate::store::StoreError;

/// A refused command.
#[derive(Debug, Deserialize, Serialize)]
pub struct Refusal {
    /// The kind of reason, for programs.
    pub kind: RefusalKind,
    /// The reason, in one line.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The fault, if it is ours.
    #[serde(skip)]
    pub fault: Option<Fault>,
}

/// The kinds of reasons.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// What was given is not of its form, or breaks a rule.
    Invalid,
    /// There is no such thing.
    Unknown,
    /// Something else prevents it.
    Conflict,
    /// We failed, or something we need did.
    Failed,
    /// A login may do it; an API token may not.
    NeedsLogin,
}

impl Refusal {
    /// Refuses input that is not of its form, or breaks a rule.
    pub fn invalid(message: impl Into<String>, hint: &str) -> Self {
        Self::of(RefusalKind::Invalid, message, hint)
    }

    /// Refuses what does not exist.
    pub fn unknown(message: impl Into<String>, hint: &str) -> Self {
        Self::of(RefusalKind::Unknown, message, hint)
    }

    /// Refuses what something else prevents.
    pub fn conflict(message: impl Into<String>, hint: &str) -> Self {
        Self::of(RefusalKind::Conflict, message, hint)
    }

    /// Refuses what an API token may not do, whatever its scopes.
    pub fn needs_login() -> Self {
        Self::of(RefusalKind::NeedsLogin, "an API token changes nothing about administrators", "log in for that")
    }

    /// Reports a failure.
    pub fn failed(message: impl Into<String>, hint: &str) -> Self {
        Self::of(RefusalKind::Failed, message, hint)
    }

    fn of(kind: RefusalKind, message: impl Into<String>, hint: &str) -> Self {
        Self { kind, message: message.into(), hint: (!hint.is_empty()).then(|| hint.to_owned()), fault: None }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self {
            fault: Some(fault.clone()),
            ..Self::failed(fault.to_string(), "look into the server's log for the reason")
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Fault::from(error).into()
    }
}

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
    /// What to do, however the command was given.
    pub hint: Option<String>,
    /// What else to do; each way in has its own words for it.
    pub remedy: Option<Remedy>,
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

/// Another act that helps. The command line names the command, which nobody else has.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Looking at the list of accounts.
    ListAccounts,
    /// Looking at the list of groups.
    ListGroups,
    /// Looking at the list of invitations.
    ListInvitations,
    /// Looking at the list of mails.
    ListMails,
    /// Looking at the list of registrations that wait.
    ListRegistrations,
    /// Looking at the list of somebody's tokens.
    ListTokens,
    /// Looking at the list of rate limits in use.
    ListLimits,
    /// Looking at the account that has the name already.
    ShowAccount,
    /// Adding the account instead.
    AddAccount,
    /// Adding the account in place of its registrations.
    ReplaceRegistrations,
    /// Adding the account by this user name alone.
    AddByUsername(String),
    /// Making somebody else an administrator.
    AddAdministrator,
    /// Disbanding a group.
    DisbandGroup,
    /// Giving the password along.
    GivePassword,
    /// Noting the telephone number as one.
    NotePhone,
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
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Self { kind, message: message.into(), hint, remedy: None, fault: None }
    }

    /// Adds what else helps.
    #[must_use]
    pub fn with(self, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..self }
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

//! Refusals of commands.

use serde::{Deserialize, Serialize};

use crate::app::Fault;
use crate::store::StoreError;
use crate::texts::{Text, refusal};

/// A refused command.
#[derive(Debug, Deserialize, Serialize)]
pub struct Refusal {
    /// The kind of reason, for programs.
    pub kind: RefusalKind,
    /// The reason, in one line.
    pub message: Text,
    /// What to do, however the command was given.
    pub hint: Option<Text>,
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
    /// An administrator may do it; the help desk may not.
    NeedsAdministrator,
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
    /// Looking at the list of somebody's application passwords.
    ListAppPasswords,
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
    /// Freeing this user name, which somebody gave up.
    FreeUsername(String),
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
    pub fn invalid(message: Text, hint: impl Into<Option<Text>>) -> Self {
        Self::of(RefusalKind::Invalid, message, hint)
    }

    /// Refuses what does not exist.
    pub fn unknown(message: Text, hint: impl Into<Option<Text>>) -> Self {
        Self::of(RefusalKind::Unknown, message, hint)
    }

    /// Refuses what something else prevents.
    pub fn conflict(message: Text, hint: impl Into<Option<Text>>) -> Self {
        Self::of(RefusalKind::Conflict, message, hint)
    }

    /// Refuses what an API token may not do, whatever its scopes.
    pub fn needs_login() -> Self {
        Self::of(RefusalKind::NeedsLogin, refusal::needs_login(), refusal::needs_login_hint())
    }

    /// Refuses what the help desk may not do.
    pub fn beyond_helpdesk() -> Self {
        Self::of(RefusalKind::NeedsAdministrator, refusal::beyond_helpdesk(), refusal::ask_administrator())
    }

    /// Reports a failure.
    pub fn failed(message: Text, hint: impl Into<Option<Text>>) -> Self {
        Self::of(RefusalKind::Failed, message, hint)
    }

    fn of(kind: RefusalKind, message: Text, hint: impl Into<Option<Text>>) -> Self {
        Self { kind, message, hint: hint.into(), remedy: None, fault: None }
    }

    /// Adds what else helps.
    #[must_use]
    pub fn with(self, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..self }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self { fault: Some(fault.clone()), ..Self::failed(refusal::reason(&fault), refusal::see_log()) }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Fault::from(error).into()
    }
}

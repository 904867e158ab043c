//! Whom else the appliance tells what happens.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::TargetUrl;

/// What other programs may be told.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookEvent {
    /// Somebody registered; the address is not confirmed yet.
    Registered,
    /// A registration waits for an administrator's decision.
    ApprovalAsked,
    /// A registration became an account.
    Confirmed,
    /// An administrator made an account, or let a registration in.
    AccountAdded,
    /// Somebody logged in.
    LoggedIn,
    /// Somebody was refused.
    LoginRefused,
    /// Somebody logged out.
    LoggedOut,
    /// A password was changed, by its owner, a mailed link or an administrator.
    PasswordChanged,
    /// An address was changed, or changed back.
    EmailChanged,
    /// A user name was changed.
    UsernameChanged,
    /// A second factor was added.
    FactorAdded,
    /// A second factor was removed, or all were.
    FactorRemoved,
    /// An API token was made.
    TokenMade,
    /// An API token was revoked.
    TokenRevoked,
    /// An owner took an account back from whoever was in.
    TakenBack,
    /// Somebody was put into a group.
    GroupJoined,
    /// Somebody was taken out of a group.
    GroupLeft,
    /// An account was locked.
    AccountDisabled,
    /// An account was opened again.
    AccountEnabled,
    /// An account was deleted.
    AccountDeleted,
}

/// `[webhooks.NAME]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    /// Where to.
    pub url: Option<TargetUrl>,
    /// The file whose first line signs what is told.
    pub secret_file: Option<PathBuf>,
    /// What is told; without any, everything.
    pub events: Vec<HookEvent>,
    /// Whether it may be on this machine or in a private network.
    pub private: bool,
    /// A private CA, trusted for this server alone.
    pub ca_file: Option<PathBuf>,
}

impl Webhook {
    /// Whether it is told this.
    #[must_use]
    pub fn wants(&self, event: HookEvent) -> bool {
        self.events.is_empty() || self.events.contains(&event)
    }
}

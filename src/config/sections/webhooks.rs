//! `[webhooks.NAME]`: programs that are told what happens.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::TargetUrl;

/// The events that webhooks may get.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookEvent {
    /// Somebody registered; the address is not confirmed yet.
    Registered,
    /// A registration waits for an administrator's decision.
    ApprovalAsked,
    /// A registration became an account.
    Confirmed,
    /// An administrator made an account, or approved a registration.
    AccountAdded,
    /// Somebody logged in.
    LoggedIn,
    /// A login was refused.
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
    /// An application password was made.
    AppPasswordMade,
    /// An application password was revoked.
    AppPasswordRevoked,
    /// An owner took an account back from an intruder.
    TakenBack,
    /// Somebody was put into a group.
    GroupJoined,
    /// Somebody was taken out of a group.
    GroupLeft,
    /// An account was disabled.
    AccountDisabled,
    /// An account was enabled again.
    AccountEnabled,
    /// An account was deleted.
    AccountDeleted,
}

/// `[webhooks.NAME]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    /// The URL that events are sent to.
    pub url: Option<TargetUrl>,
    /// The file whose first line is the secret that signs events.
    pub secret_file: Option<PathBuf>,
    /// The events that are sent; without any, all.
    pub events: Vec<HookEvent>,
    /// Whether it may be on this machine or in a private network.
    pub private: bool,
    /// A private CA, trusted for this server alone.
    pub ca_file: Option<PathBuf>,
}

impl Webhook {
    /// Whether it gets this event.
    #[must_use]
    pub fn wants(&self, event: HookEvent) -> bool {
        self.events.is_empty() || self.events.contains(&event)
    }
}

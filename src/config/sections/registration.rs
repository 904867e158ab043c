//! `[registration]`: who may get an account.

use serde::{Deserialize, Serialize};

use crate::base::{DAY, EmailAddress, Username};
use crate::config::reserved::{is_reserved, reads_as};
use crate::config::{MailDomain, Span};

/// Who may register.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistrationMode {
    /// Everybody.
    #[default]
    Open,
    /// Everybody, then an administrator decides.
    Approval,
    /// Whoever was invited.
    Invite,
    /// Nobody: administrators make the accounts.
    Closed,
}

impl RegistrationMode {
    /// Returns the word that the file uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approval => "approval",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }

    /// Returns the mode of a word in the file.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Approval, Self::Invite, Self::Closed].into_iter().find(|mode| mode.as_str() == word)
    }
}

/// Whether people have a user name.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsernameRule {
    /// Whoever wants one.
    #[default]
    Optional,
    /// Everybody who registers.
    Required,
    /// Only those whom an administrator gives one.
    Off,
}

/// `[registration]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registration {
    /// Who may register.
    pub mode: RegistrationMode,
    /// Whether an address must be confirmed before its account exists.
    pub confirm_email: bool,
    /// Whether people have a user name.
    pub username: UsernameRule,
    /// User names that nobody may choose, besides those that are reserved everywhere.
    pub reserved_usernames: Vec<Username>,
    /// The domains whose addresses may register; without any, all.
    pub allowed_domains: Vec<MailDomain>,
    /// The domains whose addresses may not register, whatever is allowed.
    pub blocked_domains: Vec<MailDomain>,
    /// With mode "approval": how long a registration waits for a decision.
    pub approve_within: Span,
}

impl Registration {
    /// Whether nobody may choose this user name. Administrators may give it to
    /// somebody, and whoever has it already keeps it.
    #[must_use]
    pub fn reserves(&self, name: &Username, site: &str) -> bool {
        is_reserved(name, &self.reserved_usernames) || reads_as(name, site)
    }

    /// Whether an address may be registered, or chosen in place of another. Administrators may add any.
    #[must_use]
    pub fn lets_in(&self, address: &EmailAddress) -> bool {
        let one_of = |domains: &[MailDomain]| domains.iter().any(|domain| domain.includes(address));
        (self.allowed_domains.is_empty() || one_of(&self.allowed_domains)) && !one_of(&self.blocked_domains)
    }
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Open,
            confirm_email: true,
            username: UsernameRule::Optional,
            reserved_usernames: vec![],
            allowed_domains: vec![],
            blocked_domains: vec![],
            approve_within: Span::from_seconds(30 * DAY),
        }
    }
}

//! `[login]`: by which names and ways people log in.

use serde::{Deserialize, Serialize};

use crate::base::{IdentityKind, Username};
use crate::config::HostName;

/// The logins that the owner of an account is notified of.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoginNotices {
    /// Those from a device or a network that is new.
    #[default]
    DeviceOrNetwork,
    /// Those from a device that is new.
    Device,
    /// None.
    Never,
}

/// `[login]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogIns {
    /// The kinds of identities, in the order in which what people type is tried.
    pub identities: Vec<IdentityKind>,
    /// Whether people may log in by a mailed link or code instead of their password.
    pub by_mail: bool,
    /// The logins that the owner is notified of.
    pub notices: LoginNotices,
    /// Hosts that a login may lead back to, by https, besides this site.
    pub return_hosts: Vec<HostName>,
}

impl Default for LogIns {
    fn default() -> Self {
        Self {
            identities: vec![IdentityKind::Email, IdentityKind::Username],
            by_mail: false,
            notices: LoginNotices::default(),
            return_hosts: vec![],
        }
    }
}

impl LogIns {
    /// Whether a user name would be taken for something else: for an account's id, which goes first wherever an account
    /// is named, or for a telephone number, `004930123456`.
    #[must_use]
    pub fn takes_otherwise(&self, name: &Username) -> bool {
        name.is_an_id() || self.identities.contains(&IdentityKind::Phone) && name.is_dialled()
    }

    /// Says it in words, for people: "e-mail address or user name".
    #[must_use]
    pub fn identities_in_words(&self) -> String {
        let words: Vec<&str> = self.identities.iter().map(|kind| kind.in_words()).collect();
        match words.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

//! Ways to an account: invitations, and registrations that wait for approval.

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;

use super::Account;

/// An invitation.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Invitation {
    /// Its id.
    pub id: String,
    /// The address that it was mailed to.
    pub email: Option<String>,
    /// The groups of whoever uses it.
    pub groups: Vec<String>,
    /// The number of people who may still use it.
    pub uses_left: u32,
    /// Who made it.
    pub made_by: Option<String>,
    /// The time at which it was made.
    pub created_at: Timestamp,
    /// The time at which it ends.
    pub expires_at: Timestamp,
    /// The link, shown once: when it is made, unless it is mailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// A registration that waits for approval.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Registration {
    /// Its id.
    pub id: String,
    /// The address that was registered.
    pub email: String,
    /// The user name that was chosen.
    pub username: Option<String>,
    /// What the person is called.
    pub name: Option<String>,
    /// The time at which it was made.
    pub created_at: Timestamp,
    /// The time at which the address was confirmed.
    pub confirmed_at: Option<Timestamp>,
}

/// A registration that was decided.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Decided {
    /// It was approved, and is an account now.
    Approved(Account),
    /// It was declined.
    Declined {
        /// The registration's id.
        declined: String,
    },
}

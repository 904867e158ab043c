//! Accounts, and what belongs to one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::Timestamp;

use super::take;

/// An account, with what only administrators see.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Its address, as it was typed.
    pub email: Option<String>,
    /// Its user name.
    pub username: Option<String>,
    /// Its telephone number.
    pub phone: Option<String>,
    /// What the person is called.
    pub name: Option<String>,
    /// Its groups.
    pub groups: Vec<String>,
    /// The time at which it was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// The time at which it was made.
    pub created_at: Timestamp,
    /// The time at which it was disabled, if it is.
    pub disabled_at: Option<Timestamp>,
    /// Whether it has a password.
    pub has_password: bool,
}

/// A user name that anybody may take from now on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FreedUsername {
    /// The name.
    pub username: String,
}

/// An account and all that belongs to it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Value")]
pub struct AccountInDetail {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// Its second factors.
    pub second_factors: Vec<SecondFactor>,
    /// The time at which they end, if that was asked for.
    pub second_factors_end_at: Option<Timestamp>,
    /// The number of logins.
    pub logins: u64,
    /// The time of the last one.
    pub last_login_at: Option<Timestamp>,
    /// Its sessions.
    pub sessions: Vec<Session>,
}

impl TryFrom<Value> for AccountInDetail {
    type Error = serde_json::Error;

    fn try_from(mut document: Value) -> serde_json::Result<Self> {
        Ok(Self {
            second_factors: take(&mut document, "second_factors")?,
            second_factors_end_at: take(&mut document, "second_factors_end_at")?,
            logins: take(&mut document, "logins")?,
            last_login_at: take(&mut document, "last_login_at")?,
            sessions: take(&mut document, "sessions")?,
            account: serde_json::from_value(document)?,
        })
    }
}

/// A second factor.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SecondFactor {
    /// Its kind.
    pub kind: String,
    /// What its owner calls it.
    pub name: String,
    /// The time at which it was added.
    pub created_at: Timestamp,
    /// The time at which it was used last.
    pub last_used_at: Option<Timestamp>,
}

/// A session.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// The time of the login.
    pub created_at: Timestamp,
    /// The time at which it was used last.
    pub last_seen_at: Timestamp,
    /// The time at which it ends.
    pub expires_at: Timestamp,
    /// The network address that it was used from.
    pub network: String,
    /// What the browser or program calls itself.
    pub agent: String,
}

/// An account whose second factors end.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Value")]
pub struct FactorsReset {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// The time at which they end, if they have not ended already.
    pub second_factors_end_at: Option<Timestamp>,
}

impl TryFrom<Value> for FactorsReset {
    type Error = serde_json::Error;

    fn try_from(mut document: Value) -> serde_json::Result<Self> {
        let second_factors_end_at = take(&mut document, "second_factors_end_at")?;
        Ok(Self { second_factors_end_at, account: serde_json::from_value(document)? })
    }
}

/// Sessions that were ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct EndedSessions {
    /// The number of them.
    pub ended: usize,
}

/// An API token.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Token {
    /// Its id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// What it is good for.
    pub scopes: Vec<String>,
    /// The time at which it was made.
    pub created_at: Timestamp,
    /// The time at which it ends.
    pub expires_at: Timestamp,
    /// The time at which it was used last.
    pub last_used_at: Option<Timestamp>,
    /// The secret itself, shown once: when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// An application password.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AppPassword {
    /// Its id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The hosts that it is good for; none stands for all.
    pub hosts: Vec<String>,
    /// The time at which it was made.
    pub created_at: Timestamp,
    /// The time at which it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// The time at which it was used last.
    pub last_used_at: Option<Timestamp>,
    /// The secret itself, shown once: when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

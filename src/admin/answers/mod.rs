//! The answers to commands, a document each: what is written here is read by the command line, the API and the pages.

mod accounts;
mod groups;
mod joining;
mod leaving;
mod upkeep;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use accounts::{
    Account, AccountInDetail, AppPassword, EndedSessions, FactorsReset, FreedUsername, SecondFactor, Session, Token,
};
pub use groups::{DisbandedGroup, Group};
pub use joining::{Decided, Invitation, Registration};
pub use leaving::{
    DroppedMail, Mail, Mails, QueuedMails, ReleasedMails, RetriedWebhook, TestMail, ToldWebhook, Webhook,
};
pub use upkeep::{
    Arrival, AuditRow, Clock, Follows, Inspection, LiftedLimits, LoginTried, NewKey, Overview, Probed, RateLimit,
    Readiness, Tally, VerifiedLog, WitnessedLog,
};

/// A page of a list.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Page<T, Place = String> {
    /// The rows.
    pub items: Vec<T>,
    /// The place after which the next page begins, if there may be one.
    pub next: Option<Place>,
}

impl<T> Page<T> {
    /// A list that is not cut into pages.
    pub(super) const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// An invitation, a token or an application password that works no more.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Revoked {
    /// Its id.
    pub revoked: String,
}

/// Takes a member out of a document that holds another beside it. serde's own way of flattening one struct into another
/// reads into a buffer of its own, by code that stands beside the usual one in the program.
fn take<T: DeserializeOwned>(document: &mut Value, name: &str) -> serde_json::Result<T> {
    serde_json::from_value(document[name].take())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::base::Timestamp;

    use super::*;

    fn account() -> Account {
        let (id, created_at) = ("0f".repeat(16), Timestamp::from_seconds(1_700_000_000));
        Account {
            id,
            email: Some("alice@example.org".to_owned()),
            username: None,
            phone: None,
            name: None,
            groups: vec!["staff".to_owned()],
            confirmed_at: None,
            created_at,
            disabled_at: None,
            has_password: true,
        }
    }

    /// What is unknown is null, and an account stands beside what belongs to it.
    #[test]
    fn an_account_is_one_document_with_all_that_belongs_to_it() {
        let shown = FactorsReset { account: account(), second_factors_end_at: None };
        let document = json!({
            "id": "0f".repeat(16), "email": "alice@example.org", "username": null, "phone": null, "name": null,
            "groups": ["staff"], "confirmed_at": null, "created_at": "2023-11-14T22:13:20Z", "disabled_at": null,
            "has_password": true, "second_factors_end_at": null,
        });
        assert_eq!(serde_json::to_value(&shown).expect("a document"), document);
        assert_eq!(serde_json::from_value::<FactorsReset>(document).expect("the same"), shown);
    }

    #[test]
    fn whoever_reads_a_decision_knows_which_it_was() {
        for decided in [Decided::Approved(account()), Decided::Declined { declined: "ab".to_owned() }] {
            let text = serde_json::to_string(&decided).expect("a document");
            assert_eq!(serde_json::from_str::<Decided>(&text).expect("the same"), decided, "{text}");
        }
    }

    #[test]
    fn what_is_said_once_is_absent_otherwise() {
        let keys = [NewKey { rotated: true, revoked: false }, NewKey { rotated: true, revoked: true }];
        let documents = keys.map(|key| serde_json::to_value(key).expect("a document"));
        assert_eq!(documents, [json!({"rotated": true}), json!({"rotated": true, "revoked": true})]);
    }
}

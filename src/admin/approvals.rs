//! Registrations that wait for approval.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::accounts::approvals::{self, Decided, Decision};
use crate::app::{App, Principal};
use crate::base::{DisplayName, RegistrationId, Username};

use super::{MAX_ROWS, Outcome, Refusal, Remedy, parse, users};

pub(super) fn list(app: &App, after: Option<String>, limit: usize) -> Outcome {
    let after = after.map(|text| parse(&text, "a registration's id", str::parse::<RegistrationId>)).transpose()?;
    let (found, next) = app.read(|view| approvals::waiting(view, after, limit.clamp(1, MAX_ROWS)))?;
    let items: Vec<Value> = found
        .iter()
        .map(|(id, registration)| {
            json!({
                "id": id.to_string(),
                "email": registration.email.as_str(),
                "username": registration.username.as_ref().map(Username::as_str),
                "name": registration.name.as_ref().map(DisplayName::as_str),
                "created_at": registration.created_at.to_string(),
                "confirmed_at": registration.confirmed_at.map(|at| at.to_string()),
            })
        })
        .collect();
    Ok(json!({"items": items, "next": next.map(|id| id.to_string())}))
}

pub(super) async fn decide(app: &Arc<App>, id: &str, approve: bool, by: &Principal) -> Outcome {
    let unknown =
        || Refusal::unknown(format!("no registration {id} waits for a decision"), "").with(Remedy::ListRegistrations);
    let registration: RegistrationId = id.parse().map_err(|_| unknown())?;
    let decision = if approve { Decision::Approve } else { Decision::Decline };
    let source = by.source();
    let decided = app.write_as(by, move |work| approvals::decide(work, &source, (registration, decision)));
    match decided.await? {
        Decided::Approved(person) => Ok(users::describe(&person)),
        Decided::Declined => Ok(json!({"declined": id})),
        Decided::Unknown => Err(unknown()),
        Decided::AddressTaken => {
            Err(Refusal::conflict("somebody has this address meanwhile", "decline the registration"))
        }
    }
}

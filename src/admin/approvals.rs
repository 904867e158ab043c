//! Registrations that wait for approval.

use std::sync::Arc;

use crate::accounts::approvals::{self, Decided, Decision};
use crate::accounts::registration::{self, Registration};
use crate::app::{App, Principal};
use crate::base::{RegistrationId, legible};
use crate::texts::refusal;

use super::answers::{self, Page};
use super::{MAX_ROWS, Refusal, Remedy, Wanted, parse, users};

/// The most characters of a note to whoever registered.
const MAX_NOTE_CHARS: usize = 500;

/// Lists the registrations that wait for approval.
///
/// # Errors
/// When `after` is no registration's id, or the store fails.
pub async fn waiting_registrations(
    app: &App,
    after: Option<String>,
    limit: usize,
) -> Result<Page<answers::Registration>, Refusal> {
    let after = after.map(|text| parse(&text, Wanted::RegistrationId, str::parse::<RegistrationId>)).transpose()?;
    let (found, next) = app.read(|view| approvals::waiting(view, after, limit.clamp(1, MAX_ROWS))).await?;
    let items = found.iter().map(|(id, registration)| describe(*id, registration)).collect();
    Ok(Page { items, next: next.map(|id| id.to_string()) })
}

/// Shows a registration that waits for approval.
///
/// # Errors
/// When none of this id waits, or the store fails.
pub async fn waiting_registration(app: &App, id: &str) -> Result<answers::Registration, Refusal> {
    let unknown = || Refusal::unknown(refusal::no_registration(id), None).with(Remedy::ListRegistrations);
    let wanted: RegistrationId = id.parse().map_err(|_| unknown())?;
    let found = app.read(|view| registration::find(view, wanted)).await?;
    let found = found.filter(|registration| registration.confirmed_at.is_some()).ok_or_else(unknown)?;
    Ok(describe(wanted, &found))
}

fn describe(id: RegistrationId, registration: &Registration) -> answers::Registration {
    answers::Registration {
        id: id.to_string(),
        email: registration.email.as_str().to_owned(),
        username: registration.username.as_ref().map(ToString::to_string),
        name: registration.name.as_ref().map(|name| name.as_str().to_owned()),
        created_at: registration.created_at,
        confirmed_at: registration.confirmed_at,
    }
}

pub(super) async fn decide(
    app: &Arc<App>,
    id: &str,
    (approve, note): (bool, Option<String>),
    by: &Principal,
) -> Result<answers::Decided, Refusal> {
    let note = note.unwrap_or_default();
    if note.chars().count() > MAX_NOTE_CHARS {
        return Err(Refusal::invalid(refusal::note_too_long(MAX_NOTE_CHARS), None));
    }
    // It stands in a mail of ours, in one line: it must not look like more than a note.
    let note = legible(&note.split_whitespace().collect::<Vec<_>>().join(" "));
    let unknown = || Refusal::unknown(refusal::no_registration(id), None).with(Remedy::ListRegistrations);
    let registration: RegistrationId = id.parse().map_err(|_| unknown())?;
    let decision = if approve { Decision::Approve } else { Decision::Decline };
    let source = by.source();
    let decided = app.write_as(by, move |work| approvals::decide(work, &source, registration, decision, &note));
    match decided.await? {
        Decided::Approved(person) => Ok(answers::Decided::Approved(users::describe(&person))),
        Decided::Declined => Ok(answers::Decided::Declined { declined: id.to_owned() }),
        Decided::Unknown => Err(unknown()),
        Decided::AddressTaken => {
            Err(Refusal::conflict(refusal::address_taken_meanwhile(), refusal::address_taken_meanwhile_hint()))
        }
    }
}

//! Mails that wait or have failed.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::accounts::mail_requests;
use crate::app::{App, Principal};
use crate::audit::{Act, Subject};
use crate::base::MailId;
use crate::mail::{self, MailState};

use super::{MAX_ROWS, Outcome, Refusal, parse};

pub(super) fn list(app: &App, after: Option<String>, limit: usize) -> Outcome {
    let after = after.map(|text| parse(&text, "a mail's id", str::parse::<MailId>)).transpose()?;
    let limit = limit.clamp(1, MAX_ROWS);
    let mails = app.read(|view| mail::list(view, after, limit))?;
    let next = mails.last().filter(|_| mails.len() == limit).map(|(id, _)| id.to_string());
    let items: Vec<Value> = mails
        .iter()
        .map(|(id, mail)| {
            let state = mail.state.as_str();
            let is_waiting = matches!(mail.state, MailState::Queued | MailState::Sending);
            json!({
                "id": id.to_string(), "letter": mail.letter, "to": mail.to.as_str(), "state": state, "attempts": mail.attempts,
                "queued_at": mail.queued_at.to_string(),
                "due_at": is_waiting.then(|| mail.due_at.to_string()),
                "last_error": mail.last_error,
            })
        })
        .collect();
    let requests = app.read(|view| mail_requests::count_waiting(view, MAX_ROWS))?;
    Ok(json!({"items": items, "next": next, "requests": requests}))
}

pub(super) async fn retry(app: &Arc<App>, id: Option<String>, by: &Principal) -> Outcome {
    let id = id.map(|text| parse(&text, "a mail's id", str::parse::<MailId>)).transpose()?;
    let source = by.source();
    let retried = app.write_as(by, move |work| {
        let (count, subject) = match id {
            Some(id) => (mail::retry(work.tx, id, work.moment.earliest()).map(usize::from)?, id.into()),
            None => (mail::retry_all(work.tx, work.moment.earliest())?, Subject::NONE),
        };
        if count > 0 {
            work.audit_in_detail(&source, Act::MailRetried, subject, &count.to_string())?;
        }
        Ok(count)
    });
    let count = retried.await?;
    if count == 0 && id.is_some() {
        return Err(Refusal::conflict(
            "this mail cannot be queued again",
            "it is gone, on its way, or what it says is no longer useful",
        ));
    }
    Ok(json!({"queued": count}))
}

/// Lets go what a restore held back.
pub(super) async fn release(app: &Arc<App>, by: &Principal) -> Outcome {
    let source = by.source();
    let released = app.write_as(by, move |work| {
        let count = mail::release_held(work.tx, work.moment.earliest())?;
        work.audit_in_detail(&source, Act::MailReleased, Subject::NONE, &count.to_string())?;
        Ok(count)
    });
    Ok(json!({"released": released.await?}))
}

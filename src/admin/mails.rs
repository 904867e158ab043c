//! Mails that wait or have failed.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::accounts::{Work, mail_requests};
use crate::app::{App, Principal};
use crate::audit::{Act, Subject};
use crate::base::MailId;
use crate::mail::{self, MailState, Step};
use crate::store::StoreError;

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
    let Some(id) = id else { return retry_all(app, by).await };
    let id = parse(&id, "a mail's id", str::parse::<MailId>)?;
    let source = by.source();
    let retried = app.write_as(by, move |work| {
        let is_queued = mail::retry(work.tx, id, work.moment.earliest())?;
        if is_queued {
            work.audit_in_detail(&source, Act::MailRetried, id, "1")?;
        }
        Ok(is_queued)
    });
    if !retried.await? {
        return Err(Refusal::conflict(
            "this mail cannot be queued again",
            "it is gone, on its way, or what it says is no longer useful",
        ));
    }
    Ok(json!({"queued": 1}))
}

async fn retry_all(app: &Arc<App>, by: &Principal) -> Outcome {
    let queued = in_steps(app, by, |work, after| mail::retry_failed(work.tx, after, work.moment.earliest())).await?;
    if queued > 0 {
        note(app, by, Act::MailRetried, queued).await?;
    }
    Ok(json!({"queued": queued}))
}

/// Releases the mails that a restore held back.
pub(super) async fn release(app: &Arc<App>, by: &Principal) -> Outcome {
    let released = in_steps(app, by, |work, after| mail::release_held(work.tx, after, work.moment.earliest())).await?;
    note(app, by, Act::MailReleased, released).await?;
    Ok(json!({"released": released}))
}

/// Takes every step; gives how many mails it was done to.
async fn in_steps<F>(app: &Arc<App>, by: &Principal, step: F) -> Result<usize, Refusal>
where
    F: FnMut(&mut Work<'_>, Option<MailId>) -> Result<Step, StoreError> + Clone + Send + 'static,
{
    let (mut count, mut after) = (0, None);
    loop {
        let mut step = step.clone();
        let taken = app.write_as(by, move |work| step(work, after)).await?;
        (count, after) = (count + taken.count, taken.after);
        if after.is_none() {
            return Ok(count);
        }
    }
}

async fn note(app: &Arc<App>, by: &Principal, act: Act, count: usize) -> Result<(), Refusal> {
    let source = by.source();
    Ok(app.write_as(by, move |work| work.audit_in_detail(&source, act, Subject::NONE, &count.to_string())).await?)
}

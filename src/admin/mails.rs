//! Mails that wait or have failed.

use std::sync::Arc;

use crate::accounts::{Work, mail_requests};
use crate::app::{App, Principal};
use crate::audit::{Act, Subject};
use crate::base::MailId;
use crate::mail::{self, Mail, MailState, OutboxStep};
use crate::store::StoreError;
use crate::texts::refusal;

use super::answers::{self, DroppedMail, Mails, Page, QueuedMails, ReleasedMails};
use super::{MAX_ROWS, Refusal, Wanted, parse};

pub(super) async fn list(app: &App, after: Option<String>, limit: usize) -> Result<Mails, Refusal> {
    let after = after.map(|text| parse(&text, Wanted::MailId, str::parse::<MailId>)).transpose()?;
    let limit = limit.clamp(1, MAX_ROWS);
    let mails = app.read(|view| mail::list(view, after, limit)).await?;
    let next = mails.last().filter(|_| mails.len() == limit).map(|(id, _)| id.to_string());
    let items = mails.iter().map(|(id, mail)| describe(*id, mail)).collect();
    let requests = app.read(|view| mail_requests::count_waiting(view, MAX_ROWS)).await?;
    Ok(Mails { page: Page { items, next }, requests })
}

/// Shows a mail that waits or has failed.
///
/// # Errors
/// When there is none of this id, or the store fails.
pub async fn queued_mail(app: &App, id: &str) -> Result<answers::Mail, Refusal> {
    let wanted = parse(id, Wanted::MailId, str::parse::<MailId>)?;
    let found = app.read(|view| mail::find(view, wanted)).await?;
    let unknown = || Refusal::unknown(refusal::mail_not_dropped(), refusal::mail_not_dropped_hint());
    Ok(describe(wanted, &found.ok_or_else(unknown)?))
}

fn describe(id: MailId, mail: &Mail) -> answers::Mail {
    let is_waiting = matches!(mail.state, MailState::Queued | MailState::Sending);
    answers::Mail {
        id: id.to_string(),
        letter: mail.letter.clone(),
        to: mail.to.as_str().to_owned(),
        state: mail.state.as_str().to_owned(),
        attempts: mail.attempts,
        queued_at: mail.queued_at,
        due_at: is_waiting.then_some(mail.due_at),
        last_error: mail.last_error.clone(),
    }
}

pub(super) async fn retry(app: &Arc<App>, id: Option<String>, by: &Principal) -> Result<QueuedMails, Refusal> {
    let Some(id) = id else { return retry_all(app, by).await };
    let id = parse(&id, Wanted::MailId, str::parse::<MailId>)?;
    let source = by.source();
    let retried = app.write_as(by, move |work| {
        let is_queued = mail::retry(work.tx, id, work.moment.earliest())?;
        if is_queued {
            work.audit_in_detail(&source, Act::MailRetried, id, "1")?;
        }
        Ok(is_queued)
    });
    if !retried.await? {
        return Err(Refusal::conflict(refusal::mail_not_queued(), refusal::mail_not_queued_hint()));
    }
    Ok(QueuedMails { queued: 1 })
}

/// Drops a mail that waits, is held or has failed.
pub(super) async fn discard(app: &Arc<App>, id: &str, by: &Principal) -> Result<DroppedMail, Refusal> {
    let mail = parse(id, Wanted::MailId, str::parse::<MailId>)?;
    let source = by.source();
    let dropped = app.write_as(by, move |work| {
        let kind = mail::discard(work.tx, mail)?;
        if let Some(kind) = &kind {
            work.audit_in_detail(&source, Act::MailDropped, mail, kind)?;
        }
        Ok(kind.is_some())
    });
    if !dropped.await? {
        return Err(Refusal::conflict(refusal::mail_not_dropped(), refusal::mail_not_dropped_hint()));
    }
    Ok(DroppedMail { dropped: id.to_owned() })
}

async fn retry_all(app: &Arc<App>, by: &Principal) -> Result<QueuedMails, Refusal> {
    let queued = in_steps(app, by, |work, after| mail::retry_failed(work.tx, after, work.moment.earliest())).await?;
    if queued > 0 {
        note(app, by, Act::MailRetried, queued).await?;
    }
    Ok(QueuedMails { queued })
}

/// Releases the mails that a restore held back.
pub(super) async fn release(app: &Arc<App>, by: &Principal) -> Result<ReleasedMails, Refusal> {
    let released = in_steps(app, by, |work, after| mail::release_held(work.tx, after, work.moment.earliest())).await?;
    note(app, by, Act::MailReleased, released).await?;
    Ok(ReleasedMails { released })
}

/// Takes every step; gives how many mails it was done to.
async fn in_steps<F>(app: &Arc<App>, by: &Principal, step: F) -> Result<usize, Refusal>
where
    F: FnMut(&mut Work<'_>, Option<MailId>) -> Result<OutboxStep, StoreError> + Clone + Send + 'static,
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

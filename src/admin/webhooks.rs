//! Webhooks and their progress.

use std::sync::Arc;

use crate::app::{App, Principal};
use crate::audit::{Act, Subject};
use crate::config::Webhook;
use crate::courier::{CallOptions, Courier, tell};
use crate::store::{Snapshot, StoreError};
use crate::texts::refusal;
use crate::webhooks::{self, Hook, Told, word};

use super::Refusal;
use super::answers::{self, Page, RetriedWebhook, ToldWebhook};

/// The most waiting events that are counted.
const COUNTED: usize = 1000;

fn find(app: &App, name: &str) -> Result<Webhook, Refusal> {
    let env = app.env();
    let hooks = &env.config.webhooks;
    hooks.get(name).cloned().ok_or_else(|| {
        let names: Vec<&str> = hooks.keys().map(String::as_str).collect();
        let there_are = match names.len() {
            0 => refusal::without_webhooks(),
            1 => refusal::only_webhook(names[0]),
            _ => refusal::webhooks(names.join(", ")),
        };
        Refusal::unknown(refusal::no_webhook(name), there_are)
    })
}

pub(super) async fn list(app: &App) -> Result<Page<answers::Webhook>, Refusal> {
    let env = app.env();
    let hooks = env.config.webhooks.iter().map(|(name, settings)| Hook { name, settings, node: env.node });
    let items = app.read(|view| hooks.map(|hook| describe(view, hook)).collect::<Result<Vec<_>, _>>()).await?;
    Ok(Page::whole(items))
}

fn describe(view: &dyn Snapshot, hook: Hook<'_>) -> Result<answers::Webhook, StoreError> {
    let progress = webhooks::progress(view, hook.name, hook.node)?.unwrap_or_default();
    let is_waiting = progress.attempts > 0;
    Ok(answers::Webhook {
        name: hook.name.to_owned(),
        url: hook.settings.url.as_ref().map(ToString::to_string),
        events: hook.settings.events.iter().map(|event| word(*event)).collect(),
        waiting: webhooks::waiting(view, hook, COUNTED)?,
        delivered: progress.delivered,
        given_up: progress.given_up,
        last_delivered_at: progress.delivered_at,
        attempts: progress.attempts,
        due_at: is_waiting.then_some(progress.due_at),
        last_error: progress.last_error,
    })
}

pub(super) async fn retry(app: &Arc<App>, name: String, by: &Principal) -> Result<RetriedWebhook, Refusal> {
    find(app, &name)?;
    let (named, source) = (name.clone(), by.source());
    let retried = app.write_as(by, move |work| {
        webhooks::retry(work, &named)?;
        work.audit_in_detail(&source, Act::WebhookRetried, Subject::NONE, &named)
    });
    retried.await?;
    Ok(RetriedWebhook { retried: name })
}

/// Sends a webhook a sample event, and returns what its server made of it.
///
/// # Errors
/// When there is none of this name, or its server did not take it.
pub async fn send_sample(app: &App, courier: &Courier, name: &str) -> Result<ToldWebhook, Refusal> {
    let hook = find(app, name)?;
    let event = webhooks::sample(&mut app.moment());
    match tell(courier, &hook, &event, CallOptions::impatient(app.time().earlier)).await {
        Told::Taken => Ok(ToldWebhook { told: name.to_owned(), id: event.id }),
        Told::Later(reason) | Told::Never(reason) => {
            Err(Refusal::failed(refusal::webhook_not_told(name, reason), refusal::webhook_not_told_hint()))
        }
    }
}

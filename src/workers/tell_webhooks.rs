//! Delivers events to webhooks: to each one event at a time, in order, and at its own pace, so that a slow or silent
//! server holds up only itself.
//!
//! Refused logins are events like others, in the same order, on which receivers rely. A flood of them is bounded by the
//! rate limits, to a few each second; a receiver that cannot keep up leaves them out (`events`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{Id, JoinSet};

use crate::app::{App, Fault};
use crate::base::{Seconds, Timestamp};
use crate::config::Webhook;
use crate::courier::{CallOptions, Courier, CourierHandle, tell};
use crate::webhooks::{self, Hook, Told, Upcoming};

use super::{Next, Worker};

/// Delivers events to webhooks.
pub struct TellWebhooks {
    app: Arc<App>,
    courier: Arc<CourierHandle>,
    /// The row up to which there is nothing to deliver, by webhook.
    seen: BTreeMap<String, u64>,
    /// The deliveries under way: at most one per webhook, so their number is bounded by that of webhooks.
    telling: JoinSet<Result<(), Fault>>,
    /// The webhook of each delivery.
    told: BTreeMap<Id, String>,
    /// Notified when a delivery ends.
    ended: Arc<Notify>,
}

impl TellWebhooks {
    /// The seconds after which the log is checked although nothing woke the worker.
    const LONGEST_PAUSE: Seconds = 60;
    /// The time for a server to answer.
    const TIMEOUT: Duration = Duration::from_secs(10);

    /// Delivers the events of this appliance by this courier.
    #[must_use]
    pub fn new(app: Arc<App>, courier: Arc<CourierHandle>) -> Self {
        Self {
            app,
            courier,
            seen: BTreeMap::new(),
            telling: JoinSet::new(),
            told: BTreeMap::new(),
            ended: Arc::default(),
        }
    }

    /// Notes that there is nothing to deliver up to this row: in memory, and in the store only when the recorded row is
    /// far behind.
    async fn pass(&mut self, name: String, number: u64) -> Result<(), Fault> {
        let node = self.app.env().node;
        let written = self
            .app
            .read(|view| webhooks::progress(view, &name, node))
            .await?
            .map_or(number, |progress| progress.after);
        if number.saturating_sub(written) >= webhooks::PASS_AFTER {
            let named = name.clone();
            self.app.write(move |work| webhooks::pass(work, &named, number)).await?;
        }
        self.seen.insert(name, number);
        Ok(())
    }

    fn tell(&mut self, (name, hook): (String, Webhook), event: webhooks::WebhookEvent, now: Timestamp) {
        let terms = CallOptions { now, timeout: Self::TIMEOUT };
        let (courier, app) = (self.courier.present(), Arc::clone(&self.app));
        let (named, ended) = (name.clone(), Ending(Arc::clone(&self.ended)));
        let task = self.telling.spawn(async move {
            let _ending = ended;
            tell_one(app, courier, (named, hook), event, terms).await
        });
        self.told.insert(task.id(), name);
    }

    /// Collects deliveries that have ended, so that their webhooks get the next event.
    fn take_ended(&mut self) -> Result<(), Fault> {
        let mut outcome = Ok(());
        while let Some(ended) = self.telling.try_join_next_with_id() {
            let (id, told) = match ended {
                Ok((id, told)) => (id, told),
                Err(failure) => (failure.id(), Err(Fault::Internal)),
            };
            self.told.remove(&id);
            outcome = outcome.and(told);
        }
        outcome
    }
}

/// Notifies of the end of a delivery, even if it panics.
struct Ending(Arc<Notify>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Worker for TellWebhooks {
    const NAME: &'static str = "tell webhooks";

    async fn step(&mut self) -> Result<Next, Fault> {
        self.take_ended()?;
        let hooks = self.app.env().config.webhooks.clone();
        let (now, node) = (self.app.time().earlier, self.app.env().node);
        let mut next = Self::LONGEST_PAUSE;
        let is_told = |told: &BTreeMap<Id, String>, name: &String| told.values().any(|other| other == name);
        for (name, hook) in hooks {
            if is_told(&self.told, &name) {
                continue;
            }
            let seen = self.seen.get(&name).copied().unwrap_or_default();
            let hook_here = Hook { name: &name, settings: &hook, node };
            match self.app.read(|view| webhooks::upcoming(view, hook_here, seen, now)).await? {
                Upcoming::Event(event) => self.tell((name, hook), *event, now),
                Upcoming::Later(due_at) => next = next.min(due_at.since(now).max(1)),
                Upcoming::Nothing(number) => self.pass(name, number).await?,
                Upcoming::More(number) => {
                    self.pass(name, number).await?;
                    next = 0;
                }
            }
        }
        Ok(if next > 0 { Next::After(next) } else { Next::Now })
    }

    async fn woken(&self) {
        tokio::select! {
            () = self.app.wakes().audited.notified() => {}
            () = self.ended.notified() => {}
        }
    }

    /// Waits for the deliveries under way, so that their outcome is recorded: otherwise they would be repeated.
    async fn finish(&mut self) {
        while self.telling.join_next().await.is_some() {}
    }
}

async fn tell_one(
    app: Arc<App>,
    courier: Arc<Courier>,
    (name, hook): (String, Webhook),
    event: webhooks::WebhookEvent,
    terms: CallOptions,
) -> Result<(), Fault> {
    let told = tell(&courier, &hook, &event, terms).await;
    let (number, at, named, noted) = (event.number, event.at, name.clone(), told.clone());
    let noting = app.write(move |work| webhooks::note(work, (&named, number, at), &noted));
    noting.await?;
    match &told {
        Told::Taken => tracing::debug!(webhook = name, event = event.id, "told"),
        Told::Later(reason) => tracing::warn!(webhook = name, reason, "a webhook could not be told; it is tried again"),
        Told::Never(reason) => tracing::error!(webhook = name, reason, "a webhook refused an event for good"),
    }
    Ok(())
}

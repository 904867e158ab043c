//! Tells other programs what happened: each webhook one event at a time, in order, and each at its own pace: a server that is
//! silent or slow holds up nobody but itself.
//!
//! Refused logins are events like others and stand in the same order, which is what receivers rely on. A flood of them is no longer
//! than the rate limits let tries pass, a few each second at most; a receiver that cannot follow that leaves them out (`events`).

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

/// Tells webhooks.
pub struct TellWebhooks {
    app: Arc<App>,
    courier: Arc<CourierHandle>,
    /// Up to which row each has nothing to be told.
    seen: BTreeMap<String, u64>,
    /// One event of each webhook at most, so no more than there may be webhooks.
    telling: JoinSet<Result<(), Fault>>,
    /// Whose they are.
    told: BTreeMap<Id, String>,
    /// One of them came to its end.
    ended: Arc<Notify>,
}

impl TellWebhooks {
    /// Seconds after which is looked although nothing woke the worker.
    const LONGEST_PAUSE: Seconds = 60;
    /// How long a server may take to answer.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// By this courier.
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

    /// Nothing up to this row: kept in mind, and written down when it is far from what was written before.
    async fn pass(&mut self, name: String, number: u64) -> Result<(), Fault> {
        let node = self.app.env().node;
        let written =
            self.app.read(|view| webhooks::progress(view, &name, node))?.map_or(number, |progress| progress.after);
        if number.saturating_sub(written) >= webhooks::PASS_AFTER {
            let named = name.clone();
            self.app.write(move |work| webhooks::pass(work, &named, number)).await?;
        }
        self.seen.insert(name, number);
        Ok(())
    }

    fn tell(&mut self, (name, hook): (String, Webhook), event: webhooks::Event, now: Timestamp) {
        let terms = CallOptions { now, timeout: Self::PATIENCE };
        let (courier, app) = (self.courier.present(), Arc::clone(&self.app));
        let (named, ended) = (name.clone(), Ending(Arc::clone(&self.ended)));
        let task = self.telling.spawn(async move {
            let _ending = ended;
            tell_one(app, courier, (named, hook), event, terms).await
        });
        self.told.insert(task.id(), name);
    }

    /// Those whose event came to its end are to be told the next one.
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

/// Tells of an end however it came.
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
            match self.app.read(|view| webhooks::upcoming(view, hook_here, seen, now))? {
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

    /// What is under way is noted yet, if the servers answer in time: it would be told again otherwise.
    async fn finish(&mut self) {
        while self.telling.join_next().await.is_some() {}
    }
}

async fn tell_one(
    app: Arc<App>,
    courier: Arc<Courier>,
    (name, hook): (String, Webhook),
    event: webhooks::Event,
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

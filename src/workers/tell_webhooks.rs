//! Tells other programs what happened: each webhook one event at a time, in order, all webhooks beside each other.
//!
//! Refused logins are events like others and stand in the same order, which is what receivers rely on. A flood of them is no longer
//! than the rate limits let tries pass, a few each second at most; a receiver that cannot follow that leaves them out (`events`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::app::{App, Fault};
use crate::base::Seconds;
use crate::config::Webhook;
use crate::courier::{Courier, Replaceable, Terms, tell};
use crate::webhooks::{self, Told, Upcoming};

use super::{Next, Worker};

/// Tells webhooks.
pub struct TellWebhooks {
    app: Arc<App>,
    courier: Arc<Replaceable>,
    /// Up to which row each has nothing to be told.
    seen: BTreeMap<String, u64>,
}

impl TellWebhooks {
    /// Seconds after which is looked although nothing woke the worker.
    const LONGEST_PAUSE: Seconds = 60;
    /// How long a server may take to answer.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// By this courier.
    #[must_use]
    pub fn new(app: Arc<App>, courier: Arc<Replaceable>) -> Self {
        Self { app, courier, seen: BTreeMap::new() }
    }

    /// Nothing up to this row: kept in mind, and written down when it is far from what was written before.
    async fn pass(&mut self, name: String, number: u64) -> Result<(), Fault> {
        let written = self.app.read(|view| webhooks::progress(view, &name))?.map_or(number, |progress| progress.after);
        if number.saturating_sub(written) >= webhooks::PASS_AFTER {
            let named = name.clone();
            self.app.write(move |tx, _, _| webhooks::pass(tx, &named, number)).await?;
        }
        self.seen.insert(name, number);
        Ok(())
    }
}

impl Worker for TellWebhooks {
    const NAME: &'static str = "tell webhooks";

    async fn step(&mut self) -> Result<Next, Fault> {
        let hooks = self.app.services().config.webhooks.clone();
        if hooks.is_empty() {
            return Ok(Next::Rest(Duration::from_secs(Self::LONGEST_PAUSE)));
        }
        let now = self.app.time().earlier;
        let (mut next, mut telling) = (Self::LONGEST_PAUSE, JoinSet::new());
        for (name, hook) in hooks {
            let seen = self.seen.get(&name).copied().unwrap_or_default();
            match self.app.read(|view| webhooks::upcoming(view, (&name, &hook), seen, now))? {
                Upcoming::Event(event) => {
                    let terms = Terms { now, patience: Self::PATIENCE };
                    let (courier, app) = (self.courier.present(), Arc::clone(&self.app));
                    telling.spawn(tell_one(app, courier, (name, hook), *event, terms));
                }
                Upcoming::Later(due_at) => next = next.min(due_at.since(now).max(1)),
                Upcoming::Nothing(number) => self.pass(name, number).await?,
                Upcoming::More(number) => {
                    self.pass(name, number).await?;
                    next = 0;
                }
            }
        }
        if telling.is_empty() && next > 0 {
            return Ok(Next::After(next));
        }
        while let Some(told) = telling.join_next().await {
            told.unwrap_or(Err(Fault::Internal))?;
        }
        Ok(Next::Now)
    }

    async fn woken(&self) {
        self.app.wakes().audited.notified().await;
    }
}

async fn tell_one(
    app: Arc<App>,
    courier: Arc<Courier>,
    (name, hook): (String, Webhook),
    event: webhooks::Event,
    terms: Terms,
) -> Result<(), Fault> {
    let told = tell(&courier, &hook, &event, terms).await;
    let (number, at, named, noted) = (event.number, event.at, name.clone(), told.clone());
    let noting =
        app.write(move |tx, moment, services| webhooks::note(tx, moment, services, (&named, number, at), &noted));
    noting.await?;
    match &told {
        Told::Taken => tracing::debug!(webhook = name, event = event.id, "told"),
        Told::Later(reason) => tracing::warn!(webhook = name, reason, "a webhook could not be told; it is tried again"),
        Told::Never(reason) => tracing::error!(webhook = name, reason, "a webhook refused an event for good"),
    }
    Ok(())
}

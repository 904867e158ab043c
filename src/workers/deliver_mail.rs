//! Delivers the mails of the outbox, one at a time, in the order in which they are due.

use std::sync::Arc;

use crate::app::{App, Fault};
use crate::base::{MailId, Seconds};
use crate::courier::delivery::Outcome;
use crate::courier::{CallOptions, CourierHandle};
use crate::mail::{self, Channel};

use super::{Next, Worker};

/// Delivers mails.
pub struct DeliverMail {
    app: Arc<App>,
    courier: Arc<CourierHandle>,
    has_released: bool,
}

impl DeliverMail {
    /// The seconds after which the outbox is checked although nothing woke the worker.
    const LONGEST_PAUSE: Seconds = 60;

    /// Delivers the mails of this appliance by this courier.
    #[must_use]
    pub fn new(app: Arc<App>, courier: Arc<CourierHandle>) -> Self {
        Self { app, courier, has_released: false }
    }
}

impl Worker for DeliverMail {
    const NAME: &'static str = "deliver mail";

    async fn step(&mut self) -> Result<Next, Fault> {
        // Claims of a process that died are released once, at the start: no other process delivers from this store.
        if !self.has_released {
            self.app.release_mail_claims().await?;
            self.has_released = true;
        }
        // The attempt is committed before the server hears of it: after a crash it counts, so a mail that kills us is
        // not tried for ever.
        let Some((id, to, bytes)) = self.app.claim_mail().await? else {
            let now = self.app.time().earlier;
            let pause =
                self.app.next_due(Channel::Mail).await?.map_or(Self::LONGEST_PAUSE, |due_at| due_at.since(now).max(1));
            return Ok(Next::After(pause.min(Self::LONGEST_PAUSE)));
        };
        let terms = CallOptions::ordinary(self.app.time().earlier);
        let outcome = self.courier.present().deliver(id, &to, &bytes, terms).await;
        note(&self.app, id, outcome).await?;
        Ok(Next::Now)
    }

    async fn woken(&self) {
        self.app.wakes().mail_queued.notified().await;
    }
}

/// Records the outcome of an attempt in the store, the log and the metrics.
pub(super) async fn note(app: &Arc<App>, id: MailId, outcome: Outcome) -> Result<(), Fault> {
    match outcome.clone() {
        Outcome::Accepted => app.write(move |work| mail::delivered(work.tx, id)).await?,
        Outcome::Later(reason) => app.note_failed_mail(id, reason, false).await?,
        Outcome::Never(reason) => app.note_failed_mail(id, reason, true).await?,
    }
    let measures = &app.measures;
    let counter =
        if matches!(outcome, Outcome::Accepted) { &measures.mails_delivered } else { &measures.mails_refused };
    counter.add();
    match &outcome {
        Outcome::Accepted => tracing::info!(mail.id = %id, "mail delivered"),
        Outcome::Later(reason) => tracing::warn!(mail.id = %id, reason, "mail not delivered; it is tried again"),
        Outcome::Never(reason) => {
            tracing::error!(mail.id = %id, reason, "mail refused for good; see `gatelodge mail list`");
        }
    }
    Ok(())
}

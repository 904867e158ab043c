//! Sends the text messages of the outbox, one at a time.

use std::sync::Arc;

use crate::app::{App, Fault};
use crate::base::Seconds;
use crate::courier::{CallOptions, CourierHandle, send_text};
use crate::mail::Channel;

use super::{Next, Worker, deliver_mail};

/// Sends text messages.
pub struct SendTexts {
    app: Arc<App>,
    courier: Arc<CourierHandle>,
}

impl SendTexts {
    /// The seconds after which the outbox is checked although nothing woke the worker.
    const LONGEST_PAUSE: Seconds = 60;

    /// Sends the text messages of this appliance by this courier.
    #[must_use]
    pub fn new(app: Arc<App>, courier: Arc<CourierHandle>) -> Self {
        Self { app, courier }
    }
}

impl Worker for SendTexts {
    const NAME: &'static str = "send texts";

    async fn step(&mut self) -> Result<Next, Fault> {
        let Some((id, to, text)) = self.app.claim_text().await? else {
            let now = self.app.time().earlier;
            let pause =
                self.app.next_due(Channel::Text).await?.map_or(Self::LONGEST_PAUSE, |due_at| due_at.since(now).max(1));
            return Ok(Next::After(pause.min(Self::LONGEST_PAUSE)));
        };
        let gateway = self.app.env().config.sms.clone();
        let terms = CallOptions::impatient(self.app.time().earlier);
        let outcome = send_text(&self.courier.present(), &gateway, (&to, &text), terms).await;
        deliver_mail::note(&self.app, id, outcome).await?;
        Ok(Next::Now)
    }

    async fn woken(&self) {
        self.app.wakes().text_queued.notified().await;
    }
}

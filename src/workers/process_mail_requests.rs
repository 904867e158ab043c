//! Decides who gets a mail: people asked for links, and nobody looked them up yet.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, Fault};
use crate::base::Seconds;

use super::{Next, Worker};

/// Queues the mails that requests call for.
pub struct ProcessMailRequests(Arc<App>);

impl ProcessMailRequests {
    /// Its own rhythm: mails are written in groups, beside what people wait for and not in its way, and what a request
    /// called for does not show in the time of the request after it.
    const TICK: Duration = Duration::from_millis(100);
    /// Seconds after which those who wait for their turn are looked at again.
    const TURN: Seconds = 5;
    /// Seconds after which the requests are looked at although nothing woke the worker.
    const LONGEST_PAUSE: Seconds = 60;

    /// For this appliance.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

impl Worker for ProcessMailRequests {
    const NAME: &'static str = "process mail requests";

    async fn step(&mut self) -> Result<Next, Fault> {
        if self.0.process_mail_requests().await? {
            return Ok(Next::Rest(Self::TICK));
        }
        let pause = if self.0.has_deferred_mail_requests()? { Self::TURN } else { Self::LONGEST_PAUSE };
        Ok(Next::After(pause))
    }

    async fn woken(&self) {
        self.0.wakes().mail_requested.notified().await;
    }
}

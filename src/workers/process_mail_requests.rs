//! Decides which requests for mail result in a mail: nobody has looked the addresses up yet.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, Fault};
use crate::base::Seconds;

use super::{Next, Worker};

/// Queues the mails that requests for mail call for.
pub struct ProcessMailRequests(Arc<App>);

impl ProcessMailRequests {
    /// The pause after a batch, a rhythm of its own: mails are written in groups, out of the way of people who wait,
    /// and the time of the next request does not show what the one before it caused (account enumeration).
    const TICK: Duration = Duration::from_millis(100);
    /// The seconds after which deferred requests are checked again.
    const TURN: Seconds = 5;
    /// The seconds after which requests are checked although nothing woke the worker.
    const LONGEST_PAUSE: Seconds = 60;

    /// Works for this appliance.
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
        let pause = if self.0.has_deferred_mail_requests().await? { Self::TURN } else { Self::LONGEST_PAUSE };
        Ok(Next::After(pause))
    }

    async fn woken(&self) {
        self.0.wakes().mail_requested.notified().await;
    }
}

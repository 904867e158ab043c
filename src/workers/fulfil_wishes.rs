//! Decides who gets a mail: people asked for links, and nobody looked them up yet.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, Fault};

use super::{Next, Worker};

/// Queues the mails that wishes call for.
pub struct FulfilWishes(Arc<App>);

impl FulfilWishes {
    /// Its own rhythm: mails are written in groups, beside what people wait for and not in its way, and what a wish
    /// called for does not show in the time of the request after it.
    const TICK: Duration = Duration::from_millis(100);

    /// For this appliance.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

impl Worker for FulfilWishes {
    const NAME: &'static str = "fulfil wishes";

    async fn step(&mut self) -> Result<Next, Fault> {
        Ok(if self.0.fulfil_wishes().await? { Next::Rest(Self::TICK) } else { Next::After(60) })
    }

    async fn woken(&self) {
        self.0.wakes().link_wanted.notified().await;
    }
}

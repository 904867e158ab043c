//! Removes what has expired, and records when sessions were used.

use std::sync::Arc;

use crate::app::{App, Fault};
use crate::base::{HOUR, MINUTE};

use super::{Next, Worker};

/// Removes what has expired, every hour.
pub struct Sweep(Arc<App>);

impl Sweep {
    /// Works for this appliance.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

impl Worker for Sweep {
    const NAME: &'static str = "sweep";

    async fn step(&mut self) -> Result<Next, Fault> {
        self.0.sweep().await?;
        Ok(Next::After(HOUR))
    }
}

/// Records when sessions were used: many in one commit, so that requests need none.
pub struct NoteSeen(Arc<App>);

impl NoteSeen {
    /// Works for this appliance.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

impl Worker for NoteSeen {
    const NAME: &'static str = "note seen";

    async fn step(&mut self) -> Result<Next, Fault> {
        self.0.note_seen().await?;
        let shortest_idle = self.0.env().config.session.idle.seconds();
        Ok(Next::After((shortest_idle / 4).clamp(1, 5 * MINUTE)))
    }
}

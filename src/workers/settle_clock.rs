//! Records that a step of the clock was taken back.

use std::sync::Arc;

use crate::app::{App, Fault};
use crate::base::Seconds;

use super::{Next, Worker};

/// Checks the clocks even while nobody asks for the time, so that no step goes unnoticed.
pub struct SettleClock(Arc<App>);

impl SettleClock {
    const LOOK_EVERY: Seconds = 5;

    /// Works for this appliance.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

impl Worker for SettleClock {
    const NAME: &'static str = "settle clock";

    async fn step(&mut self) -> Result<Next, Fault> {
        self.0.settle_clock().await?;
        Ok(Next::After(Self::LOOK_EVERY))
    }
}

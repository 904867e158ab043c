//! Tells owners in one mail what happened to their accounts many times.

use std::sync::Arc;

use crate::app::{App, Fault};
use crate::base::MINUTE;

use super::{Next, Worker};

/// Sums up notices, every minute.
pub struct SumUpNotices(Arc<App>);

impl SumUpNotices {
    /// Works for this appliance.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

impl Worker for SumUpNotices {
    const NAME: &'static str = "sum up notices";

    async fn step(&mut self) -> Result<Next, Fault> {
        self.0.sum_up_notices().await?;
        Ok(Next::After(MINUTE))
    }
}

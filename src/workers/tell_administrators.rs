//! Tells administrators of what needs them.

use std::sync::Arc;

use crate::app::{App, Fault};
use crate::base::HOUR;

use super::{Next, Worker};

/// Looks every hour; whoever is told is told once a day at most.
pub struct TellAdministrators {
    app: Arc<App>,
    /// Whether it has looked before: at a start nothing was tried yet.
    has_waited: bool,
}

impl TellAdministrators {
    /// Works for this appliance.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self { app, has_waited: false }
    }
}

impl Worker for TellAdministrators {
    const NAME: &'static str = "tell administrators";

    async fn step(&mut self) -> Result<Next, Fault> {
        if std::mem::replace(&mut self.has_waited, true) && self.app.tell_administrators().await? {
            tracing::info!("administrators are told by mail of what needs them");
        }
        Ok(Next::After(HOUR))
    }
}

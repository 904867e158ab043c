//! Takes scheduled snapshots.

use std::sync::Arc;

use crate::app::{App, Fault};
use crate::base::{MINUTE, Seconds};

use super::{Next, Worker};

/// Checks regularly whether a snapshot is due.
pub struct TakeSnapshot(Arc<App>);

impl TakeSnapshot {
    const LOOK_EVERY: Seconds = 10 * MINUTE;

    /// Works for this appliance.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

impl Worker for TakeSnapshot {
    const NAME: &'static str = "take snapshot";

    async fn step(&mut self) -> Result<Next, Fault> {
        let settings = self.0.env().config.backup.clone();
        if settings.directory.is_none() {
            return Ok(Next::After(Self::LOOK_EVERY));
        }
        let span = settings.every.seconds().clamp(1, Self::LOOK_EVERY);
        let app = Arc::clone(&self.0);
        let taken = tokio::task::spawn_blocking(move || app.take_snapshot(&settings)).await;
        match taken {
            Ok(Ok(Some(path))) => {
                self.0.note_backup("snapshot").await?;
                tracing::info!("snapshot taken: {}", path.display());
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::error!(%error, "no snapshot could be taken; the older ones are kept"),
            Err(error) => tracing::error!(%error, "no snapshot could be taken; the older ones are kept"),
        }
        Ok(Next::After(span))
    }
}

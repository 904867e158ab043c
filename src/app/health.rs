//! Health: whether everything that should run does run, for monitoring.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError};

use crate::base::ClockState;
use crate::store::StoreError;

use super::pulses::Heartbeat;
use super::{App, DiskSpace};

/// The state of the appliance, for monitoring.
#[derive(Clone, Debug)]
pub struct Health {
    /// Whether writing works, as far as it was tried.
    pub store: Result<(), StoreError>,
    /// The room on the disk.
    pub room: DiskSpace,
    /// Workers whose step has taken far too long.
    pub stuck: Vec<&'static str>,
    /// Whether the clock is believed.
    pub clock: ClockState,
    /// The reason why the last attempt to get a certificate from an authority
    /// failed; the one served before is still served.
    pub certificate: Option<String>,
}

impl Health {
    /// Whether people can be served.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.store.is_ok() && self.stuck.is_empty()
    }
}

impl App {
    /// Registers a worker that is being started, and returns its pulse.
    pub fn pulse(&self, name: &'static str) -> Arc<Heartbeat> {
        let pulse = Arc::new(Heartbeat { name, busy_since: AtomicU64::new(0) });
        self.pulses.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&pulse));
        pulse
    }

    /// Runs an empty write: through the runtime, the writer's thread, and back.
    /// Returns when it was answered, be it with a refusal.
    ///
    /// # Errors
    /// When writing is known not to work.
    pub async fn can_write(self: &Arc<Self>) -> Result<(), StoreError> {
        self.write(|_| Ok(())).await
    }

    /// Collects the state of everything.
    pub async fn health(self: &Arc<Self>) -> Health {
        let store = self.can_write().await;
        let uptime = self.uptime();
        let pulses = self.pulses.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = pulses.iter().filter(|pulse| pulse.is_stuck(uptime)).map(|pulse| pulse.name).collect();
        let certificate = self.measures.renewal_trouble();
        Health { store, room: self.room(), stuck, clock: self.time().state, certificate }
    }
}

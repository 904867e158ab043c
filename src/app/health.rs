//! Whether everything that should run does run, for those who watch over the appliance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{ClockState, MINUTE, Seconds};
use crate::store::StoreError;

use super::{App, Room};

/// Seconds after which a worker's step counts as stuck: longer than any mail server may take to answer.
const STUCK_AFTER: Seconds = 15 * MINUTE;

/// The workers' pulses.
#[derive(Debug, Default)]
pub(super) struct Pulses(Mutex<Vec<Arc<Pulse>>>);

/// One worker's.
#[derive(Debug)]
pub struct Pulse {
    /// Which worker's.
    pub name: &'static str,
    /// When its present step began, by the monotonic clock, plus one; 0 while it rests.
    busy_since: AtomicU64,
}

impl Pulse {
    /// A step begins.
    pub fn begin(&self, uptime: Seconds) {
        self.busy_since.store(uptime + 1, Ordering::Relaxed);
    }

    /// The step is over.
    pub fn rest(&self) {
        self.busy_since.store(0, Ordering::Relaxed);
    }

    fn is_stuck(&self, uptime: Seconds) -> bool {
        let busy_since = self.busy_since.load(Ordering::Relaxed);
        busy_since != 0 && (uptime + 1).saturating_sub(busy_since) > STUCK_AFTER
    }
}

/// What somebody who watches over the appliance wants to know.
#[derive(Clone, Debug)]
pub struct Health {
    /// Whether writing works, as far as it was tried.
    pub store: Result<(), StoreError>,
    /// How much room is on the disk.
    pub room: Room,
    /// Workers whose step has taken far too long.
    pub stuck: Vec<&'static str>,
    /// Whether the clock is believed.
    pub clock: ClockState,
    /// Why the last attempt to get a certificate from an authority gave none; what was served before is served on.
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
    /// The pulse of a worker that is being started.
    pub fn pulse(&self, name: &'static str) -> Arc<Pulse> {
        let pulse = Arc::new(Pulse { name, busy_since: AtomicU64::new(0) });
        self.pulses.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&pulse));
        pulse
    }

    /// Goes the way of a write without writing anything: through the runtime, the writer's thread, and back. Returns when it
    /// was answered, be it with a refusal.
    ///
    /// # Errors
    /// When writing is known not to work.
    pub async fn can_write(self: &Arc<Self>) -> Result<(), StoreError> {
        self.write(|_| Ok(())).await
    }

    /// Looks at everything.
    pub async fn health(self: &Arc<Self>) -> Health {
        let store = self.can_write().await;
        let uptime = self.uptime();
        let pulses = self.pulses.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = pulses.iter().filter(|pulse| pulse.is_stuck(uptime)).map(|pulse| pulse.name).collect();
        let certificate = self.measures.renewal_trouble();
        Health { store, room: self.room(), stuck, clock: self.time().state, certificate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_stuck_when_one_step_takes_too_long() {
        let pulse = Pulse { name: "a test", busy_since: AtomicU64::new(0) };
        assert!(!pulse.is_stuck(STUCK_AFTER * 10), "it rests");
        pulse.begin(0);
        assert!(!pulse.is_stuck(STUCK_AFTER));
        assert!(pulse.is_stuck(STUCK_AFTER + 1));
        pulse.rest();
        assert!(!pulse.is_stuck(STUCK_AFTER + 1));
    }
}

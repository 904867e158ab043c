//! The workers' pulses: whether they are alive.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::base::{MINUTE, Seconds};

/// Seconds after which a worker's step counts as stuck: longer than any mail server may take to answer.
const STUCK_AFTER: Seconds = 15 * MINUTE;

/// The workers' pulses.
#[derive(Debug, Default)]
pub(super) struct Pulses(pub(super) Mutex<Vec<Arc<Heartbeat>>>);

/// The pulse of one worker.
#[derive(Debug)]
pub struct Heartbeat {
    /// The worker's name.
    pub name: &'static str,
    /// When its present step began, by the monotonic clock, plus one; 0 while it rests.
    pub(super) busy_since: AtomicU64,
}

impl Heartbeat {
    /// Notes that a step begins.
    pub fn begin(&self, uptime: Seconds) {
        self.busy_since.store(uptime + 1, Ordering::Relaxed);
    }

    /// Notes that the step is over.
    pub fn rest(&self) {
        self.busy_since.store(0, Ordering::Relaxed);
    }

    pub(super) fn is_stuck(&self, uptime: Seconds) -> bool {
        let busy_since = self.busy_since.load(Ordering::Relaxed);
        busy_since != 0 && (uptime + 1).saturating_sub(busy_since) > STUCK_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_stuck_when_one_step_takes_too_long() {
        let pulse = Heartbeat { name: "a test", busy_since: AtomicU64::new(0) };
        assert!(!pulse.is_stuck(STUCK_AFTER * 10), "it rests");
        pulse.begin(0);
        assert!(!pulse.is_stuck(STUCK_AFTER));
        assert!(pulse.is_stuck(STUCK_AFTER + 1));
        pulse.rest();
        assert!(!pulse.is_stuck(STUCK_AFTER + 1));
    }
}

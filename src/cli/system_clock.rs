//! The wall clock and the system's generator: the only place where either is read.

use rustix::time::{ClockId, clock_gettime};

use crate::base::{Clock, Seconds, Seed, Timestamp};

/// The machine's own. Whole seconds are all that is asked for, with every request, so the clocks are read that the kernel sets with
/// each tick: they are behind by some milliseconds, and cost a quarter.
#[derive(Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(seconds(ClockId::RealtimeCoarse))
    }

    fn uptime(&self) -> Seconds {
        seconds(ClockId::MonotonicCoarse)
    }

    fn seed(&self) -> Seed {
        let mut seed = Seed::default();
        #[expect(clippy::disallowed_methods, reason = "this is the one place where randomness comes in")]
        getrandom::fill(&mut seed).expect("the kernel's generator does not fail once it is seeded");
        seed
    }
}

/// A clock that is set to a time before 1970 shows nothing of use.
fn seconds(clock: ClockId) -> Seconds {
    clock_gettime(clock).tv_sec.try_into().unwrap_or_default()
}

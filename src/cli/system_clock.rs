//! The wall clock and the kernel's random generator: the only place where either is read.

use rustix::time::{ClockId, clock_gettime};

use crate::base::{Clock, Seconds, Seed, Timestamp};

/// The machine's clocks. Whole seconds are all that is needed, with every request, so the coarse clocks are read, which
/// the kernel sets at each tick: they lag by some milliseconds, and cost a quarter.
#[derive(Debug)]
pub(super) struct SystemClock;

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

/// Returns the seconds of a clock; a time before 1970 is of no use and counts as zero.
fn seconds(clock: ClockId) -> Seconds {
    clock_gettime(clock).tv_sec.try_into().unwrap_or_default()
}

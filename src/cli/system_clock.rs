//! The wall clock and the system's generator: the only place where either is read.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime};

use crate::base::{Clock, Seconds, Seed, Timestamp};

/// Where the monotonic clock is counted from; only differences matter.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The machine's own.
#[derive(Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one place where the time comes in")]
        let now = SystemTime::now();
        Timestamp::from_seconds(now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    fn uptime(&self) -> Seconds {
        STARTED.elapsed().as_secs()
    }

    fn seed(&self) -> Seed {
        let mut seed = Seed::default();
        #[expect(clippy::disallowed_methods, reason = "this is the one place where randomness comes in")]
        getrandom::fill(&mut seed).expect("the kernel's generator does not fail once it is seeded");
        seed
    }
}

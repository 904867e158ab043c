//! The level of a bucket: how full it is.

use crate::base::{Seconds, Timestamp};
use crate::config::Rate;

/// The contents of a bucket's row, judged at a time and against its limit.
///
/// It is kept as one point in time, when the bucket will be full again (the generic cell rate algorithm): nothing has
/// to be done while time passes, and a row that lies in the past says nothing and can go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Level {
    /// The time at which the bucket is full again.
    pub full_at: Timestamp,
    /// Failures since the last success.
    pub failures: u32,
}

impl Level {
    /// A bucket that was never charged.
    pub const FULL: Self = Self { full_at: Timestamp::from_seconds(0), failures: 0 };

    /// Seconds until the bucket is full again: never more than an empty one takes, even if the row was written while
    /// the clock was ahead.
    fn owed(self, rate: Rate, now: Timestamp) -> Seconds {
        self.full_at.since(now).min(rate.every.seconds() * u64::from(rate.burst))
    }

    /// Seconds until an attempt is allowed, when `under_way` others count as failed already; zero if it is now.
    #[must_use]
    pub fn wait(&self, rate: Rate, now: Timestamp, under_way: u32) -> Seconds {
        let every = rate.every.seconds();
        let owed = self.owed(rate, now) + every * u64::from(under_way + 1);
        owed.saturating_sub(every * u64::from(rate.burst))
    }

    /// The number of attempts that are left.
    #[must_use]
    pub fn left(&self, rate: Rate, now: Timestamp) -> u32 {
        let taken = self.owed(rate, now).div_ceil(rate.every.seconds());
        rate.burst.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    /// The level after one more failure. A bucket that is empty stays empty, and an attempt at it is no failure in a
    /// row, as it was not considered. Nobody waits longer than the limit says.
    #[must_use]
    pub fn charged(&self, rate: Rate, now: Timestamp) -> Self {
        let every = rate.every.seconds();
        // Capped, so that attempts at an empty bucket do not push its owner's turn further and further away.
        let most = now.plus(every * u64::from(rate.burst));
        let full_at = self.full_at.max(now).plus(every).min(most);
        let was_considered = self.wait(rate, now, 0) == 0;
        Self { full_at, failures: self.failures.saturating_add(u32::from(was_considered)) }
    }

    /// Whether no attempts are left.
    #[must_use]
    pub fn is_empty(&self, rate: Rate, now: Timestamp) -> bool {
        self.left(rate, now) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: Rate = Rate::new(3, 60);
    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn a_burst_passes_and_then_one_each_span() {
        let mut level = Level::FULL;
        for left in [2, 1, 0] {
            assert_eq!(level.wait(RATE, NOW, 0), 0);
            level = level.charged(RATE, NOW);
            assert_eq!(level.left(RATE, NOW), left);
        }
        assert_eq!(level.wait(RATE, NOW, 0), 60);
        assert_eq!(level.wait(RATE, NOW.plus(59), 0), 1);
        assert_eq!(level.wait(RATE, NOW.plus(60), 0), 0);
        assert_eq!(level.left(RATE, NOW.plus(180)), 3);
    }

    #[test]
    fn tries_under_way_count_as_failed() {
        assert_eq!(Level::FULL.wait(RATE, NOW, 2), 0);
        assert_eq!(Level::FULL.wait(RATE, NOW, 3), 60);
    }

    #[test]
    fn an_empty_bucket_gets_no_emptier() {
        let mut level = Level::FULL;
        (0..50).for_each(|_| level = level.charged(RATE, NOW));
        assert_eq!(level.wait(RATE, NOW, 0), 60);
        assert_eq!(level.failures, 3);
    }

    /// Of a time that did not come, because the clock was wrong, or of a limit that was larger.
    #[test]
    fn nobody_waits_longer_than_an_empty_bucket_takes() {
        let level = Level { full_at: NOW.plus(1_000_000), failures: 1 };
        assert_eq!((level.wait(RATE, NOW, 0), level.left(RATE, NOW)), (60, 0));
        assert_eq!((level.wait(RATE, NOW, 2), level.charged(RATE, NOW).full_at), (180, NOW.plus(180)));
    }

    proptest! {
        /// However tries are spread over time, no more pass within any stretch than the burst and one for each span.
        #[test]
        fn no_more_pass_than_the_limit_says(gaps in proptest::collection::vec(0u64..120, 1..200)) {
            let (mut level, mut now, mut passed) = (Level::FULL, NOW, 0u64);
            for gap in gaps {
                now = now.plus(gap);
                if level.wait(RATE, now, 0) == 0 {
                    level = level.charged(RATE, now);
                    passed += 1;
                }
                prop_assert!(passed <= 3 + now.since(NOW) / 60);
            }
        }
    }
}

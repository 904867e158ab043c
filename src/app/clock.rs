//! The clock: what time it is, and how sure that is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::{BUILD_DATE, Clock, ClockState, Reading, Seconds, Timekeeper, Timestamp};

/// The clocks, and their keeper.
pub(super) struct Time {
    pub(super) clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    /// What the clocks showed at the last reading, if they were believed: whoever sees the same need not have it judged
    /// again, under a lock. It changes twice a second, and every request reads it.
    believed: AtomicU64,
}

/// Nothing is believed.
const NOTHING: u64 = u64::MAX;

/// Packs both clocks into one word: the wall clock's seconds until the year 36,000,
/// and those of the monotonic one over half a year.
fn shown(wall: Timestamp, uptime: Seconds) -> u64 {
    const WALL_BITS: u32 = 40;
    (uptime << WALL_BITS) | (wall.seconds() & ((1 << WALL_BITS) - 1))
}

pub(super) struct Kept {
    pub(super) keeper: Timekeeper,
    told: ClockState,
    /// The floor before it was lowered, until the store knows of it.
    pub(super) lowered_from: Option<Timestamp>,
}

impl Time {
    /// Begins with the store's floor; a store without one is new, and the floor is then the program's build date.
    pub(super) fn new(clock: Arc<dyn Clock>, floor: Option<Timestamp>) -> Self {
        let keeper = Timekeeper::new(floor.unwrap_or_default().max(BUILD_DATE), clock.uptime(), floor.is_none());
        let kept = Kept { keeper, told: ClockState::Sure, lowered_from: None };
        Self { clock, kept: Mutex::new(kept), believed: AtomicU64::new(NOTHING) }
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self) -> Reading {
        let (wall, uptime) = (self.clock.now(), self.clock.uptime());
        if self.believed.load(Ordering::Acquire) == shown(wall, uptime) {
            return Reading { later: wall, earlier: wall, state: ClockState::Sure };
        }
        let mut kept = self.kept();
        let before = kept.keeper.floor();
        let reading = kept.keeper.read(wall, uptime);
        let is_believed = reading == Reading { later: wall, earlier: wall, state: ClockState::Sure };
        self.believed.store(if is_believed { shown(wall, uptime) } else { NOTHING }, Ordering::Release);
        // Links signed by the wrong time have to be ended, which `settle_clock` does outside this lock.
        if kept.keeper.floor() < before && kept.lowered_from.is_none() {
            kept.lowered_from = Some(before);
            tracing::warn!("the clock was ahead, at {before}, and is right again: it is {}", reading.later);
        }
        if reading.state != kept.told {
            kept.told = reading.state;
            // Without the lock, for which every request may be waiting: writing to the log can take long.
            drop(kept);
            tell(&reading, self.clock.now());
        }
        reading
    }
}

fn tell(reading: &Reading, wall: Timestamp) {
    match reading.state {
        ClockState::Sure => tracing::warn!("the clock is right again: {wall}"),
        ClockState::Behind => tracing::error!(
            "THE CLOCK IS WRONG: it shows {wall}, but it is at least {}. Passwords work; mailed links do not, and nothing is purged, until the clock is right. See `gatelodge clock`",
            reading.later
        ),
        ClockState::Leapt => tracing::error!(
            "THE CLOCK HAS LEAPT to {wall}, from {}: it is believed when it still says so in ten minutes; until then nothing is purged",
            reading.earlier
        ),
    }
}

/// The report of `gatelodge clock`.
#[derive(Clone, Copy, Debug)]
pub struct ClockReport {
    /// The machine's clock.
    pub wall: Timestamp,
    /// How it is judged.
    pub reading: Reading,
    /// The highest time that was believed.
    pub floor: Timestamp,
}

//! The time, as the appliance believes it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::accounts::keyring;
use crate::base::{BUILD_DATE, Clock, ClockState, Moment, Reading, Seconds, Timekeeper, Timestamp};
use crate::factors;
use crate::mail;
use crate::store::{self, StoreError};
use crate::throttle;

use super::{App, Fault};

/// The clocks, and what is made of them.
pub(super) struct Time {
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    /// What the clocks showed at the last look, if they were believed: whoever sees the same need not ask again, under a lock, what is
    /// made of it. They change twice a second, and every request looks.
    believed: AtomicU64,
}

/// Believed is nothing.
const NOTHING: u64 = u64::MAX;

/// What both clocks show, in one word: the wall clock's seconds until the year 36,000, and those of the monotonic one over half a year.
fn shown(wall: Timestamp, uptime: Seconds) -> u64 {
    const WALL_BITS: u32 = 40;
    (uptime << WALL_BITS) | (wall.seconds() & ((1 << WALL_BITS) - 1))
}

struct Kept {
    keeper: Timekeeper,
    told: ClockState,
    /// The floor before it was lowered, while the store does not know it yet.
    lowered_from: Option<Timestamp>,
}

impl Time {
    /// Begins with the store's floor; a store without one is new, and the floor is then the program's build date.
    pub fn new(clock: Arc<dyn Clock>, floor: Option<Timestamp>) -> Self {
        let keeper = Timekeeper::new(floor.unwrap_or_default().max(BUILD_DATE), clock.uptime(), floor.is_none());
        let kept = Kept { keeper, told: ClockState::Sure, lowered_from: None };
        Self { clock, kept: Mutex::new(kept), believed: AtomicU64::new(NOTHING) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Reading {
        let (wall, uptime) = (self.clock.now(), self.clock.uptime());
        if self.believed.load(Ordering::Acquire) == shown(wall, uptime) {
            return Reading { later: wall, earlier: wall, state: ClockState::Sure };
        }
        let mut kept = self.kept();
        let before = kept.keeper.floor();
        let reading = kept.keeper.read(wall, uptime);
        let is_believed = reading == Reading { later: wall, earlier: wall, state: ClockState::Sure };
        self.believed.store(if is_believed { shown(wall, uptime) } else { NOTHING }, Ordering::Release);
        if kept.keeper.floor() < before && kept.lowered_from.is_none() {
            kept.lowered_from = Some(before);
            tracing::warn!("the clock was ahead, at {before}, and is right again: it is {}", reading.later);
        }
        if reading.state != kept.told {
            kept.told = reading.state;
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

/// What `gatelodge clock` shows.
#[derive(Clone, Copy, Debug)]
pub struct ClockReport {
    /// What the machine's clock shows.
    pub wall: Timestamp,
    /// What is made of it.
    pub reading: Reading,
    /// The highest time that was believed.
    pub floor: Timestamp,
}

impl App {
    /// One look at the clocks.
    pub fn time(&self) -> Reading {
        self.time.read()
    }

    /// The time by which validity is judged: the wall clock's, but never earlier than any time seen before, so that what
    /// has expired stays so.
    pub fn now(&self) -> Timestamp {
        self.time().later
    }

    /// Seconds by the monotonic clock.
    pub fn uptime(&self) -> Seconds {
        self.time.clock.uptime()
    }

    /// A moment of its own for one request.
    pub fn moment(&self) -> Moment {
        Moment::at(self.time(), self.time.clock.seed())
    }

    /// What depends on the time is refused while the clock shows one that has been.
    ///
    /// # Errors
    /// [`Fault::ClockUnsure`].
    pub(super) fn require_clock(&self) -> Result<(), Fault> {
        if self.time().state == ClockState::Behind || self.is_unsettled() { Err(Fault::ClockUnsure) } else { Ok(()) }
    }

    /// Whether a step was taken back, and what it left behind is not yet out of use.
    pub(super) fn is_unsettled(&self) -> bool {
        self.time.kept().lowered_from.is_some()
    }

    /// The clocks, for an administrator.
    pub fn clock_report(&self) -> ClockReport {
        let reading = self.time();
        ClockReport { wall: self.time.clock.now(), reading, floor: self.time.kept().keeper.floor() }
    }

    /// Looks at the clocks, and has the store know if a step forward was taken back. Mailed links die: those of before, because one that
    /// expired while the machine was off would work again, for whoever has the clock's source say what they like; those made in the
    /// step, because they would work until its time has come. People ask for new ones, which work at once.
    pub async fn settle_clock(self: &Arc<Self>) -> Result<(), Fault> {
        let reading = self.time();
        let Some(from) = self.time.kept().lowered_from.filter(|_| reading.state == ClockState::Sure) else {
            return Ok(());
        };
        self.lower_floor((from, reading.later), true).await?;
        self.time.kept().lowered_from = None;
        Ok(())
    }

    /// Believes the wall clock as it is and takes the floor to it, backwards too.
    ///
    /// # Errors
    /// When the store fails; then the floor may come back with the next start.
    pub async fn reset_clock(self: &Arc<Self>) -> Result<ClockReport, StoreError> {
        let wall = self.time.clock.now();
        let from = self.time.kept().keeper.floor();
        self.time.kept().keeper.reset(wall, self.time.clock.uptime());
        self.lower_floor((from, wall), false).await?;
        Ok(self.clock_report())
    }

    /// Takes back what was noted for a time that has not come.
    async fn lower_floor(
        self: &Arc<Self>,
        (from, to): (Timestamp, Timestamp),
        ends_links: bool,
    ) -> Result<(), StoreError> {
        self.write(move |work| {
            if ends_links {
                keyring::revoke(work.tx, work.moment, &work.env.seal)?;
            }
            throttle::take_back(work.tx, &work.env.config.throttle, (from, to))?;
            factors::lower_steps(work.tx, to)?;
            mail::bring_forward(work.tx, to)?;
            store::reset_floor(work.tx, to)
        })
        .await
    }
}

//! What a use case may know about the outside world: the time and randomness.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::{ClockState, Reading, Seconds, Timestamp};

/// Thirty-two bytes from the system's generator, from which a [`Moment`] draws.
pub type Seed = [u8; 32];

/// The time of a request and the randomness it may use.
///
/// It owns a seed rather than a generator, so that a store closure that must run again is
/// given a clone and draws exactly the same values.
#[derive(Clone)]
pub struct Moment {
    now: Timestamp,
    earliest: Timestamp,
    state: ClockState,
    seed: Seed,
    drawn: u64,
}

impl Moment {
    /// Makes a moment at `now` whose draws are determined by `seed`.
    #[must_use]
    pub fn new(now: Timestamp, seed: Seed) -> Self {
        Self { now, earliest: now, state: ClockState::Sure, seed, drawn: 0 }
    }

    /// Makes a moment at the time of a reading.
    #[must_use]
    pub fn at(reading: Reading, seed: Seed) -> Self {
        Self { now: reading.later, earliest: reading.earlier, state: reading.state, seed, drawn: 0 }
    }

    /// Returns the time of this moment, which does not move. Validity is judged by it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the time that it is at least, by which deletion is judged. It differs from
    /// [`Moment::now`] only while a step of the clock is in doubt.
    #[must_use]
    pub fn earliest(&self) -> Timestamp {
        self.earliest
    }

    /// Whether the clock was believed at this moment.
    #[must_use]
    pub fn clock(&self) -> ClockState {
        self.state
    }

    /// Draws the next `N` random bytes: SHA-256 over the seed and a counter.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut drawn = [0; N];
        for chunk in drawn.chunks_mut(32) {
            let mut hash = Sha256::new();
            hash.update(b"gatelodge moment/1");
            hash.update(self.seed);
            hash.update(self.drawn.to_be_bytes());
            // Counted up with every chunk, so that no two draws of a moment have the same input.
            self.drawn += 1;
            chunk.copy_from_slice(&hash.finalize()[..chunk.len()]);
        }
        drawn
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Moment({})", self.now)
    }
}

/// The source of time and seeds. The program has one; tests set their own.
pub trait Clock: Send + Sync {
    /// Returns the wall clock's time.
    fn now(&self) -> Timestamp;

    /// Returns the seconds since some point in the past, whatever is done to the wall clock.
    fn uptime(&self) -> Seconds;

    /// Returns a fresh seed for a [`Moment`].
    fn seed(&self) -> Seed;
}

/// A clock that moves only when told to, with seeds that are a plain count: for tests.
#[derive(Debug)]
pub struct ManualClock {
    seconds: AtomicU64,
    uptime: AtomicU64,
    seeds: AtomicU64,
}

impl ManualClock {
    /// Makes a clock that stands at `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self { seconds: AtomicU64::new(start.seconds()), uptime: AtomicU64::new(0), seeds: AtomicU64::new(0) }
    }

    /// Lets time pass.
    pub fn advance(&self, seconds: Seconds) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
        self.uptime.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Sets the wall clock, backwards too; no time passes.
    pub fn set(&self, time: Timestamp) {
        self.seconds.store(time.seconds(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.seconds.load(Ordering::SeqCst))
    }

    fn uptime(&self) -> Seconds {
        self.uptime.load(Ordering::SeqCst)
    }

    fn seed(&self) -> Seed {
        let count = self.seeds.fetch_add(1, Ordering::SeqCst);
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&count.to_be_bytes());
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloned_moment_draws_the_same_again() {
        let mut first = Moment::new(Timestamp::default(), [7; 32]);
        let mut second = first.clone();
        assert_eq!(first.bytes::<40>(), second.bytes::<40>());
        assert_eq!(first.bytes::<16>(), second.bytes::<16>());
    }

    #[test]
    fn two_draws_differ() {
        let mut moment = Moment::new(Timestamp::default(), [7; 32]);
        assert_ne!(moment.bytes::<32>(), moment.bytes::<32>());
    }
}

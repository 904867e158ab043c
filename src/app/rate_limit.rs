//! Attempts that are under way.
//!
//! An attempt counts as failed from the moment it is let in until its outcome is committed, so that parallel guesses
//! cannot pass together. What is under way is kept in memory and bounded by the requests there are; what has failed
//! is in the store, and a crash loses none of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::accounts::attempt_limits::AttemptLimits;
use crate::throttle::{Bucket, Kind};

type Key = (Kind, [u8; 16]);

/// Attempts whose outcome is not committed yet.
#[derive(Debug, Default)]
pub(super) struct RateLimiter {
    under_way: Mutex<HashMap<Key, u32>>,
    queued: AtomicUsize,
    queued_at_reserve: AtomicUsize,
}

impl RateLimiter {
    fn under_way(&self) -> MutexGuard<'_, HashMap<Key, u32>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an attempt in each of its buckets, and returns how many others are under way there.
    pub(super) fn enter(self: &Arc<Self>, tries: AttemptLimits) -> (Reservation, Vec<u32>) {
        // One lock for all of them: of two attempts that enter together, at least one sees the other.
        let mut under_way = self.under_way();
        let others = tries.all().map(|bucket| {
            let count = under_way.entry((bucket.kind, bucket.id)).or_default();
            *count += 1;
            *count - 1
        });
        let others = others.collect();
        (Reservation { tries, is_locked_out: false, limiter: Arc::clone(self) }, others)
    }

    /// Moves an attempt to another bucket of a crowd, and returns how many others are under way there.
    pub(super) fn move_to(&self, reservation: &mut Reservation, crowd: Bucket) -> u32 {
        let mut under_way = self.under_way();
        if let Some(left) = reservation.tries.crowd.take() {
            leave(&mut under_way, &left);
        }
        let count = under_way.entry((crowd.kind, crowd.id)).or_default();
        *count += 1;
        reservation.tries.crowd = Some(crowd);
        *count - 1
    }

    /// Takes a place in the queue of those who wait for their turn at a bucket, if there is one.
    pub(super) fn queue_up(self: &Arc<Self>, bucket: Kind) -> Option<Queued> {
        let take = |queued: usize| (queued < MAX_QUEUED).then_some(queued + 1);
        let taken = self.queue_of(bucket).fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.is_ok().then(|| Queued(Arc::clone(self), bucket))
    }

    /// Counted separately, so that those who emptied the one bucket do not fill the queue of the other.
    fn queue_of(&self, bucket: Kind) -> &AtomicUsize {
        if bucket == Kind::Reserve { &self.queued_at_reserve } else { &self.queued }
    }
}

pub(super) struct Queued(Arc<RateLimiter>, Kind);

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.queue_of(self.1).fetch_sub(1, Ordering::Relaxed);
    }
}

/// A reservation for an attempt, which counts as under way until this is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    /// The limits that it is charged to if it fails.
    pub tries: AttemptLimits,
    /// Whether it cannot succeed, which must not show.
    pub is_locked_out: bool,
    limiter: Arc<RateLimiter>,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut under_way = self.limiter.under_way();
        self.tries.all().for_each(|bucket| leave(&mut under_way, bucket));
    }
}

fn leave(under_way: &mut HashMap<Key, u32>, bucket: &Bucket) {
    let key = (bucket.kind, bucket.id);
    match under_way.get_mut(&key) {
        Some(count) if *count > 1 => *count -= 1,
        // Removed at zero: the map is bounded by the requests under way, not by the names ever tried.
        _ => drop(under_way.remove(&key)),
    }
}

/// The most attempts that wait for their turn at one bucket; each holds a connection and a few KB.
const MAX_QUEUED: usize = 64;

//! Who may try: asked before anything is hashed.
//!
//! An attempt counts as failed from the moment it is let in until its outcome is committed, so that parallel guesses cannot
//! pass together. What is under way is kept in memory and bounded by the requests there are; what has failed is in the
//! store, and a crash loses none of it.
//!
//! Whoever meets an empty bucket of their own is refused. The one of everybody was emptied by others: there people wait for
//! their turn, up to [`LONGEST_TURN`], before they are refused.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::accounts::tries::{Tries, is_out_of_use, owes_little};
use crate::base::Seconds;
use crate::store::StoreError;
use crate::throttle::{self, Bucket, Kind, MAX_CONSECUTIVE};

use super::{App, Fault};

type Key = (Kind, [u8; 16]);

/// Attempts whose outcome is not committed yet.
#[derive(Debug, Default)]
pub(super) struct Admission {
    under_way: Mutex<HashMap<Key, u32>>,
    queued: AtomicUsize,
    queued_at_reserve: AtomicUsize,
}

impl Admission {
    fn under_way(&self) -> MutexGuard<'_, HashMap<Key, u32>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an attempt in each bucket, and says how many others were under way there.
    fn enter(self: &Arc<Self>, tries: Tries) -> (Admitted, Vec<u32>) {
        let mut under_way = self.under_way();
        let others = tries.all().map(|bucket| {
            let count = under_way.entry((bucket.kind, bucket.id)).or_default();
            *count += 1;
            *count - 1
        });
        let others = others.collect();
        (Admitted { tries, is_barred: false, admission: Arc::clone(self) }, others)
    }

    /// Has an attempt stand at another bucket of a crowd. Says how many others are under way there.
    fn move_to(&self, admitted: &mut Admitted, crowd: Bucket) -> u32 {
        let mut under_way = self.under_way();
        if let Some(left) = admitted.tries.crowd.take() {
            leave(&mut under_way, &left);
        }
        let count = under_way.entry((crowd.kind, crowd.id)).or_default();
        *count += 1;
        admitted.tries.crowd = Some(crowd);
        *count - 1
    }

    /// A place in the queue of those who wait for their turn at a bucket, if there is one.
    fn queue_up(self: &Arc<Self>, bucket: Kind) -> Option<Queued> {
        let take = |queued: usize| (queued < MAX_QUEUED).then_some(queued + 1);
        let taken = self.queue_of(bucket).fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.is_ok().then(|| Queued(Arc::clone(self), bucket))
    }

    /// Apart, so that those who emptied the one do not fill the queue of the other.
    fn queue_of(&self, bucket: Kind) -> &AtomicUsize {
        if bucket == Kind::Reserve { &self.queued_at_reserve } else { &self.queued }
    }
}

struct Queued(Arc<Admission>, Kind);

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.queue_of(self.1).fetch_sub(1, Ordering::Relaxed);
    }
}

/// An attempt that was let in. It is under way until this is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    /// What it costs if it fails.
    pub tries: Tries,
    /// Whether it cannot succeed, although that must not show.
    pub is_barred: bool,
    admission: Arc<Admission>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut under_way = self.admission.under_way();
        self.tries.all().for_each(|bucket| leave(&mut under_way, bucket));
    }
}

fn leave(under_way: &mut HashMap<Key, u32>, bucket: &Bucket) {
    let key = (bucket.kind, bucket.id);
    match under_way.get_mut(&key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(under_way.remove(&key)),
    }
}

/// The longest that anybody is told to wait, in seconds: a client that is told more does not come back.
const LONGEST_WAIT: Seconds = 24 * crate::base::HOUR;
/// The longest that anybody waits for their turn, in seconds: people look at a page that long.
const LONGEST_TURN: Seconds = 15;
/// Attempts that wait for their turn at one bucket; each holds a connection and a few KB.
const MAX_QUEUED: usize = 64;

impl App {
    /// Lets an attempt in, or says how long to wait.
    ///
    /// # Errors
    /// [`Fault::TooManyAttempts`]; or when the store fails.
    pub(super) fn admit(&self, tries: Tries) -> Result<Admitted, Fault> {
        let (admitted, turn) = self.admit_but_for_turn(tries)?;
        if turn > 0 { Err(Fault::TooManyAttempts(turn.min(LONGEST_WAIT))) } else { Ok(admitted) }
    }

    /// Lets an attempt in, after waiting for its turn where others emptied the bucket of everybody.
    ///
    /// # Errors
    /// [`Fault::TooManyAttempts`]; or when the store fails.
    pub(super) async fn admit_in_turn(&self, tries: Tries) -> Result<Admitted, Fault> {
        let (admitted, turn) = self.admit_but_for_turn(tries)?;
        if turn == 0 {
            return Ok(admitted);
        }
        // Those who wait count as under way, so each stands behind the ones before, and the turn that was named is theirs.
        let kind = admitted.tries.crowd.as_ref().map_or(Kind::Everybody, |crowd| crowd.kind);
        let queued = (turn <= LONGEST_TURN).then(|| self.admission.queue_up(kind)).flatten();
        let Some(_queued) = queued else { return Err(Fault::TooManyAttempts(turn.min(LONGEST_WAIT))) };
        tokio::time::sleep(Duration::from_secs(turn)).await;
        Ok(admitted)
    }

    /// Lets an attempt in as far as its own buckets go, and says in how many seconds it is its turn.
    fn admit_but_for_turn(&self, tries: Tries) -> Result<(Admitted, Seconds), Fault> {
        // First entered, then read: whoever left in between has committed what they cost.
        let (mut admitted, others) = self.admission.enter(tries);
        let mut others = others.into_iter();
        let (mut longest, mut is_clean) = (0, true);
        for (bucket, others) in admitted.tries.open.iter().zip(others.by_ref()) {
            longest = longest.max(self.wait_for(bucket, others)?);
            if matches!(bucket.kind, Kind::Network | Kind::WideNetwork) {
                is_clean &= self.owes_little(bucket, others)?;
            }
        }
        if longest > 0 {
            return Err(Fault::TooManyAttempts(longest.min(LONGEST_WAIT)));
        }
        let mut turn = match &admitted.tries.crowd {
            Some(crowd) => self.wait_for(crowd, others.next().unwrap_or_default())?,
            None => 0,
        };
        if let Some(hidden) = &admitted.tries.hidden {
            admitted.is_barred = self.wait_for(hidden, others.next().unwrap_or_default())? > 0;
        }
        // A few networks can empty the bucket of everybody, or fill the queue at it. Those that have hardly failed go on with a share
        // of their own, or strangers could keep every owner out who comes with a new device (OWASP, "account lockout" as a denial
        // of service). What a network has under way counts as failed, so that none takes more than a few places there.
        if turn > 0 && is_clean {
            let reserve = Bucket::everybody(Kind::Reserve);
            let others = self.admission.move_to(&mut admitted, reserve.clone());
            turn = self.wait_for(&reserve, others)?;
        }
        Ok((admitted, turn))
    }

    fn owes_little(&self, bucket: &Bucket, others: u32) -> Result<bool, StoreError> {
        let level = self.read(|view| throttle::level_of(view, bucket))?;
        Ok(owes_little(&level, bucket.kind.rate(&self.env().config.throttle), self.time().earlier, others))
    }

    fn wait_for(&self, bucket: &Bucket, others: u32) -> Result<Seconds, StoreError> {
        let level = self.read(|view| throttle::level_of(view, bucket))?;
        // Those under way may all fail, and in a row.
        let would_be_last = level.failures.saturating_add(others) >= MAX_CONSECUTIVE;
        if is_out_of_use(bucket, &level) || (would_be_last && bucket.kind.counts_in_a_row()) {
            return Ok(LONGEST_WAIT);
        }
        Ok(level.wait(bucket.kind.rate(&self.env().config.throttle), self.time().earlier, others))
    }
}

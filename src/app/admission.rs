//! Who may try: asked before anything is hashed.
//!
//! An attempt counts as failed from the moment it is let in until its outcome is committed, so that parallel guesses cannot
//! pass together. What is under way is kept in memory and bounded by the requests there are; what has failed is in the
//! store, and a crash loses none of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::accounts::tries::{Tries, is_out_of_use};
use crate::base::Seconds;
use crate::store::StoreError;
use crate::throttle::{self, Bucket, Kind, MAX_CONSECUTIVE};

use super::{App, Fault};

type Key = (Kind, [u8; 16]);

/// Attempts whose outcome is not committed yet.
#[derive(Debug, Default)]
pub(super) struct Admission(Mutex<HashMap<Key, u32>>);

impl Admission {
    fn under_way(&self) -> MutexGuard<'_, HashMap<Key, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        for bucket in self.tries.all() {
            let key = (bucket.kind, bucket.id);
            match under_way.get_mut(&key) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(under_way.remove(&key)),
            }
        }
    }
}

/// The longest that anybody is told to wait, in seconds: a client that is told more does not come back.
const LONGEST_WAIT: Seconds = 24 * crate::base::HOUR;

impl App {
    /// Lets an attempt in, or says how long to wait.
    ///
    /// # Errors
    /// [`Fault::TooManyAttempts`]; or when the store fails.
    pub(super) fn admit(&self, tries: Tries) -> Result<Admitted, Fault> {
        // First entered, then read: whoever left in between has committed what they cost.
        let (mut admitted, others) = self.admission.enter(tries);
        let mut longest = 0;
        for (bucket, others) in admitted.tries.open.iter().zip(&others) {
            longest = longest.max(self.wait_for(bucket, *others)?);
        }
        if longest > 0 {
            return Err(Fault::TooManyAttempts(longest.min(LONGEST_WAIT)));
        }
        if let (Some(hidden), Some(others)) = (&admitted.tries.hidden, others.last()) {
            admitted.is_barred = self.wait_for(hidden, *others)? > 0;
        }
        Ok(admitted)
    }

    fn wait_for(&self, bucket: &Bucket, others: u32) -> Result<Seconds, StoreError> {
        let level = self.read(|view| throttle::level_of(view, bucket))?;
        // Those under way may all fail, and in a row.
        let would_be_last = level.failures.saturating_add(others) >= MAX_CONSECUTIVE;
        if is_out_of_use(bucket, &level) || (would_be_last && bucket.kind.counts_in_a_row()) {
            return Ok(LONGEST_WAIT);
        }
        Ok(level.wait(bucket.kind.rate(&self.services().config.throttle), self.time().earlier, others))
    }
}

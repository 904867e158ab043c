//! Reserves attempts in the rate limit's buckets, before anything is hashed.
//!
//! A caller who meets an empty bucket of their own is refused. The bucket of everybody was emptied by others: there
//! callers wait for their turn, up to [`LONGEST_TURN`], before they are refused.

use std::time::Duration;

use crate::accounts::attempt_limits::{AttemptLimits, is_out_of_use, owes_little};
use crate::base::Seconds;
use crate::store::StoreError;
use crate::throttle::{self, Bucket, Kind, MAX_CONSECUTIVE};

use super::rate_limit::Reservation;
use super::{App, Fault};

/// The longest wait that a caller is told, in seconds: a client that is told more does not come back.
const LONGEST_WAIT: Seconds = 24 * crate::base::HOUR;

/// The longest wait for a turn, in seconds: people look at a page that long.
const LONGEST_TURN: Seconds = 15;

impl App {
    /// Reserves an attempt, or says how long to wait.
    ///
    /// # Errors
    /// [`Fault::TooManyAttempts`]; or when the store fails.
    pub(super) async fn reserve(&self, tries: AttemptLimits) -> Result<Reservation, Fault> {
        let (reservation, turn) = self.reserve_but_for_turn(tries).await?;
        if turn > 0 { Err(Fault::TooManyAttempts(turn.min(LONGEST_WAIT))) } else { Ok(reservation) }
    }

    /// Reserves an attempt, after waiting for its turn where others emptied the bucket of everybody.
    ///
    /// # Errors
    /// [`Fault::TooManyAttempts`]; or when the store fails.
    pub(super) async fn reserve_in_turn(&self, tries: AttemptLimits) -> Result<Reservation, Fault> {
        let (reservation, turn) = self.reserve_but_for_turn(tries).await?;
        if turn == 0 {
            return Ok(reservation);
        }
        // Those who wait count as under way, so each queues behind the ones
        // before, and the turn computed above is theirs.
        let kind = reservation.tries.crowd.as_ref().map_or(Kind::Everybody, |crowd| crowd.kind);
        let queued = (turn <= LONGEST_TURN).then(|| self.rate_limiter.queue_up(kind)).flatten();
        let Some(_queued) = queued else { return Err(Fault::TooManyAttempts(turn.min(LONGEST_WAIT))) };
        tokio::time::sleep(Duration::from_secs(turn)).await;
        Ok(reservation)
    }

    /// Reserves an attempt as far as its own buckets go, and returns in how many seconds it is its turn.
    async fn reserve_but_for_turn(&self, tries: AttemptLimits) -> Result<(Reservation, Seconds), Fault> {
        // First entered, then read: whoever left in between has committed what the attempt cost. The other way round it
        // would count nowhere for a moment, and parallel guesses could pass together.
        let (mut reservation, others) = self.rate_limiter.enter(tries);
        let mut others = others.into_iter();
        let (mut longest, mut is_clean) = (0, true);
        for (bucket, others) in reservation.tries.open.iter().zip(others.by_ref()) {
            longest = longest.max(self.wait_for(bucket, others).await?);
            if matches!(bucket.kind, Kind::Network | Kind::WideNetwork) {
                is_clean &= self.owes_little(bucket, others).await?;
            }
        }
        if longest > 0 {
            return Err(Fault::TooManyAttempts(longest.min(LONGEST_WAIT)));
        }
        let mut turn = match &reservation.tries.crowd {
            Some(crowd) => self.wait_for(crowd, others.next().unwrap_or_default()).await?,
            None => 0,
        };
        if let Some(hidden) = &reservation.tries.hidden {
            // Not refused here: an account's own limit is answered like a wrong password, hash
            // included, or it would tell that the account exists.
            reservation.is_locked_out = self.wait_for(hidden, others.next().unwrap_or_default()).await? > 0;
        }
        // A few networks can empty the bucket of everybody, or fill the queue at it. Those that have hardly
        // failed go on with a share of their own, or strangers could lock every owner out who comes with a new
        // device (OWASP, "account lockout" as a denial of service). What a network has under way counts as
        // failed, so that none takes more than a few places there.
        if turn > 0 && is_clean {
            let reserve = Bucket::everybody(Kind::Reserve, self.env().node);
            let others = self.rate_limiter.move_to(&mut reservation, reserve.clone());
            turn = self.wait_for(&reserve, others).await?;
        }
        Ok((reservation, turn))
    }

    async fn owes_little(&self, bucket: &Bucket, others: u32) -> Result<bool, StoreError> {
        let level = self.read(|view| throttle::level_of(view, bucket)).await?;
        Ok(owes_little(&level, bucket.kind.rate(&self.env().config.throttle), self.time().earlier, others))
    }

    async fn wait_for(&self, bucket: &Bucket, others: u32) -> Result<Seconds, StoreError> {
        let level = self.read(|view| throttle::level_of(view, bucket)).await?;
        // All those under way may fail, and in a row.
        let would_be_last = level.failures.saturating_add(others) >= MAX_CONSECUTIVE;
        if is_out_of_use(bucket, &level) || (would_be_last && bucket.kind.counts_in_a_row()) {
            return Ok(LONGEST_WAIT);
        }
        Ok(level.wait(bucket.kind.rate(&self.env().config.throttle), self.time().earlier, others))
    }
}

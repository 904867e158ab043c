//! The time, as the appliance believes it.

use std::sync::Arc;

use crate::accounts::keyring;
use crate::base::{ClockState, Moment, Reading, Seconds, Timestamp};
use crate::factors;
use crate::mail;
use crate::store::{self, StoreError};
use crate::throttle;

use super::maintenance::ROWS_PER_STEP;
use super::{App, ClockReport, Fault};

impl App {
    /// Reads the clocks.
    pub fn time(&self) -> Reading {
        self.time.read()
    }

    /// Returns the time by which validity is judged: the wall clock's, but never earlier than any time seen
    /// before, so that what has expired stays expired.
    pub fn now(&self) -> Timestamp {
        self.time().later
    }

    /// Returns the seconds of the monotonic clock.
    pub fn uptime(&self) -> Seconds {
        self.time.clock.uptime()
    }

    /// Makes a new moment for one request.
    pub fn moment(&self) -> Moment {
        Moment::at(self.time(), self.time.clock.seed())
    }

    /// Refuses what depends on the time while the clock shows one that has been.
    ///
    /// # Errors
    /// [`Fault::ClockUnsure`].
    pub(super) fn require_clock(&self) -> Result<(), Fault> {
        if self.time().state == ClockState::Behind || self.is_unsettled() { Err(Fault::ClockUnsure) } else { Ok(()) }
    }

    /// Whether a step was taken back whose consequences are still to be undone.
    pub(super) fn is_unsettled(&self) -> bool {
        self.time.kept().lowered_from.is_some()
    }

    /// Reports on the clocks, for an administrator.
    pub fn clock_report(&self) -> ClockReport {
        let reading = self.time();
        ClockReport { wall: self.time.clock.now(), reading, floor: self.time.kept().keeper.floor() }
    }

    /// Reads the clocks, and undoes in the store what a step forward left if it was taken back. Mailed links are
    /// revoked: those from before, because one that expired while the machine was off would be valid again, for
    /// whoever controls the clock's source; those made during the step, because they would be valid until its time
    /// has come. People ask for new ones, which work at once.
    pub async fn settle_clock(self: &Arc<Self>) -> Result<(), Fault> {
        let reading = self.time();
        let Some(from) = self.time.kept().lowered_from.filter(|_| reading.state == ClockState::Sure) else {
            return Ok(());
        };
        self.lower_floor((from, reading.later), true).await?;
        // Only after the commit: as long as it is set, what depends on the time is refused.
        self.time.kept().lowered_from = None;
        Ok(())
    }

    /// Believes the wall clock as it is and sets the floor to it, backwards too.
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

    /// Undoes what was noted for a time that has not come.
    async fn lower_floor(
        self: &Arc<Self>,
        (from, to): (Timestamp, Timestamp),
        ends_links: bool,
    ) -> Result<(), StoreError> {
        if ends_links {
            self.write(|work| keyring::revoke(work.tx, work.moment, &work.env.seal)).await?;
        }
        // In steps, each of which can be repeated; the floor comes last, so that what was interrupted is begun again.
        self.in_steps(move |work, after| {
            throttle::take_back(work.tx, &work.env.config.throttle, (from, to), after, ROWS_PER_STEP)
        })
        .await?;
        self.in_steps(move |work, after| factors::lower_steps(work.tx, to, after, ROWS_PER_STEP)).await?;
        self.in_steps(move |work, after| Ok(mail::bring_forward(work.tx, after, to)?.after)).await?;
        self.write(move |work| store::reset_floor(work.tx, work.env.node, to)).await
    }
}

//! What time it is, when the clock may lie: a small board has no battery clock and wakes in the past after a power cut,
//! and one bad answer from the network can put any clock years ahead.

use serde::{Deserialize, Serialize};

use super::{DAY, HOUR, MINUTE, Seconds, Timestamp};

/// How far the wall clock may lie behind the highest time seen before it is doubted.
pub const SLACK: Seconds = 5 * MINUTE;
/// A step forward beyond this, against the monotonic clock, is doubted.
///
/// A smaller one is believed at once, and raises the floor, although whoever controls the network's time could take it
/// in steps: machines are off for days, and each start after it would be in doubt otherwise, with nothing purged. What
/// such a step does is bounded: links and codes end up to a week early, sessions that were to end within it end, and
/// when the clock is right again it is "behind", which the log says loudly and `gatelodge clock reset` mends; unless it
/// was right again within [`HOLD`], as after a start with a battery clock in local time: then the step is taken back.
/// It revives nothing that was over by the time before it, which has surely been. Where the network cannot be trusted
/// with the time, let chrony set the clock from authenticated sources (NTS).
///
/// Of a step that was there at the start, at most the width of a time zone (UTC+14) is taken back: how long the machine
/// was off nobody knows, and what expired meanwhile has to stay expired. What was signed before a step that is taken
/// back, or during it, is out of use, see `App::settle_clock`.
pub const LEAP: Seconds = 7 * DAY;
/// The widest time zone, in seconds.
const ZONE: Seconds = 14 * HOUR;
/// How long a doubted step forward must last before it is believed; as long a believed one may be taken back.
pub const HOLD: Seconds = 10 * MINUTE;

/// Whether the wall clock is believed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockState {
    /// It is believed.
    Sure,
    /// It lies behind a time that has been: nothing that depends on the time is accepted, and nothing is purged.
    Behind,
    /// It has leapt forward and is not believed yet: validity is judged by the later time, deletion by the earlier.
    Leapt,
}

impl ClockState {
    /// Returns the word for lists and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sure => "sure",
            Self::Behind => "behind",
            Self::Leapt => "leapt",
        }
    }
}

/// One reading of the clocks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reading {
    /// The time by which validity is judged.
    pub later: Timestamp,
    /// The time by which deletion is judged; the floor follows it.
    pub earlier: Timestamp,
    /// Whether the wall clock is believed.
    pub state: ClockState,
}

/// Keeps the floor, the highest time that was believed, and judges the wall clock by it and by the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Timekeeper {
    floor: Timestamp,
    /// What the monotonic clock showed when the floor was last raised.
    raised_at: Seconds,
    /// Since when, by the monotonic clock, the wall clock has been far ahead.
    leapt_at: Option<Seconds>,
    /// A step forward that was believed, and may still be taken back.
    step: Option<Step>,
    is_first_start: bool,
    /// Whether nobody has read it since the start.
    is_first_look: bool,
}

/// The time as it would be without a step, at a reading of the monotonic clock.
#[derive(Clone, Copy, Debug)]
struct Step {
    before: Timestamp,
    at: Seconds,
}

impl Timekeeper {
    /// Begins with a floor, at `uptime` by the monotonic clock. On a first start a step forward is believed at once:
    /// the floor is then the program's build date and says nothing about this machine.
    #[must_use]
    pub const fn new(floor: Timestamp, uptime: Seconds, is_first_start: bool) -> Self {
        Self { floor, raised_at: uptime, leapt_at: None, step: None, is_first_start, is_first_look: true }
    }

    /// Returns the highest time that was believed.
    #[must_use]
    pub const fn floor(&self) -> Timestamp {
        self.floor
    }

    /// Judges the wall clock.
    pub fn read(&mut self, wall: Timestamp, uptime: Seconds) -> Reading {
        // A step that has lasted this long has surely been acted upon: it stays.
        self.step = self.step.filter(|step| uptime.saturating_sub(step.at) < HOLD);
        // Time has come at least this far, whatever the wall clock says.
        let at_least = self.floor.plus(uptime.saturating_sub(self.raised_at));
        if wall.plus(SLACK) < at_least {
            self.leapt_at = None;
            let without = self.step.map(|step| step.before.plus(uptime.saturating_sub(step.at)));
            // Taken back, but not below the time without the step: what was over by then stays over.
            if let Some(without) = without.filter(|without| wall.plus(SLACK) >= *without) {
                (self.floor, self.raised_at, self.step) = (wall.max(without), uptime, None);
                return Reading { later: self.floor, earlier: self.floor, state: ClockState::Sure };
            }
            // Time goes on by the monotonic clock, so that sessions and links still expire under a wrong wall clock.
            self.raise(at_least, uptime);
            return Reading { later: at_least, earlier: at_least, state: ClockState::Behind };
        }
        if wall.since(at_least) > LEAP && !self.is_first_start {
            let since = *self.leapt_at.get_or_insert(uptime);
            if uptime.saturating_sub(since) < HOLD {
                // The floor stays: one wrong answer from the network must not purge anything, or expire it for good.
                return Reading { later: wall, earlier: at_least, state: ClockState::Leapt };
            }
        }
        // A step that was doubted has lasted already, and before a first start there is no time to go back to.
        if self.leapt_at.take().is_none() && wall.since(at_least) > SLACK && !self.is_first_start {
            let before = if self.is_first_look { at_least.max(wall.minus(ZONE)) } else { at_least };
            self.step.get_or_insert(Step { before, at: uptime });
        }
        (self.is_first_start, self.is_first_look) = (false, false);
        self.raise(wall, uptime);
        Reading { later: self.floor, earlier: self.floor, state: ClockState::Sure }
    }

    /// Believes the wall clock as it is, backwards too: on an administrator's word.
    pub fn reset(&mut self, wall: Timestamp, uptime: Seconds) {
        *self = Self { is_first_look: false, ..Self::new(wall, uptime, false) };
    }

    fn raise(&mut self, to: Timestamp, uptime: Seconds) {
        if to > self.floor {
            self.floor = to;
            self.raised_at = uptime;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::BUILD_DATE;

    const FLOOR: Timestamp = Timestamp::from_seconds(2_000_000_000);

    fn back(seconds: Seconds) -> Timestamp {
        Timestamp::from_seconds(FLOOR.seconds() - seconds)
    }

    #[test]
    fn an_ordinary_clock_is_believed_and_raises_the_floor() {
        let mut keeper = Timekeeper::new(FLOOR, 0, false);
        let later = FLOOR.plus(3 * HOUR);
        let reading = keeper.read(later, 10);
        assert_eq!(reading, Reading { later, earlier: later, state: ClockState::Sure });
        assert_eq!(keeper.floor(), later);
    }

    #[test]
    fn a_few_minutes_back_stand_still_and_are_no_reason_for_doubt() {
        let mut keeper = Timekeeper::new(FLOOR, 0, false);
        let reading = keeper.read(back(SLACK - 1), 1);
        assert_eq!((reading.later, reading.state), (FLOOR, ClockState::Sure));
    }

    /// 1970, a day before the build, five days behind the floor, ten years back.
    #[test]
    fn a_clock_that_wakes_in_the_past_is_doubted_but_time_goes_on() {
        let a_day_before_the_build = Timestamp::from_seconds(BUILD_DATE.seconds() - DAY);
        for wall in [Timestamp::default(), a_day_before_the_build, back(5 * DAY), back(3650 * DAY)] {
            let mut keeper = Timekeeper::new(FLOOR, 50, false);
            assert_eq!(keeper.read(wall, 50).state, ClockState::Behind);
            let an_hour_on = keeper.read(wall.plus(HOUR), 50 + HOUR);
            assert_eq!((an_hour_on.later, an_hour_on.state), (FLOOR.plus(HOUR), ClockState::Behind));
            let corrected = keeper.read(FLOOR.plus(2 * HOUR), 50 + HOUR + 1);
            assert_eq!((corrected.later, corrected.state), (FLOOR.plus(2 * HOUR), ClockState::Sure));
        }
    }

    /// 400 days ahead, 2038, 2106.
    #[test]
    fn a_leap_forward_is_believed_only_after_it_has_lasted() {
        for wall in [FLOOR.plus(400 * DAY), Timestamp::from_seconds(1 << 31), Timestamp::from_seconds(1 << 32)] {
            let mut keeper = Timekeeper::new(FLOOR, 0, false);
            let leapt = keeper.read(wall, 5);
            assert_eq!(leapt, Reading { later: wall, earlier: FLOOR.plus(5), state: ClockState::Leapt });
            assert_eq!(keeper.read(wall.plus(HOLD - 1), 5 + HOLD - 1).state, ClockState::Leapt);
            assert_eq!(keeper.floor(), FLOOR);
            let believed = keeper.read(wall.plus(HOLD), 5 + HOLD);
            assert_eq!(believed, Reading { later: wall.plus(HOLD), earlier: wall.plus(HOLD), state: ClockState::Sure });
        }
    }

    #[test]
    fn a_leap_that_is_taken_back_leaves_nothing() {
        let mut keeper = Timekeeper::new(FLOOR, 0, false);
        keeper.read(FLOOR.plus(3650 * DAY), 5);
        assert_eq!(keeper.read(FLOOR.plus(20), 20).state, ClockState::Sure);
        assert_eq!(keeper.floor(), FLOOR.plus(20));
        // The next leap has to last as long again.
        assert_eq!(keeper.read(FLOOR.plus(3650 * DAY), HOLD + 6).state, ClockState::Leapt);
    }

    /// A battery clock in local time, two hours ahead until the time server has answered.
    #[test]
    fn a_step_that_did_not_last_is_taken_back() {
        let mut keeper = Timekeeper::new(FLOOR, 0, false);
        let off_for = 3 * HOUR;
        let ahead = keeper.read(FLOOR.plus(off_for + 2 * HOUR), 1);
        assert_eq!((ahead.later, ahead.state), (FLOOR.plus(off_for + 2 * HOUR), ClockState::Sure));
        let right = keeper.read(FLOOR.plus(off_for + 4), 5);
        let now = FLOOR.plus(off_for + 4);
        assert_eq!(right, Reading { later: now, earlier: now, state: ClockState::Sure });
        assert_eq!(keeper.floor(), now);
        // But not to a time before the step, nor by more than a time zone where nobody knows
        // how long it was off, nor after it has lasted.
        let mut keeper = Timekeeper::new(FLOOR, 0, false);
        keeper.read(FLOOR.plus(2 * DAY), 1);
        assert_eq!(keeper.read(FLOOR.plus(2 * DAY - 15 * HOUR), 5).state, ClockState::Behind);
        let mut keeper = Timekeeper::new(FLOOR, 0, false);
        keeper.read(FLOOR.plus(2 * DAY), 1);
        assert_eq!(keeper.read(FLOOR.plus(2 * DAY - 13 * HOUR), 5).state, ClockState::Sure);
        let mut keeper = Timekeeper::new(FLOOR, 0, false);
        keeper.read(FLOOR.plus(2 * HOUR), 1);
        assert_eq!(keeper.read(back(HOUR), 5).state, ClockState::Behind);
        let mut keeper = Timekeeper::new(FLOOR, 0, false);
        keeper.read(FLOOR.plus(2 * HOUR), 1);
        assert_eq!(keeper.read(FLOOR.plus(HOLD), HOLD + 1).state, ClockState::Behind);
        // Several are one: it is taken back to before the first.
        let mut keeper = Timekeeper::new(FLOOR, 0, false);
        keeper.read(FLOOR, 0);
        keeper.read(FLOOR.plus(6 * DAY), 1);
        keeper.read(FLOOR.plus(12 * DAY), 2);
        assert_eq!(keeper.read(FLOOR.plus(3), 3).state, ClockState::Sure);
        assert_eq!(keeper.floor(), FLOOR.plus(3));
    }

    #[test]
    fn a_first_start_believes_any_later_time_and_doubts_one_before_the_build() {
        let mut keeper = Timekeeper::new(BUILD_DATE, 0, true);
        assert_eq!(keeper.read(BUILD_DATE.plus(900 * DAY), 1).state, ClockState::Sure);
        let mut keeper = Timekeeper::new(BUILD_DATE, 0, true);
        assert_eq!(keeper.read(Timestamp::default(), 1).state, ClockState::Behind);
        assert_eq!(keeper.read(BUILD_DATE.plus(900 * DAY), 60).state, ClockState::Sure);
    }

    #[test]
    fn an_administrator_can_take_the_floor_back() {
        let mut keeper = Timekeeper::new(FLOOR.plus(900 * DAY), 0, false);
        assert_eq!(keeper.read(FLOOR, 1).state, ClockState::Behind);
        keeper.reset(FLOOR, 1);
        assert_eq!(
            keeper.read(FLOOR.plus(1), 2),
            Reading { later: FLOOR.plus(1), earlier: FLOOR.plus(1), state: ClockState::Sure }
        );
    }
}

//! Time zones: the names of the tz database, and the rule that is in force in each. What was in force years ago is not
//! kept: whoever reads a time here reads of something recent, or to come. Nor is what no rule says: that Morocco and
//! Palestine have other clocks during Ramadan.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Date, Month, UtcDateTime, Weekday};

use crate::base::{Packed, Timestamp, nearest};

/// The rules, and the zones in which each holds; `time_zones/make.py` makes the list.
const RULES: Packed = Packed(include_bytes!(concat!(env!("OUT_DIR"), "/time_zones.lz4")));

/// A time zone.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone {
    name: String,
    rule: Rule,
}

/// The name is none of a time zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotAZone(Vec<String>);

impl std::error::Error for NotAZone {}

impl fmt::Display for NotAZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a time zone; write its name in the tz database, like \"Europe/Berlin\"")?;
        if self.0.is_empty() { Ok(()) } else { write!(f, "; did you mean {}?", self.0.join(" or ")) }
    }
}

impl TimeZone {
    /// Returns coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".into(), rule: Rule { usual: Clock { name: "UTC".into(), ahead: 0 }, other: None } }
    }

    /// Finds a zone by its name.
    ///
    /// # Errors
    /// With the names that are nearest, when there is none.
    pub fn named(name: &str) -> Result<Self, NotAZone> {
        let list = RULES.unpack().unwrap_or_default();
        let rows = || list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '));
        let found = rows().find_map(|(rule, names)| {
            let known = names.split(' ').find(|known| known.eq_ignore_ascii_case(name))?;
            Some(Self { name: known.to_owned(), rule: Rule::parse(rule)? })
        });
        found.ok_or_else(|| NotAZone(near(name, rows().flat_map(|(_, names)| names.split(' ')))))
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what clocks show in this zone.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> LocalTime<'_> {
        let clock = self.rule.at(i64::try_from(at.seconds()).unwrap_or(i64::MAX));
        let seconds = i64::try_from(at.seconds()).unwrap_or(i64::MAX).saturating_add(clock.ahead);
        let shown = UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::MAX);
        LocalTime { shown, zone: &clock.name }
    }
}

/// What clocks show somewhere.
pub struct LocalTime<'a> {
    /// Date and time, as if they were UTC.
    pub(super) shown: UtcDateTime,
    /// What people there call this time: `CET`.
    pub(super) zone: &'a str,
}

/// Returns the names that were perhaps meant: the nearest, or those of the place alone.
fn near<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<&str> = names.collect();
    let place = |name: &'a str| name.rsplit('/').next().unwrap_or_default();
    let meant = nearest(typed, names.iter().copied());
    let last = typed.rsplit('/').next().unwrap_or_default();
    let there = nearest(last, names.iter().map(|name| place(name)));
    let there = there.and_then(|there| names.iter().copied().find(|name| place(name) == there));
    let mut found: Vec<String> = there.into_iter().chain(meant).map(str::to_owned).collect();
    found.dedup();
    found
}

impl TryFrom<String> for TimeZone {
    type Error = NotAZone;

    fn try_from(name: String) -> Result<Self, NotAZone> {
        Self::named(&name)
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> Self {
        zone.name
    }
}

/// A rule as POSIX writes it (`CET-1CEST,M3.5.0,M10.5.0/3`): a clock, and perhaps another for part of the year.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    usual: Clock,
    other: Option<(Clock, Change, Change)>,
}

/// A clock: its name, and by how many seconds it is ahead of UTC.
#[derive(Clone, Debug, PartialEq)]
struct Clock {
    name: String,
    ahead: i64,
}

/// When clocks change: on a weekday of a month, the last one if it is the fifth, so many seconds after its midnight.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    month: Month,
    week: u8,
    weekday: Weekday,
    after: i64,
}

impl Rule {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let clocks = parts.next()?;
        let (usual, rest) = Clock::parse(clocks, None)?;
        if rest.is_empty() {
            return Some(Self { usual, other: None });
        }
        let (other, _) = Clock::parse(rest, Some(usual.ahead + 3600))?;
        let (begins, ends) = (Change::parse(parts.next()?)?, Change::parse(parts.next()?)?);
        Some(Self { usual, other: Some((other, begins, ends)) })
    }

    /// Returns the clock that holds at a point in time.
    fn at(&self, seconds: i64) -> &Clock {
        let Some((other, begins, ends)) = &self.other else { return &self.usual };
        let here = UtcDateTime::from_unix_timestamp(seconds.saturating_add(self.usual.ahead));
        let Some(year) = here.ok().map(UtcDateTime::year) else { return &self.usual };
        let (Some(begin), Some(end)) = (begins.in_year(year), ends.in_year(year)) else { return &self.usual };
        let (begin, end) = (begin - self.usual.ahead, end - other.ahead);
        // In the south it begins late in one year and ends early in the next.
        let is_other = if begin < end { (begin..end).contains(&seconds) } else { !(end..begin).contains(&seconds) };
        if is_other { other } else { &self.usual }
    }
}

impl Clock {
    /// Reads a name, and how far the clock is behind UTC; gives what follows.
    fn parse(text: &str, otherwise: Option<i64>) -> Option<(Self, &str)> {
        let (name, rest) = match text.strip_prefix('<') {
            Some(quoted) => quoted.split_once('>')?,
            None => text.split_at(text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len())),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && !"+-:".contains(c)).unwrap_or(rest.len());
        let (offset, rest) = rest.split_at(end);
        let ahead = if offset.is_empty() { otherwise? } else { -seconds(offset)? };
        Some((Self { name: name.to_owned(), ahead }, rest))
    }
}

impl Change {
    fn parse(text: &str) -> Option<Self> {
        let (day, after) = text.split_once('/').unwrap_or((text, "2"));
        let mut numbers = day.strip_prefix('M')?.split('.').map(|number| number.parse::<u8>().ok());
        let (month, week, weekday) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let weekday = Weekday::Sunday.nth_next(weekday);
        Some(Self { month: month.try_into().ok()?, week, weekday, after: seconds(after)? })
    }

    /// Returns when it comes in a year, in seconds by the clock that held until then.
    fn in_year(&self, year: i32) -> Option<i64> {
        let first = Date::from_calendar_date(year, self.month, 1).ok()?;
        let ahead = self.weekday.number_days_from_sunday() + 7 - first.weekday().number_days_from_sunday();
        let mut day = 1 + ahead % 7 + 7 * (self.week - 1);
        while day > self.month.length(year) {
            day -= 7;
        }
        let midnight = first.replace_day(day).ok()?.midnight().assume_utc().unix_timestamp();
        Some(midnight + self.after)
    }
}

/// Reads `5:30`, `-1` or `26`: hours, perhaps minutes and seconds, perhaps beyond a day.
fn seconds(text: &str) -> Option<i64> {
    let unsigned = text.trim_start_matches(['+', '-']);
    let mut total = 0;
    for (number, size) in unsigned.split(':').zip([3600, 60, 1]) {
        total += number.parse::<i64>().ok().filter(|number| *number < 168)? * size;
    }
    Some(if text.starts_with('-') { -total } else { total })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(zone: &str, seconds: u64) -> String {
        let zone = TimeZone::named(zone).expect("a zone");
        let LocalTime { shown, zone } = zone.local(Timestamp::from_seconds(seconds));
        format!("{:02}-{:02} {:02}:{:02} {zone}", u8::from(shown.month()), shown.day(), shown.hour(), shown.minute())
    }

    #[test]
    fn clocks_change_on_the_second() {
        // 2033-03-27 01:00:00 UTC and 2033-10-30 01:00:00 UTC.
        assert_eq!(shown("Europe/Berlin", 1_995_498_000 - 1), "03-27 01:59 CET");
        assert_eq!(shown("Europe/Berlin", 1_995_498_000), "03-27 03:00 CEST");
        assert_eq!(shown("Europe/Berlin", 2_014_246_800 - 1), "10-30 02:59 CEST");
        assert_eq!(shown("Europe/Berlin", 2_014_246_800), "10-30 02:00 CET");
        assert_eq!(shown("Asia/Kathmandu", 2_000_000_000), "05-18 09:18 +0545");
    }

    #[test]
    fn every_zone_of_the_list_is_known() {
        let list = RULES.unpack().expect("packed");
        let zones: Vec<&str> = list.lines().skip(1).flat_map(|line| line.split(' ').skip(1)).collect();
        assert!(zones.len() > 590, "{}", zones.len());
        for zone in zones.into_iter().step_by(7) {
            assert_eq!(TimeZone::named(zone).expect("a rule that is understood").name(), zone);
        }
    }

    /// What another program makes of the same rules: `time_zones/make.py`.
    #[test]
    fn every_rule_changes_its_clocks_when_it_should() {
        let changes: Vec<Vec<&str>> =
            include_str!("time_zones/changes.txt").lines().skip(1).map(|line| line.split(' ').collect()).collect();
        let mut of_zone = None;
        for (change, next) in changes.iter().zip(changes.iter().skip(1).map(Some).chain([None])) {
            let [name, from, ahead, clock] = change[..] else { panic!("{change:?}") };
            let zone = match of_zone.take() {
                Some(zone) if TimeZone::name(&zone) == name => zone,
                _ => TimeZone::named(name).expect("a zone"),
            };
            let from: i64 = from.parse().expect("seconds");
            // Until the second before the next change, which is in the next line, if that is of the same zone.
            let until = next.filter(|next| next[0] == name).map_or(from, |next| next[1].parse().expect("seconds"));
            for at in [from, i64::midpoint(from, until), (until - 1).max(from)] {
                let found = zone.rule.at(at);
                assert_eq!(
                    (found.ahead, found.name.as_str()),
                    (ahead.parse().expect("seconds"), clock),
                    "{name} at {at}"
                );
            }
            of_zone = Some(zone);
        }
        assert!(changes.len() > 500, "{}", changes.len());
    }

    #[test]
    fn whoever_mistypes_a_zone_is_told_which_was_meant() {
        let told = |name: &str| TimeZone::named(name).expect_err("no zone").to_string();
        assert!(told("Europe/Berln").ends_with("did you mean Europe/Berlin?"), "{}", told("Europe/Berln"));
        assert!(told("Berlin").ends_with("did you mean Europe/Berlin?"), "{}", told("Berlin"));
        assert!(told("America/Tokyo").contains("Asia/Tokyo"), "{}", told("America/Tokyo"));
        assert!(!told("qqqqqqqq").contains("did you mean"));
        assert_eq!(TimeZone::named("europe/berlin").expect("a zone").name(), "Europe/Berlin");
    }
}

//! Points in time, in whole seconds.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcDateTime};

/// A length of time in seconds.
pub type Seconds = u64;

/// Seconds in a minute.
pub const MINUTE: Seconds = 60;
/// Seconds in an hour.
pub const HOUR: Seconds = 60 * MINUTE;
/// Seconds in a day.
pub const DAY: Seconds = 24 * HOUR;

/// When this program was built: no clock that it can trust shows an earlier time.
pub const BUILD_DATE: Timestamp = Timestamp(build_date());

/// Returns the seconds that the build script found, as a number.
const fn build_date() -> u64 {
    let digits = env!("GATELODGE_BUILD_DATE").as_bytes();
    let (mut seconds, mut at) = (0, 0);
    while at < digits.len() {
        assert!(digits[at].is_ascii_digit(), "the build script gives a number");
        seconds = seconds * 10 + (digits[at] - b'0') as u64;
        at += 1;
    }
    seconds
}

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// In a document it is written by RFC 3339.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(u64);

/// The text is not a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotATime;

impl std::error::Error for NotATime {}

impl fmt::Display for NotATime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a time; write it like 2026-11-23T14:05:00Z")
    }
}

impl TryFrom<String> for Timestamp {
    type Error = NotATime;

    fn try_from(text: String) -> Result<Self, NotATime> {
        Self::parse(&text).ok_or(NotATime)
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

impl Timestamp {
    /// Makes the point `seconds` after the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Returns the seconds since the epoch.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// Returns this point plus `seconds`, at most the end of representable time.
    #[must_use]
    pub const fn plus(self, seconds: Seconds) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Returns this point less `seconds`, at least the epoch.
    #[must_use]
    pub const fn minus(self, seconds: Seconds) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// Returns how many seconds have passed since `earlier`; zero if it lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Seconds {
        self.0.saturating_sub(earlier.0)
    }

    fn civil(self) -> UtcDateTime {
        let seconds = i64::try_from(self.0).unwrap_or(i64::MAX);
        UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::MAX)
    }

    /// Parses RFC 3339 (`2026-11-23T14:05:00Z`), a date (its first second in
    /// UTC), or an age before `now` (`24h`, `7d`).
    #[must_use]
    pub fn parse_or_ago(text: &str, now: Self) -> Option<Self> {
        let unit = match text.chars().last()? {
            's' => 1,
            'm' => MINUTE,
            'h' => HOUR,
            'd' => DAY,
            _ => return Self::parse(text),
        };
        let count: u64 = text[..text.len() - 1].parse().ok()?;
        Some(Self(now.0.saturating_sub(count.saturating_mul(unit))))
    }

    /// Parses RFC 3339, or a date.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let whole = if text.len() == "2026-11-23".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
        let time = OffsetDateTime::parse(&whole, &Rfc3339).ok()?;
        u64::try_from(time.unix_timestamp()).ok().map(Self)
    }

    /// Returns the year, month and day in UTC.
    #[must_use]
    pub fn date(self) -> (i32, u8, u8) {
        let date = self.civil().date();
        (date.year(), date.month().into(), date.day())
    }

    /// Formats it for people: `23 November 2026, 14:05 UTC`.
    #[must_use]
    pub fn in_words(self) -> String {
        let at = self.civil();
        format!("{} {} {}, {:02}:{:02} UTC", at.day(), at.month(), at.year(), at.hour(), at.minute())
    }
}

/// Formats it by RFC 3339, in UTC: `2026-11-23T14:05:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.civil();
        let ((year, month, day), (hour, minute, second)) = (self.date(), at.as_hms());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_in_rfc_3339() {
        let time = Timestamp::from_seconds(1_700_000_000);
        assert_eq!(time.to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(time.in_words(), "14 November 2023, 22:13 UTC");
    }

    #[test]
    fn a_document_holds_every_time_that_there_is() {
        for seconds in [0, 1_700_000_000, 253_402_300_799, u64::MAX] {
            let written = serde_json::to_string(&Timestamp::from_seconds(seconds)).expect("a text");
            let read: Timestamp = serde_json::from_str(&written).expect("its own text");
            assert_eq!(read.seconds(), seconds.min(253_402_300_799), "{written}");
        }
        assert!(serde_json::from_str::<Timestamp>("\"yesterday\"").is_err());
    }

    #[test]
    fn a_time_is_read_in_several_forms() {
        let now = Timestamp::from_seconds(1_700_000_000);
        assert_eq!(Timestamp::parse_or_ago("2023-11-14T22:13:20Z", now), Some(now));
        assert_eq!(Timestamp::parse_or_ago("2023-11-14", now), Some(Timestamp::from_seconds(1_699_920_000)));
        assert_eq!(Timestamp::parse_or_ago("24h", now), Some(Timestamp::from_seconds(1_699_913_600)));
        for (text, seconds) in [
            ("2023-11-14T22:13:20.999Z", 1_700_000_000),
            ("2023-11-15T00:13:20+02:00", 1_700_000_000),
            ("2024-02-29T23:59:59z", 1_709_251_199),
            ("1970-01-01", 0),
        ] {
            assert_eq!(Timestamp::parse(text), Some(Timestamp::from_seconds(seconds)), "{text}");
        }
        for text in ["", "h", "yesterday", "-1h", "2023-13-45", "24", "2023-02-29", "1969-12-31", "2023-11-14T22:13:20"]
        {
            assert_eq!(Timestamp::parse_or_ago(text, now), None, "{text}");
        }
    }

    #[test]
    fn the_end_of_time_does_not_overflow() {
        let last = Timestamp::from_seconds(u64::MAX);
        assert_eq!(last.plus(1), last);
        assert_eq!(last.to_string(), "9999-12-31T23:59:59Z");
    }
}

//! Durations: `"90s"`, `"30m"`, `"24h"`, `"14d"`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::{DAY, HOUR, MINUTE, Seconds};
use crate::texts::Length;

/// A length of time as it is written in the file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(Seconds);

impl Span {
    /// Longest span that can be written: ten years.
    const MAX: Seconds = 3650 * DAY;

    /// Makes a span of whole seconds.
    #[must_use]
    pub const fn from_seconds(seconds: Seconds) -> Self {
        Self(seconds)
    }

    /// Returns its length in seconds.
    #[must_use]
    pub const fn seconds(self) -> Seconds {
        self.0
    }

    /// Says it in English to people, who are promised no more than it is: `2 days`, `1 hour`, `30 minutes`.
    #[must_use]
    pub fn in_words(self) -> String {
        Length::promised(self.0).in_english()
    }

    /// Says it in English to people who have to wait so long, and must not be sent away twice: `15 minutes` for 897
    /// seconds.
    #[must_use]
    pub fn at_most_in_words(self) -> String {
        Length::at_most(self.0).in_english()
    }
}

impl TryFrom<String> for Span {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "not a duration; write a whole number and a unit: \"90s\", \"30m\", \"24h\" or \"14d\"";
        let number_end = text.find(|c: char| !c.is_ascii_digit()).ok_or(WRONG)?;
        let (number, unit) = text.split_at(number_end);
        let size = match unit {
            "s" => 1,
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            _ => return Err(WRONG),
        };
        let seconds = number.parse::<u64>().map_err(|_| WRONG)?.checked_mul(size).ok_or(WRONG)?;
        match seconds {
            0 => Err("a duration cannot be zero; write at least \"1s\""),
            1..=Self::MAX => Ok(Self(seconds)),
            _ => Err("a duration is at most ten years; write \"3650d\" or less"),
        }
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')];
        let (size, unit) = units.into_iter().find(|(size, _)| self.0.is_multiple_of(*size)).unwrap_or((1, 's'));
        write!(f, "{}{unit}", self.0 / size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("24h", 86400), ("14d", 1_209_600)] {
            assert_eq!(Span::try_from(text.to_owned()).map(Span::seconds), Ok(seconds), "{text}");
        }
        for text in ["", "30", "m", "1.5h", "-1h", "1w", "1 h", "0m", "99999d", "99999999999999999999d"] {
            assert!(Span::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(Span(2 * DAY).in_words(), "2 days");
        assert_eq!(Span(HOUR).in_words(), "1 hour");
        assert_eq!(Span(90).in_words(), "90 seconds");
        assert_eq!(Span(15 * MINUTE + 3).in_words(), "15 minutes");
        for (seconds, words) in [
            (1, "1 second"),
            (120, "120 seconds"),
            (121, "3 minutes"),
            (897, "15 minutes"),
            (2 * HOUR, "120 minutes"),
            (2 * HOUR + 1, "3 hours"),
            (2 * DAY + 1, "3 days"),
        ] {
            assert_eq!(Span(seconds).at_most_in_words(), words);
        }
        assert_eq!(Span(DAY).to_string(), "1d");
        assert_eq!(Span(90).to_string(), "90s");
    }
}

//! Lengths of time as people say them: a number of one unit.

use serde::{Deserialize, Serialize};

use crate::base::{DAY, HOUR, MINUTE, Seconds};

/// A number of days, hours, minutes or seconds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Length {
    /// How many.
    pub(super) count: u64,
    /// Of what.
    pub(super) unit: Unit,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Unit {
    Days,
    Hours,
    Minutes,
    Seconds,
}

const UNITS: [(Seconds, Unit); 4] =
    [(DAY, Unit::Days), (HOUR, Unit::Hours), (MINUTE, Unit::Minutes), (1, Unit::Seconds)];

impl Unit {
    /// Returns the name that catalogues know it by.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::Hours => "hours",
            Self::Minutes => "minutes",
            Self::Seconds => "seconds",
        }
    }
}

impl Length {
    /// For people who are promised no more than it is: 2 days, 1 hour, 30 minutes.
    #[must_use]
    pub fn promised(seconds: Seconds) -> Self {
        // Nobody counts seconds beyond two minutes.
        let least = if seconds > 2 * MINUTE { MINUTE } else { 1 };
        let whole = seconds - seconds % least;
        let (size, unit) =
            UNITS.into_iter().find(|(size, _)| whole.is_multiple_of(*size)).unwrap_or((1, Unit::Seconds));
        Self { count: whole / size, unit }
    }

    /// For people who have to wait so long, and must not be sent away twice: 15 minutes for 897 seconds.
    #[must_use]
    pub fn at_most(seconds: Seconds) -> Self {
        let (size, unit) = UNITS.into_iter().find(|(size, _)| seconds > 2 * size).unwrap_or((1, Unit::Seconds));
        Self { count: seconds.div_ceil(size), unit }
    }

    /// For people who are told how long ago something was: the largest unit that has passed once, but for seconds, which
    /// are "just now".
    pub(super) fn passed(seconds: Seconds) -> Option<Self> {
        let (size, unit) = UNITS.into_iter().take(3).find(|(size, _)| seconds >= *size)?;
        Some(Self { count: seconds / size, unit })
    }
}

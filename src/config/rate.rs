//! Rate limits: `"10, then one every 15m"`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Span;

/// A rate limit: so many at once, and then one each time a span has passed. Nothing is lost by waiting: whoever stays
/// away for as many spans has all of them again.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    /// How many at once.
    pub burst: u32,
    /// The time until there is one more.
    pub every: Span,
}

impl Rate {
    /// The most that can be written; a limit beyond it limits nothing.
    const MAX_BURST: u32 = 1_000_000;

    /// Makes a limit that stands in the code.
    #[must_use]
    pub const fn new(burst: u32, every_seconds: u64) -> Self {
        Self { burst, every: Span::from_seconds(every_seconds) }
    }
}

impl TryFrom<String> for Rate {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str =
            "not a limit; write how many at once and how long each further one takes, like \"10, then one every 15m\"";
        let (burst, every) = text.split_once(", then one every ").ok_or(WRONG)?;
        let burst = burst.parse().ok().filter(|burst| (1..=Self::MAX_BURST).contains(burst)).ok_or(WRONG)?;
        let every = Span::try_from(every.to_owned()).ok().filter(|every| every.seconds() > 0).ok_or(WRONG)?;
        Ok(Self { burst, every })
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, then one every {}", self.burst, self.every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_reads_as_it_is_written() {
        let text = "10, then one every 15m".to_owned();
        let rate = Rate::try_from(text.clone()).expect("well formed");
        assert_eq!((rate.burst, rate.every.seconds()), (10, 900));
        assert_eq!(rate.to_string(), text);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "10",
            "0, then one every 1m",
            "10, then one every 0s",
            "10, then one every",
            "-1, then one every 1m",
            "10,then one every 1m",
        ] {
            assert!(Rate::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}

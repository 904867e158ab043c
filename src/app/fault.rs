//! The reasons why an act could not be carried through.

use crate::accounts::standing::Denied;
use crate::base::Seconds;
use crate::config::Span;
use crate::store::StoreError;

use super::hasher::Busy;

/// The reason why an act could not be carried through. Refusals by a rule are not among these.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The store failed.
    Store(StoreError),
    /// The disk has too little room for an act that makes the store grow, or can wait.
    NoSpace,
    /// Too many passwords wait to be hashed.
    Busy,
    /// Too many attempts have failed: seconds to wait.
    TooManyAttempts(Seconds),
    /// A mistake of ours; the log says which.
    Internal,
    /// The clock lies behind a time that has been, and the act depends on the time.
    ClockUnsure,
    /// Whoever asked lost the right to it while it waited; nothing was changed.
    Denied(Denied),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Busy> for Fault {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl std::error::Error for Fault {}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::NoSpace => f.write_str("the disk is nearly full; nothing is written that can wait"),
            Self::TooManyAttempts(seconds) => {
                let wait = Span::from_seconds(*seconds).at_most_in_words();
                write!(f, "too many tries have failed; try again in {wait}")
            }
            Self::Internal => f.write_str("something went wrong on our side"),
            Self::Denied(_) => f.write_str("whoever asked may not do this any more"),
            Self::ClockUnsure => f.write_str("this machine's clock is wrong; see `gatelodge clock`"),
            Self::Busy => f.write_str("too many passwords wait to be checked; try again in a few seconds"),
        }
    }
}

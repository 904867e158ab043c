//! The reasons why no certificate was issued.

use std::fmt;
use std::time::Duration;

use instant_acme::Problem;

use crate::app::Fault;
use crate::tls::TlsError;

/// The time for all of it: an authority validates from several places, and may be busy.
pub(super) const TIMEOUT: Duration = Duration::from_mins(5);

/// The reason why no certificate was issued.
#[derive(Debug)]
pub enum AcmeError {
    /// The authority could not validate us: what it said about each name.
    NotFound(String),
    /// The authority refused something else.
    Refused(Box<Problem>),
    /// It could not be reached, or its answers make no sense.
    Failed(String),
    /// It took too long.
    Slow,
    /// What it issued cannot be served.
    Unusable(TlsError),
    /// The store failed.
    Store(Fault),
}

impl std::error::Error for AcmeError {}

impl fmt::Display for AcmeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(said) => write!(f, "the authority did not find this server: {said}"),
            Self::Refused(problem) => write!(f, "the authority refused: {problem}"),
            Self::Failed(reason) => write!(f, "the authority could not be asked: {reason}"),
            Self::Slow => write!(f, "the authority did not finish in {} minutes", TIMEOUT.as_secs() / 60),
            Self::Unusable(error) => error.fmt(f),
            Self::Store(fault) => fault.fmt(f),
        }
    }
}

impl From<instant_acme::Error> for AcmeError {
    fn from(error: instant_acme::Error) -> Self {
        match error {
            instant_acme::Error::Api(problem) => Self::Refused(Box::new(problem)),
            instant_acme::Error::Timeout(_) => Self::Slow,
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<TlsError> for AcmeError {
    fn from(error: TlsError) -> Self {
        Self::Unusable(error)
    }
}

impl From<Fault> for AcmeError {
    fn from(fault: Fault) -> Self {
        Self::Store(fault)
    }
}

//! How an errand is done.

use std::time::Duration;

use crate::base::Timestamp;

/// How an errand is done.
#[derive(Clone, Copy, Debug)]
pub struct CallOptions {
    /// The time by which certificates are judged.
    pub now: Timestamp,
    /// How long it may take.
    pub timeout: Duration,
}

impl CallOptions {
    /// How long mails and requests may take. RFC 5321, 4.5.3.2.6 allows ten minutes for the answer to the final dot alone; whoever
    /// gives up sooner risks that a slow server delivers twice, whoever waits holds up all other mail.
    pub const PATIENCE: Duration = Duration::from_mins(5);

    /// For whatever is in earnest.
    #[must_use]
    pub fn ordinary(now: Timestamp) -> Self {
        Self { now, timeout: Self::PATIENCE }
    }

    /// For an administrator who sits and waits: a silent server is given up sooner.
    #[must_use]
    pub fn impatient(now: Timestamp) -> Self {
        Self { now, timeout: Duration::from_secs(15) }
    }
}

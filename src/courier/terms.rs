//! The terms of an outgoing call.

use std::time::Duration;

use crate::base::Timestamp;

/// The terms of an outgoing call.
#[derive(Clone, Copy, Debug)]
pub struct CallOptions {
    /// The time by which certificates are judged.
    pub now: Timestamp,
    /// The time that it may take.
    pub timeout: Duration,
}

impl CallOptions {
    /// The time for ordinary mails and requests. RFC 5321, 4.5.3.2.6, allows ten minutes for the answer to the final
    /// dot alone: less risks that a slow server delivers twice, more holds up all other mail.
    pub const TIMEOUT: Duration = Duration::from_mins(5);

    /// The terms of ordinary calls.
    #[must_use]
    pub fn ordinary(now: Timestamp) -> Self {
        Self { now, timeout: Self::TIMEOUT }
    }

    /// The terms of a call that an administrator waits for: a silent server is given up sooner.
    #[must_use]
    pub fn impatient(now: Timestamp) -> Self {
        Self { now, timeout: Duration::from_secs(15) }
    }
}

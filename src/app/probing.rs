//! A request that an administrator sends through everything that stands in front, to see how it arrives here.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use super::App;

/// How the request arrived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// Who was connected.
    pub peer: IpAddr,
    /// Where it comes from, as far as that is believed.
    pub network: IpAddr,
    /// What `X-Forwarded-For` said; several lines are joined.
    pub forwarded: Option<String>,
    /// What `Host` said.
    pub host: String,
}

/// The one request that is waited for.
#[derive(Debug, Default)]
pub(super) struct Probing(Mutex<Option<(String, Option<Arrival>)>>);

impl App {
    /// Waits for a request with this word from now on, and for no other.
    pub fn expect_probe(&self, word: String) {
        *self.probing.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((word, None));
    }

    /// Notes how it arrived. False if another, or none, is waited for.
    pub fn note_probe(&self, word: &str, arrival: impl FnOnce() -> Arrival) -> bool {
        let mut probing = self.probing.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, seen)) = probing.as_mut().filter(|(expected, _)| expected == word) else { return false };
        *seen = Some(arrival());
        true
    }

    /// How it arrived, if it did. Nothing is waited for any more.
    pub fn take_probe(&self) -> Option<Arrival> {
        self.probing.0.lock().unwrap_or_else(PoisonError::into_inner).take().and_then(|(_, seen)| seen)
    }
}

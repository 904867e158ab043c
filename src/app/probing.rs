//! Receives a request that an administrator sends through everything that stands in front, to see how it arrives here.

use std::sync::PoisonError;

use super::{App, Arrival};

impl App {
    /// Expects a request with this word from now on, and no other.
    pub fn expect_probe(&self, word: String) {
        *self.probing.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((word, None));
    }

    /// Notes how a request arrived. False if it is not the expected one.
    pub fn note_probe(&self, word: &str, arrival: impl FnOnce() -> Arrival) -> bool {
        let mut probing = self.probing.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, seen)) = probing.as_mut().filter(|(expected, _)| expected == word) else { return false };
        *seen = Some(arrival());
        true
    }

    /// Returns how the request arrived, if it did, and expects none any more.
    pub fn take_probe(&self) -> Option<Arrival> {
        self.probing.0.lock().unwrap_or_else(PoisonError::into_inner).take().and_then(|(_, seen)| seen)
    }
}

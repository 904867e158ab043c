//! A request that an administrator sends through everything that stands in front, to see how it arrives here.

use std::sync::PoisonError;

use super::{App, Arrival};

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

//! Receives a request that an administrator sends through everything that stands in front, to see how it arrives here.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{MutexGuard, PoisonError};

use crate::base::MINUTE;

use super::probe::ExpectedProbe;
use super::{App, Arrival, ProbeResult, ProxyQuestion};

impl App {
    /// Expects a request with this word for a minute, and no other.
    pub fn expect_probe(&self, word: String) {
        let expected = ExpectedProbe { word, until: self.now().plus(MINUTE), result: ProbeResult::default() };
        *self.expected_probe() = Some(expected);
        self.probing.is_expecting.store(true, Relaxed);
    }

    /// Whether any is expected.
    pub fn expects_probe(&self) -> bool {
        self.probing.is_expecting.load(Relaxed)
    }

    /// Notes how a request arrived. False if it is not the expected one.
    pub fn note_probe(&self, word: &str, arrival: impl FnOnce() -> Arrival) -> bool {
        self.note(word, |result| result.arrival = Some(arrival()))
    }

    /// Notes what a proxy asked about a request, if it is the expected one. The first question counts: it is about what
    /// was visited, and others about pages of errors.
    pub fn note_question(&self, word: &str, question: impl FnOnce() -> ProxyQuestion) {
        self.note(word, |result| {
            result.question.get_or_insert_with(question);
        });
    }

    /// Returns what came of the request, and expects none any more.
    pub fn take_probe(&self) -> ProbeResult {
        self.probing.is_expecting.store(false, Relaxed);
        self.expected_probe().take().map(|expected| expected.result).unwrap_or_default()
    }

    fn note(&self, word: &str, note: impl FnOnce(&mut ProbeResult)) -> bool {
        let now = self.now();
        let mut expected = self.expected_probe();
        let Some(expected) = expected.as_mut().filter(|expected| expected.word == word && now < expected.until) else {
            return false;
        };
        note(&mut expected.result);
        true
    }

    fn expected_probe(&self) -> MutexGuard<'_, Option<ExpectedProbe>> {
        self.probing.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

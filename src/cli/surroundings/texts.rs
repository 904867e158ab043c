//! The administrator's own texts.

use crate::templates::load_languages;

use super::Look;

impl Look<'_> {
    /// Checks the folder of texts. A service starts whatever is in it: the built-in texts are there.
    pub(super) fn texts(&mut self) {
        const KEYS: [&str; 4] = ["site.texts", "site.languages", "site.language", "site.time_zone"];
        if !self.eyes.are_a_guests() || !self.is_clear(&KEYS) {
            return;
        }
        let loaded = load_languages(self.config);
        for fault in loaded.faults {
            let hint = "mend it, or remove it: then the built-in one is used";
            self.draft.blame("site.texts", fault.to_string(), Some(hint.into()));
        }
        self.seen.doubts.extend(loaded.doubts.iter().map(ToString::to_string));
    }
}

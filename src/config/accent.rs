//! The accent colour of a site: as it was wished, and as it can be read.

use serde::{Deserialize, Serialize};

use crate::base::Colour;

/// The grounds that pages and mails stand on, by day and by night, as `style.css` has them.
const LIGHT_GROUND: Colour = Colour::of([0xf4, 0xf4, 0xf0]);
const DARK_PAPER: Colour = Colour::of([0x21, 0x24, 0x22]);
/// The contrast that text needs (WCAG 2.2, 1.4.3).
const READABLE: f64 = 4.5;
/// The share of the accent in the ground of notices, which is the hardest to read on.
const TINT_PERCENT: u8 = 10;
const STEP_PERCENT: u8 = 4;

/// The colour of links and buttons.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Accent(Colour);

impl Default for Accent {
    fn default() -> Self {
        Self(Colour::of([0x1f, 0x5c, 0x43]))
    }
}

impl Accent {
    /// Returns the colour on light pages: as wished, or as much darker as it takes to read it, and white on it.
    #[must_use]
    pub fn by_day(self) -> Colour {
        self.towards(Colour::BLACK, LIGHT_GROUND)
    }

    /// Returns the colour on dark pages: as wished, or as much lighter as it takes.
    #[must_use]
    pub fn by_night(self) -> Colour {
        self.towards(Colour::WHITE, DARK_PAPER)
    }

    fn towards(self, end: Colour, ground: Colour) -> Colour {
        let is_readable = |colour: &Colour| colour.contrast(ground.mixed(TINT_PERCENT, *colour)) >= READABLE;
        let steps = (0..=100).step_by(STEP_PERCENT.into()).map(|percent| self.0.mixed(percent, end));
        steps.into_iter().find(is_readable).unwrap_or(end)
    }

    /// Says how the colour was corrected, if it cannot be read as it was wished.
    pub(super) fn note(self) -> Option<String> {
        let used = self.by_day();
        (used != self.0).then(|| {
            format!(
                "site.accent = \"{}\" is too light to be read on light pages: they have {used} in its place",
                self.0
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_wished_can_be_read(channels: [u8; 3]) {
            let accent = Accent(Colour::of(channels));
            let (day, night) = (accent.by_day(), accent.by_night());
            prop_assert!(day.contrast(LIGHT_GROUND) >= 4.5 && day.contrast(Colour::WHITE) >= 4.5, "{day}");
            prop_assert!(night.contrast(DARK_PAPER) >= 4.5, "{night}");
        }
    }

    #[test]
    fn what_can_be_read_stays_as_it_is_and_what_cannot_is_told() {
        let accent = |text: &str| Accent(Colour::try_from(text.to_owned()).expect("a colour"));
        for fine in ["#1f5c43", "#000", "#00f", "#7a1fa2"] {
            assert_eq!(accent(fine).note(), None, "{fine}");
        }
        for pale in ["#fff", "#ff0", "#7fc8a0", "#f60"] {
            assert!(accent(pale).note().is_some_and(|note| note.contains(&accent(pale).0.to_string())), "{pale}");
        }
        assert_ne!(accent("#000").by_night(), accent("#000").0);
    }

    #[test]
    fn the_stylesheet_has_these_grounds() {
        let style = include_str!("../web/assets/style.css");
        assert!(
            style.contains(&format!("--ground: {LIGHT_GROUND}")) && style.contains(&format!("--paper: {DARK_PAPER}"))
        );
    }
}

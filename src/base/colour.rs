//! Colours, and how well one can be read on another.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A colour of the sRGB space, written `#rrggbb`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour([u8; 3]);

impl Colour {
    /// Black.
    pub const BLACK: Self = Self([0; 3]);
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Makes one of its red, green and blue.
    #[must_use]
    pub const fn of(channels: [u8; 3]) -> Self {
        Self(channels)
    }

    /// Returns the contrast with another: from 1 for the same to 21 for black and white (WCAG 2.2, contrast ratio).
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Returns the relative luminance, from 0 to 1 (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = self.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    /// Mixes in so many percent of another.
    #[must_use]
    pub fn mixed(self, percent: u8, other: Self) -> Self {
        let share = u16::from(percent.min(100));
        let mix = |own: u8, other: u8| {
            let sum = u16::from(own) * (100 - share) + u16::from(other) * share;
            u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
        };
        Self(std::array::from_fn(|at| mix(self.0[at], other.0[at])))
    }
}

impl TryFrom<String> for Colour {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "not a colour; write it like \"#1f5c43\"";
        let digits = text.strip_prefix('#').ok_or(WRONG)?;
        let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let digits: Vec<u8> = digits.chars().map(digit).collect::<Option<_>>().ok_or(WRONG)?;
        let channels: Vec<u8> = match digits.len() {
            3 => digits.iter().map(|digit| digit * 17).collect(),
            6 => digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect(),
            _ => return Err(WRONG),
        };
        channels.try_into().map(Self).map_err(|_| WRONG)
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::try_from(text.to_owned()).expect("a colour")
    }

    proptest! {
        #[test]
        fn a_colour_is_read_as_it_is_written(channels: [u8; 3]) {
            let written = Colour::of(channels).to_string();
            prop_assert_eq!(colour(&written), Colour::of(channels));
            prop_assert_eq!(colour(&written.to_uppercase()), Colour::of(channels));
        }
    }

    #[test]
    fn short_forms_are_read_and_nothing_else_is() {
        assert_eq!(colour("#fa0"), colour("#ffaa00"));
        for text in ["", "#", "fff", "#ff", "#ffff", "#fffffff", "#ggg", "red", "#ff0000;", "#١٢٣", "#fff "] {
            assert!(Colour::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        let ratio = |one: &str, two: &str| (colour(one).contrast(colour(two)) * 100.0).round() / 100.0;
        assert_eq!((ratio("#000", "#fff"), ratio("#fff", "#000"), ratio("#777", "#777")), (21.0, 21.0, 1.0));
        assert_eq!((ratio("#767676", "#fff"), ratio("#ff0000", "#fff")), (4.54, 4.0));
    }

    #[test]
    fn mixing_goes_from_one_to_the_other() {
        let (black, white) = (Colour::BLACK, Colour::WHITE);
        assert_eq!(
            (black.mixed(0, white), black.mixed(100, white), black.mixed(50, white)),
            (black, white, colour("#808080"))
        );
    }
}

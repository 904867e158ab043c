//! Time-based one-time passwords: RFC 6238 over RFC 4226, with SHA-1, six digits and steps of thirty seconds, which is
//! what every authenticator app understands.

use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

use crate::base::{Moment, Seconds, Secret, Timestamp};

use super::constant_time_eq;

/// The secret shared with an authenticator app: 160 random bits (RFC 4226, section 4, R6).
#[derive(Clone, Debug)]
pub struct TotpSeed(Secret<[u8; TotpSeed::BYTES]>);

/// Seconds for which a code is shown (RFC 6238, section 5.2).
pub(super) const STEP: Seconds = 30;
/// The digits of a code.
pub(super) const DIGITS: usize = 6;
/// Steps that a code may lie back: somebody types it while the next one begins (RFC 6238, section 5.2).
const STEPS_BACK: u64 = 1;
/// Steps that a code may lie ahead: clocks of telephones, and of boards without a
/// battery, drift by some seconds (RFC 6238, section 6).
const STEPS_AHEAD: u64 = 1;

/// Returns the number of the step that `now` lies in.
#[must_use]
pub const fn step_at(now: Timestamp) -> u64 {
    now.seconds() / STEP
}

/// Returns the number of the newest step whose code is accepted at `now`.
#[must_use]
pub const fn newest_step_at(now: Timestamp) -> u64 {
    step_at(now).saturating_add(STEPS_AHEAD)
}

impl TotpSeed {
    /// The length of a seed, in bytes.
    pub const BYTES: usize = 20;

    /// Draws a new seed.
    pub fn draw(moment: &mut Moment) -> Self {
        Self(Secret::new(moment.bytes()))
    }

    /// Makes a seed of unsealed bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Secret::new(bytes)))
    }

    /// Exposes the bytes, to be sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::BYTES] {
        self.0.expose()
    }

    /// Formats the seed as people type it into an authenticator app: base32 (RFC 4648, section 6).
    #[must_use]
    pub fn to_text(&self) -> Secret<String> {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut text = String::with_capacity(Self::BYTES * 8 / 5);
        // Twenty bytes are four times forty bits: no padding.
        for group in self.expose().chunks(5) {
            let bits = group.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
            for at in (0..8).rev() {
                let index = usize::try_from(bits >> (5 * at) & 31).unwrap_or_default();
                text.push(char::from(LETTERS[index]));
            }
        }
        Secret::new(text)
    }

    /// Returns the code of a step.
    fn code_at(&self, step: u64) -> String {
        let mac = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.expose()), &step.to_be_bytes());
        let mac = mac.as_ref();
        // Dynamic truncation: RFC 4226, section 5.3.
        let at = usize::from(mac[mac.len() - 1] & 15);
        let number = u32::from_be_bytes([mac[at] & 0x7f, mac[at + 1], mac[at + 2], mac[at + 3]]);
        format!("{:0DIGITS$}", number % 1_000_000)
    }

    /// Returns the step whose code this is, if it is the present one or one beside it and none that was used: a step's
    /// code is accepted once (RFC 6238, section 5.2), and none of an earlier step after it.
    #[must_use]
    pub fn accepts(&self, code: &str, now: Timestamp, last_step: u64) -> Option<u64> {
        let present = step_at(now);
        let mut found = None;
        // Every step is compared, in constant time: neither a right digit nor the clock's drift shows.
        for step in present.saturating_sub(STEPS_BACK)..=newest_step_at(now) {
            if constant_time_eq(self.code_at(step).as_bytes(), code.as_bytes()) && step > last_step {
                found = Some(step);
            }
        }
        found
    }

    /// Returns the code that an authenticator app shows at this time, for tests.
    #[must_use]
    pub fn shown_at(&self, now: Timestamp) -> String {
        self.code_at(step_at(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seed() -> TotpSeed {
        TotpSeed::from_bytes(b"12345678901234567890").expect("twenty bytes")
    }

    /// RFC 6238, appendix B: the last six of the eight digits there.
    #[test]
    fn the_codes_are_those_of_the_standard() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(seed().shown_at(Timestamp::from_seconds(seconds)), code);
        }
    }

    /// Beyond the standard's: the key and code that another system's documents give.
    #[test]
    fn the_text_is_base32() {
        assert_eq!(seed().to_text().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn a_step_is_accepted_once_and_those_beside_it_too() {
        let now = Timestamp::from_seconds(1_111_111_111);
        let (before, present, next) = (step_at(now) - 1, step_at(now), step_at(now) + 1);
        let code = |step| seed().code_at(step);
        assert_eq!(seed().accepts(&code(present), now, 0), Some(present));
        assert_eq!(seed().accepts(&code(before), now, 0), Some(before));
        assert_eq!(seed().accepts(&code(present), now, present), None, "it was used");
        assert_eq!(seed().accepts(&code(before), now, present), None, "a later one was used");
        assert_eq!(seed().accepts(&code(present), now, before), Some(present));
        assert_eq!(seed().accepts(&code(next), now, present), Some(next), "a telephone whose clock is ahead");
        assert_eq!(seed().accepts(&code(next), now, next), None, "it was used");
        assert_eq!(seed().accepts(&code(present), now, next), None, "a later one was used");
        for step in [present - 2, present + 2] {
            assert_eq!(seed().accepts(&code(step), now, 0), None, "{step}");
        }
        for wrong in ["", "0", "05047", "0504711", "x50471"] {
            assert_eq!(seed().accepts(wrong, now, 0), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_code_has_six_digits(bytes: [u8; 20], seconds in 0u64..1 << 40) {
            let code = TotpSeed::from_bytes(&bytes).expect("twenty").shown_at(Timestamp::from_seconds(seconds));
            prop_assert!(code.len() == DIGITS && code.bytes().all(|b| b.is_ascii_digit()));
        }
    }
}

//! Browsers that somebody logged in with before, recognised by a signed cookie.
//!
//! ```text
//! gld_ base64url( 2 | account 16 | device 16 | issued 8 | security stamp 8 | code 32 )
//! ```
//!
//! Cookies of earlier versions begin with 1 and have no stamp: they stand for the stamp 0.
//!
//! The cookie opens nothing: it only says whose guesses are counted apart. One browser may know several people, so a
//! cookie holds up to [`MAX_DEVICES`] of these, separated by dots.

use crate::base::{AccountId, DAY, Seconds, Timestamp};
use crate::crypto::{SealingKey, base64url, constant_time_eq, from_base64url};

/// The random id of a browser.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct DeviceId(pub [u8; 16]);

/// A browser that the owner of an account logged in with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Device {
    /// The account whose owner logged in.
    pub account: AccountId,
    /// The browser's id.
    pub id: DeviceId,
    /// The account's security stamp at that time: a cookie dies with the password it was given for.
    pub stamp: u64,
    /// Whether it dates from before a list of them was kept.
    pub is_unlisted: bool,
    issued_at: Timestamp,
}

impl Device {
    /// A browser with which somebody logged in now.
    #[must_use]
    pub const fn new(account: AccountId, id: DeviceId, stamp: u64, now: Timestamp) -> Self {
        Self { account, id, stamp, is_unlisted: false, issued_at: now }
    }
}

/// People whom one browser is remembered for. A cookie of more would grow without end on a shared computer.
pub const MAX_DEVICES: usize = 4;
const PREFIX: &str = "gld_";
const FORMAT: u8 = 2;
const PLAIN_BYTES: usize = 1 + 16 + 16 + 8 + 8;
/// The format without a stamp.
const OLD_FORMAT: u8 = 1;
const OLD_PLAIN_BYTES: usize = PLAIN_BYTES - 8;
const CODE_BYTES: usize = 32;

/// The contents of a cookie, as far as they are authentic.
#[derive(Clone, Debug, Default)]
pub struct Devices(Vec<Device>);

impl Devices {
    /// Seconds for which a browser is remembered: the longest that browsers keep a cookie.
    pub const LIFETIME: Seconds = 400 * DAY;

    /// Reads a cookie. Parts that are not authentic, of another generation or too old are left out.
    #[must_use]
    pub fn read(text: &str, seal: &SealingKey, generation: &[u8; 16], now: Timestamp) -> Self {
        // Each part costs an HMAC, so a long cookie must not buy many.
        let parts = text.split('.').take(MAX_DEVICES);
        Self(parts.filter_map(|part| read_one(part, seal, generation, now)).collect())
    }

    /// The browser as it is remembered for this account. Whether the account still knows it is for the store to say.
    #[must_use]
    pub fn of(&self, account: AccountId) -> Option<&Device> {
        self.0.iter().find(|device| device.account == account)
    }

    /// Writes the cookie after a login with this browser: its account comes first, and the one that has not logged in
    /// for longest drops out.
    #[must_use]
    pub fn with(&self, device: Device, seal: &SealingKey, generation: &[u8; 16]) -> String {
        let others = self.0.iter().filter(|other| other.account != device.account).copied();
        let kept: Vec<String> = std::iter::once(device)
            .chain(others)
            .take(MAX_DEVICES)
            .map(|device| write_one(&device, seal, generation))
            .collect();
        kept.join(".")
    }
}

fn plain(device: &Device) -> Vec<u8> {
    let mut bytes = vec![if device.is_unlisted { OLD_FORMAT } else { FORMAT }];
    bytes.extend(device.account.bytes());
    bytes.extend(device.id.0);
    bytes.extend(device.issued_at.seconds().to_be_bytes());
    if !device.is_unlisted {
        bytes.extend(device.stamp.to_be_bytes());
    }
    bytes
}

fn code(plain: &[u8], seal: &SealingKey, generation: &[u8; 16]) -> [u8; CODE_BYTES] {
    seal.code(b"gatelodge device/1", &[generation, plain])
}

fn write_one(device: &Device, seal: &SealingKey, generation: &[u8; 16]) -> String {
    let mut bytes = plain(device);
    bytes.extend(code(&bytes, seal, generation));
    format!("{PREFIX}{}", base64url(&bytes))
}

fn read_one(text: &str, seal: &SealingKey, generation: &[u8; 16], now: Timestamp) -> Option<Device> {
    let bytes = from_base64url(text.strip_prefix(PREFIX)?)?;
    let length = match *bytes.first()? {
        FORMAT => PLAIN_BYTES,
        OLD_FORMAT => OLD_PLAIN_BYTES,
        _ => return None,
    };
    let (plain, given) = bytes.split_at_checked(length)?;
    // Compared in constant time, and before anything in it is believed: the cookie comes from outside.
    if given.len() != CODE_BYTES || !constant_time_eq(&code(plain, seal, generation), given) {
        return None;
    }
    let (account, rest) = plain[1..].split_first_chunk::<16>()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let (issued_at, stamp) = rest.split_first_chunk::<8>()?;
    let issued_at = Timestamp::from_seconds(u64::from_be_bytes(*issued_at));
    let device = Device {
        account: AccountId::from_bytes(*account),
        id: DeviceId(*id),
        stamp: stamp.first_chunk().map_or(0, |stamp| u64::from_be_bytes(*stamp)),
        is_unlisted: plain[0] == OLD_FORMAT,
        issued_at,
    };
    (now.since(issued_at) < Devices::LIFETIME).then_some(device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Moment;
    use proptest::prelude::*;

    const GENERATION: [u8; 16] = [4; 16];
    const NOW: Timestamp = Timestamp::from_seconds(2_000_000_000);

    fn seal() -> SealingKey {
        SealingKey::draw(&mut Moment::new(NOW, [1; 32]))
    }

    fn moment(seed: u8) -> Moment {
        Moment::new(NOW, [seed; 32])
    }

    fn somebody(number: u8) -> AccountId {
        AccountId::from_bytes([number; 16])
    }

    fn device(person: u8, stamp: u64) -> Device {
        Device::new(somebody(person), DeviceId(moment(person).bytes()), stamp, NOW)
    }

    fn cookie() -> String {
        Devices::default().with(device(1, 7), &seal(), &GENERATION)
    }

    fn read(text: &str) -> Devices {
        Devices::read(text, &seal(), &GENERATION, NOW)
    }

    #[test]
    fn a_browser_is_recognised_for_whom_it_knows_and_for_nobody_else() {
        let devices = read(&cookie());
        assert_eq!(devices.of(somebody(1)), Some(&device(1, 7)));
        assert_eq!(devices.of(somebody(2)), None);
    }

    #[test]
    fn one_browser_knows_up_to_four_people() {
        let mut text = String::new();
        for number in 1..=5 {
            text = read(&text).with(device(number, 0), &seal(), &GENERATION);
        }
        let devices = read(&text);
        assert_eq!(devices.of(somebody(1)), None);
        assert!((2..=5).all(|number| devices.of(somebody(number)).is_some()));
    }

    #[test]
    fn a_cookie_of_an_earlier_version_stands_for_the_first_password() {
        let old = Device { is_unlisted: true, ..device(1, 0) };
        let text = write_one(&old, &seal(), &GENERATION);
        assert_eq!(read(&text).of(somebody(1)), Some(&old));
        // It stays beside those of others.
        assert_eq!(read(&read(&text).with(device(2, 3), &seal(), &GENERATION)).of(somebody(1)), Some(&old));
    }

    #[test]
    fn old_cookies_and_those_from_before_a_restore_say_nothing() {
        let late = NOW.plus(Devices::LIFETIME);
        assert_eq!(Devices::read(&cookie(), &seal(), &GENERATION, late).of(somebody(1)), None);
        assert_eq!(Devices::read(&cookie(), &seal(), &[5; 16], NOW).of(somebody(1)), None);
    }

    proptest! {
        #[test]
        fn a_changed_cookie_says_nothing(at in 4usize..100, replacement in "[A-Za-z0-9_-]") {
            let mut text = cookie();
            prop_assume!(at < text.len() && text[at..=at] != replacement);
            text.replace_range(at..=at, &replacement);
            prop_assert!(read(&text).of(somebody(1)).is_none());
        }

        #[test]
        fn garbage_says_nothing(text in "\\PC{0,300}|(gld_[A-Za-z0-9_-]{0,100}\\.?){0,6}") {
            prop_assert!(read(&text).of(somebody(1)).is_none());
        }
    }
}

//! Signed tokens: the links in mails.
//!
//! ```text
//! glt_ base64url( 1 | key id 4 | purpose 1 | subject 16 | issued 8 | expires 8 | binding 16 | HMAC-SHA256 32 )
//! ```
//!
//! Numbers are big-endian, times are seconds. The HMAC covers the purpose's label and everything before it. The binding
//! is a keyed digest of the state that the token may change, so a token becomes invalid as soon as that state changes:
//! when it is used, superseded, or overtaken by another change.

use crate::base::Timestamp;

use super::digest::{base64url, constant_time_eq, from_base64url, keyed};
use super::{KeyId, Keyring, SigningKey};

/// The one action that a token permits. It is covered by the signature: a confirmation token cannot reset a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Makes an account of a pending registration.
    ConfirmRegistration,
    /// Confirms an account's address, or a new one in its place.
    ConfirmAddress,
    /// Sets a new password.
    ResetPassword,
    /// Logs in.
    LogIn,
    /// Ends a login that was not its owner's.
    NotMe,
    /// Brings an address back that was changed.
    UndoAddress,
}

impl Purpose {
    const ALL: [Self; 6] = [
        Self::ConfirmRegistration,
        Self::ConfirmAddress,
        Self::ResetPassword,
        Self::LogIn,
        Self::NotMe,
        Self::UndoAddress,
    ];

    const fn code(self) -> u8 {
        match self {
            Self::ConfirmRegistration => 1,
            Self::ConfirmAddress => 2,
            Self::ResetPassword => 3,
            Self::LogIn => 4,
            Self::NotMe => 5,
            Self::UndoAddress => 6,
        }
    }

    const fn label(self) -> &'static [u8] {
        match self {
            Self::ConfirmRegistration => b"gatelodge confirm-registration/1",
            Self::ConfirmAddress => b"gatelodge confirm-address/1",
            Self::ResetPassword => b"gatelodge reset-password/1",
            Self::LogIn => b"gatelodge log-in/1",
            Self::NotMe => b"gatelodge not-me/1",
            Self::UndoAddress => b"gatelodge undo-address/1",
        }
    }
}

/// The claims of a token, before it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Ticket<'a> {
    /// The action that it permits.
    pub purpose: Purpose,
    /// The account or registration that it concerns, by id.
    pub subject: [u8; 16],
    /// When it is issued.
    pub issued_at: Timestamp,
    /// The first moment at which it is refused.
    pub expires_at: Timestamp,
    /// The state that it is bound to.
    pub state: &'a [&'a [u8]],
}

/// The reason why a token is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenFault {
    /// Not ours, damaged, for another purpose, superseded or overtaken: deliberately not distinguished.
    Invalid,
    /// Ours, but already used, at this time.
    Used(Timestamp),
    /// Ours, but expired.
    Expired,
}

/// An authentic token that has not expired. Whether it is still bound to the
/// present state is for [`OpenedToken::is_bound_to`].
#[derive(Clone, Copy, Debug)]
pub struct OpenedToken<'a> {
    key: &'a SigningKey,
    binding: [u8; BINDING_BYTES],
    /// The action that it permits.
    pub purpose: Purpose,
    /// The account or registration that it concerns, by id.
    pub subject: [u8; 16],
    /// The first moment at which it is refused.
    pub expires_at: Timestamp,
}

const PREFIX: &str = "glt_";
const FORMAT: u8 = 1;
const BINDING_BYTES: usize = 16;
const MAC_BYTES: usize = 32;
const SIGNED_BYTES: usize = 1 + 4 + 1 + 16 + 8 + 8 + BINDING_BYTES;
const TEXT_CHARS: usize = PREFIX.len() + (SIGNED_BYTES + MAC_BYTES) * 8 / 6 + 1;

impl Ticket<'_> {
    /// Signs with the newest key of `keys`; none if there is no key.
    #[must_use]
    pub fn sign(&self, keys: &Keyring) -> Option<String> {
        let key = keys.newest()?;
        let mut bytes = Vec::with_capacity(SIGNED_BYTES + MAC_BYTES);
        bytes.push(FORMAT);
        bytes.extend(key.id);
        bytes.push(self.purpose.code());
        bytes.extend(self.subject);
        bytes.extend(self.issued_at.seconds().to_be_bytes());
        bytes.extend(self.expires_at.seconds().to_be_bytes());
        bytes.extend(binding(key, self.purpose, self.state));
        bytes.extend(keyed(key.expose(), self.purpose.label(), &[&bytes]));
        Some(format!("{PREFIX}{}", base64url(&bytes)))
    }
}

impl Purpose {
    /// Reads the purpose that a token claims, without verifying it. To be believed only of an authentic token.
    #[must_use]
    pub fn said_by(text: &str) -> Option<Self> {
        Parts::read(text).map(|parts| parts.purpose)
    }
}

impl<'a> OpenedToken<'a> {
    /// Verifies that `text` was signed by one of `keys` and has not expired.
    ///
    /// # Errors
    /// [`TokenFault::Expired`] only for an authentic token.
    pub fn open(text: &str, keys: &'a Keyring, now: Timestamp) -> Result<Self, TokenFault> {
        let parts = Parts::read(text).ok_or(TokenFault::Invalid)?;
        let key = keys.find(parts.key_id).ok_or(TokenFault::Invalid)?;
        // In constant time, and before anything that the token says is judged: a
        // forger must not learn the right code byte by byte.
        if !constant_time_eq(&keyed(key.expose(), parts.purpose.label(), &[&parts.signed]), &parts.mac) {
            return Err(TokenFault::Invalid);
        }
        // Only now: "expired" is an answer for holders of a genuine token, not for whoever made one up.
        if now >= parts.expires_at {
            return Err(TokenFault::Expired);
        }
        Ok(Self {
            key,
            binding: parts.binding,
            purpose: parts.purpose,
            subject: parts.subject,
            expires_at: parts.expires_at,
        })
    }

    /// Whether the token was made for exactly this state.
    #[must_use]
    pub fn is_bound_to(&self, state: &[&[u8]]) -> bool {
        constant_time_eq(&binding(self.key, self.purpose, state), &self.binding)
    }
}

fn binding(key: &SigningKey, purpose: Purpose, state: &[&[u8]]) -> [u8; BINDING_BYTES] {
    // Keyed, because links travel: a plain digest of a password hash and an address could be tested against guesses.
    // Nobody can search for another state with the same 16 bytes without the key, so half of the digest is enough.
    let digest = keyed(key.expose(), b"gatelodge binding/1", &[&[purpose.label()], state].concat());
    *digest.first_chunk().expect("16 of 32 bytes")
}

struct Parts {
    signed: [u8; SIGNED_BYTES],
    mac: [u8; MAC_BYTES],
    key_id: KeyId,
    purpose: Purpose,
    subject: [u8; 16],
    expires_at: Timestamp,
    binding: [u8; BINDING_BYTES],
}

impl Parts {
    fn read(text: &str) -> Option<Self> {
        // Before decoding: an overlong text must not cost time or memory.
        if text.len() > TEXT_CHARS {
            return None;
        }
        let bytes = from_base64url(text.strip_prefix(PREFIX)?)?;
        let (signed, mac) = bytes.split_first_chunk::<SIGNED_BYTES>()?;
        let (&[format], rest) = signed.split_first_chunk::<1>()?;
        let (&key_id, rest) = rest.split_first_chunk::<4>()?;
        let (&[code], rest) = rest.split_first_chunk::<1>()?;
        let (&subject, rest) = rest.split_first_chunk::<16>()?;
        let (_issued_at, rest) = rest.split_first_chunk::<8>()?;
        let (&expires_at, rest) = rest.split_first_chunk::<8>()?;
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.code() == code)?;
        let expires_at = Timestamp::from_seconds(u64::from_be_bytes(expires_at));
        let parts = Self {
            signed: *signed,
            mac: mac.try_into().ok()?,
            key_id,
            purpose,
            subject,
            expires_at,
            binding: rest.try_into().ok()?,
        };
        (format == FORMAT).then_some(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ISSUED: Timestamp = Timestamp::from_seconds(1_700_000_000);
    const EXPIRES: Timestamp = Timestamp::from_seconds(1_700_003_600);
    const STATE: &[&[u8]] = &[b"hash", b"alice@example.org"];

    fn keys() -> Keyring {
        Keyring::new(vec![SigningKey::new(*b"key1", ISSUED, [7; 32])])
    }

    fn token(purpose: Purpose) -> String {
        let ticket = Ticket { purpose, subject: [0x11; 16], issued_at: ISSUED, expires_at: EXPIRES, state: STATE };
        ticket.sign(&keys()).expect("the ring has a key")
    }

    /// Computed outside this code, with another language's HMAC. Frozen: links that are out in mails must keep
    /// working, so a change here needs a new format number.
    #[test]
    fn the_format_does_not_change() {
        let vectors = [
            (Purpose::ConfirmRegistration, VECTOR_CONFIRM_REGISTRATION),
            (Purpose::ConfirmAddress, VECTOR_CONFIRM_ADDRESS),
            (Purpose::ResetPassword, VECTOR_RESET_PASSWORD),
            (Purpose::LogIn, VECTOR_LOG_IN),
            (Purpose::NotMe, VECTOR_NOT_ME),
            (Purpose::UndoAddress, VECTOR_UNDO_ADDRESS),
        ];
        assert_eq!(vectors.map(|(purpose, _)| purpose), Purpose::ALL);
        for (purpose, vector) in vectors {
            assert_eq!(token(purpose), vector, "{purpose:?}");
        }
    }

    const VECTOR_CONFIRM_REGISTRATION: &str = "glt_AWtleTEBEREREREREREREREREREREQAAAABlU_EAAAAAAGVT_xDdGF_c_pibdSCvWblwdMTgX_bgg54znvZUjHXVED3sk5FjHdgTMt7cyQ9ETVVCX5s";
    const VECTOR_CONFIRM_ADDRESS: &str = "glt_AWtleTECEREREREREREREREREREREQAAAABlU_EAAAAAAGVT_xC0b18w8jCYareqjR7qnUAZC1uye060T4bUpVDogdoZoTlN4LDZj96ifN5WWjRFIDU";
    const VECTOR_RESET_PASSWORD: &str = "glt_AWtleTEDEREREREREREREREREREREQAAAABlU_EAAAAAAGVT_xBFIJSDEwAtM9IDgQfLhef25XuDroOYgNQ8_AmwyrApm3zKhY1baGBxpDWwjaDtymg";
    const VECTOR_LOG_IN: &str = "glt_AWtleTEEEREREREREREREREREREREQAAAABlU_EAAAAAAGVT_xAB4IxEc9QLCLz2gbt6QJVAtCu2K1n_hpd6t6pZdehUm6IxPu1hPfaNb2zwq1AP8C0";
    const VECTOR_NOT_ME: &str = "glt_AWtleTEFEREREREREREREREREREREQAAAABlU_EAAAAAAGVT_xATXGlfIsabPk66DzBoq4jOvBSMjV_UDwlmffPsqvFK-l-_fXLAUxOFVek5iGRot7k";
    const VECTOR_UNDO_ADDRESS: &str = "glt_AWtleTEGEREREREREREREREREREREQAAAABlU_EAAAAAAGVT_xCWVOQdRbRr9IgCJcZwR1NZYNAPNyZuRCo5eIeluL7D5innxyUgM8HragEkxaZs0mw";

    #[test]
    fn a_token_opens_until_it_expires() {
        let text = token(Purpose::ResetPassword);
        let keys = keys();
        let opened = OpenedToken::open(&text, &keys, ISSUED).expect("fresh");
        assert_eq!((opened.purpose, opened.subject, opened.expires_at), (Purpose::ResetPassword, [0x11; 16], EXPIRES));
        assert!(opened.is_bound_to(STATE));
        assert!(!opened.is_bound_to(&[b"hash", b"mallory@example.org"]));
        assert!(!opened.is_bound_to(&[b"hasha", b"lice@example.org"]));
        assert_eq!(OpenedToken::open(&text, &keys, EXPIRES).err(), Some(TokenFault::Expired));
    }

    #[test]
    fn another_keyring_refuses_it() {
        let other_secret = Keyring::new(vec![SigningKey::new(*b"key1", ISSUED, [8; 32])]);
        let other_id = Keyring::new(vec![SigningKey::new(*b"key2", ISSUED, [7; 32])]);
        for keys in [other_secret, other_id, Keyring::default()] {
            assert_eq!(
                OpenedToken::open(&token(Purpose::ResetPassword), &keys, ISSUED).err(),
                Some(TokenFault::Invalid)
            );
        }
    }

    #[test]
    fn a_forged_expired_token_is_invalid_not_expired() {
        let mut text = token(Purpose::ResetPassword);
        text.pop();
        text.push(if text.ends_with('A') { 'Q' } else { 'A' });
        assert_eq!(OpenedToken::open(&text, &keys(), EXPIRES).err(), Some(TokenFault::Invalid));
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_refused(bit in 0usize..(SIGNED_BYTES + MAC_BYTES) * 8) {
            let text = token(Purpose::ConfirmRegistration);
            let mut bytes = from_base64url(&text[PREFIX.len()..]).expect("just made");
            bytes[bit / 8] ^= 1 << (bit % 8);
            let forged = format!("{PREFIX}{}", base64url(&bytes));
            prop_assert_eq!(OpenedToken::open(&forged, &keys(), ISSUED).err(), Some(TokenFault::Invalid));
        }

        #[test]
        fn another_subject_or_purpose_is_refused(subject: [u8; 16], code: u8) {
            let text = token(Purpose::ResetPassword);
            let replaced = |at: usize, with: &[u8]| {
                let mut bytes = from_base64url(&text[PREFIX.len()..]).expect("just made");
                bytes[at..at + with.len()].copy_from_slice(with);
                format!("{PREFIX}{}", base64url(&bytes))
            };
            for forged in [replaced(6, &subject), replaced(5, &[code])] {
                let expected = (forged != text).then_some(TokenFault::Invalid);
                prop_assert_eq!(OpenedToken::open(&forged, &keys(), ISSUED).err(), expected);
            }
        }

        #[test]
        fn any_truncation_is_refused(length in 0usize..TEXT_CHARS - 1) {
            let text = token(Purpose::ConfirmRegistration);
            prop_assume!(length < text.len());
            prop_assert_eq!(OpenedToken::open(&text[..length], &keys(), ISSUED).err(), Some(TokenFault::Invalid));
        }

        #[test]
        fn garbage_is_refused(text in "\\PC{0,200}|glt_[A-Za-z0-9_-]{0,130}") {
            prop_assert_eq!(OpenedToken::open(&text, &keys(), ISSUED).err(), Some(TokenFault::Invalid));
        }

        #[test]
        fn what_is_signed_opens_again(subject: [u8; 16], issued in 0u64..1 << 40, life in 1u64..1 << 30, state: Vec<Vec<u8>>) {
            let state: Vec<&[u8]> = state.iter().map(Vec::as_slice).collect();
            let issued_at = Timestamp::from_seconds(issued);
            let ticket = Ticket { purpose: Purpose::ConfirmAddress, subject, issued_at, expires_at: issued_at.plus(life), state: &state };
            let keys = keys();
            let text = ticket.sign(&keys).expect("the ring has a key");
            let opened = OpenedToken::open(&text, &keys, issued_at).expect("just signed");
            prop_assert_eq!(opened.subject, subject);
            prop_assert!(opened.is_bound_to(&state));
        }
    }
}

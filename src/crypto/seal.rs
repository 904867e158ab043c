//! Seals what has to be read again, with AES-256-GCM: signing keys, queued mails, private keys.

use zeroize::Zeroizing;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::base::{Moment, Secret};

use super::{base64url, digest::keyed};

/// The key under which records are sealed. It lives in a file beside the store.
#[derive(Clone, Debug)]
pub struct SealingKey {
    key: Secret<[u8; 32]>,
    /// The key of [`SealingKey::code`]. It is kept in the store, sealed, and survives a change of the sealing key:
    /// digests of codes that people hold cannot be made anew, since the codes themselves are not kept.
    codes: Secret<[u8; 32]>,
}

/// The record was not sealed by this key for this place, or is damaged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unsealable;

const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 32;
/// The place under which the key of codes is sealed.
const CODES: [&[u8]; 2] = [b"meta", b"codes"];

impl SealingKey {
    /// Draws a new key.
    pub fn draw(moment: &mut Moment) -> Self {
        Self::alone(Secret::new(moment.bytes()))
    }

    /// Makes a key whose codes are keyed by itself: as stores had it before codes got a key of their own,
    /// and as it is before the store has been opened.
    fn alone(key: Secret<[u8; 32]>) -> Self {
        Self { codes: key.clone(), key }
    }

    /// Draws the key that replaces this one. The key of codes stays the same.
    #[must_use]
    pub fn successor(&self, moment: &mut Moment) -> Self {
        Self { key: Secret::new(moment.bytes()), codes: self.codes.clone() }
    }

    /// Returns this key with a new key of codes, for a new store.
    #[must_use]
    pub fn with_new_codes(&self, moment: &mut Moment) -> Self {
        Self { key: self.key.clone(), codes: Secret::new(moment.bytes()) }
    }

    /// Seals the key of codes, to be kept in the store.
    pub fn seal_codes(&self, moment: &mut Moment) -> Vec<u8> {
        self.seal(&CODES, self.codes.expose(), moment)
    }

    /// Returns this key with the key of codes that its store keeps.
    ///
    /// # Errors
    /// When they were not sealed with this key.
    pub fn with_codes(&self, sealed: &[u8]) -> Result<Self, Unsealable> {
        let codes = self.open(&CODES, sealed)?.try_into().map_err(|_| Unsealable)?;
        Ok(Self { key: self.key.clone(), codes: Secret::new(codes) })
    }

    /// Reads the key file's content: one line, 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // Digits only: a sign before a digit would be read as part of the number.
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut key = [0; 32];
        for (byte, at) in key.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
        }
        Some(Self::alone(Secret::new(key)))
    }

    /// Formats the key as its file's content.
    #[must_use]
    pub fn to_text(&self) -> Secret<String> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = self.key.expose().iter().fold(String::with_capacity(65), |mut text, byte| {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
            text
        });
        text.push('\n');
        Secret::new(text)
    }

    /// Identifies the key without revealing anything about it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        base64url(&keyed(self.key.expose(), b"gatelodge sealing key fingerprint/1", &[])[..12])
    }

    /// Returns a keyed digest of `parts` for the use that `label` names: nobody without the store and its key can make
    /// one, or tell what it is of. It stays the same when the sealing key is replaced, so that recovery codes, mailed
    /// codes, cookies of known browsers, places of logins and names of buckets are still recognised. Hence it does not
    /// keep out whoever had both the old key and the store; but each use opens no more than a share of attempts, or
    /// lives ten minutes at most, or covers at least 80 random bits.
    #[must_use]
    pub fn code(&self, label: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        derived_code(self.codes.expose(), label, parts)
    }

    /// As [`SealingKey::code`], for what must be made anew when the sealing key is replaced: heads of the audit log,
    /// backups. Whoever holds only an old key can forge none.
    #[must_use]
    pub fn mark(&self, label: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        derived_code(self.key.expose(), label, parts)
    }

    /// Seals `plain` for one `place` (table and row): it opens nowhere else.
    ///
    /// Each record has a key of its own, derived from 256 random bits, so that random nonces
    /// cannot run out and a restored copy cannot make one repeat.
    pub fn seal(&self, place: &[&[u8]], plain: &[u8], moment: &mut Moment) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = moment.bytes();
        let mut sealed = plain.to_vec();
        // AES-GCM's own nonce is constant, which is safe only because no key encrypts twice.
        self.cipher(&nonce)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key([0; 12]), aad(place), &mut sealed)
            .expect("a record is far below AES-GCM's length limit");
        [&[FORMAT], &nonce[..], &sealed].concat()
    }

    /// Opens what [`SealingKey::seal`] made for the same `place`.
    ///
    /// # Errors
    /// When any bit of it, the place or the key differs.
    pub fn open(&self, place: &[&[u8]], sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let (&format, rest) = sealed.split_first().ok_or(Unsealable)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Unsealable)?;
        if format != FORMAT {
            return Err(Unsealable);
        }
        let mut plain = body.to_vec();
        let length = self
            .cipher(nonce)
            .open_in_place(Nonce::assume_unique_for_key([0; 12]), aad(place), &mut plain)
            .map_err(|_| Unsealable)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    /// Opens what was sealed for `place` with this key, and seals it with `new`.
    ///
    /// # Errors
    /// As [`SealingKey::open`].
    pub fn hand_over(
        &self,
        new: &Self,
        place: &[&[u8]],
        sealed: &[u8],
        moment: &mut Moment,
    ) -> Result<Vec<u8>, Unsealable> {
        let plain = Zeroizing::new(self.open(place, sealed)?);
        Ok(new.seal(place, &plain, moment))
    }

    fn cipher(&self, nonce: &[u8; NONCE_BYTES]) -> LessSafeKey {
        let key = Secret::new(keyed(self.key.expose(), b"gatelodge seal/1", &[nonce]));
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose()).expect("AES-256 takes 32 bytes"))
    }
}

/// Derives a key per use first, so that a code made for one use means nothing to another.
fn derived_code(root: &[u8; 32], label: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let key = Secret::new(keyed(root, b"gatelodge code/1", &[label]));
    keyed(key.expose(), label, parts)
}

fn aad(place: &[&[u8]]) -> Aad<Vec<u8>> {
    // Each part stands behind its length, or what was sealed for one place would open in
    // another that only divides its bytes differently.
    let mut bytes = Vec::new();
    for part in place {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(*part);
    }
    Aad::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use proptest::prelude::*;

    fn moment() -> Moment {
        Moment::new(Timestamp::default(), [9; 32])
    }

    #[test]
    fn the_key_survives_its_file() {
        let key = SealingKey::draw(&mut moment());
        let read = SealingKey::parse(key.to_text().expose()).expect("just written");
        assert_eq!(read.fingerprint(), key.fingerprint());
        assert!(SealingKey::parse("short").is_none());
    }

    #[test]
    fn a_sealed_record_opens_in_its_place_only() {
        let key = SealingKey::draw(&mut moment());
        let sealed = key.seal(&[b"mail", b"1"], b"the link", &mut moment());
        assert_eq!(key.open(&[b"mail", b"1"], &sealed).as_deref(), Ok(b"the link".as_slice()));
        assert_eq!(key.open(&[b"mail", b"2"], &sealed), Err(Unsealable));
        assert_eq!(key.open(&[b"mai", b"l1"], &sealed), Err(Unsealable));
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_noticed(bit in 0usize..(1 + 32 + 8 + 16) * 8) {
            let key = SealingKey::draw(&mut moment());
            let mut sealed = key.seal(&[b"mail"], b"the link", &mut moment());
            sealed[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(key.open(&[b"mail"], &sealed), Err(Unsealable));
        }
    }
}

//! The keys that sign mailed tokens: the newest signs, all that are young enough verify.

use crate::base::{Moment, Seconds, Secret, Timestamp};

/// The name of a signing key inside a token.
pub type KeyId = [u8; 4];

/// One signing key.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// Its name, which stands in every token that it signed.
    pub id: KeyId,
    /// When it began to sign.
    pub created_at: Timestamp,
    secret: Secret<[u8; 32]>,
}

impl SigningKey {
    /// Draws a new key.
    pub fn draw(moment: &mut Moment) -> Self {
        Self { id: moment.bytes(), created_at: moment.earliest(), secret: Secret::new(moment.bytes()) }
    }

    /// Restores a key that was read from the store.
    #[must_use]
    pub fn new(id: KeyId, created_at: Timestamp, secret: [u8; 32]) -> Self {
        Self { id, created_at, secret: Secret::new(secret) }
    }

    /// Exposes the key itself.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.secret.expose()
    }
}

/// All keys that can still verify a token, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Keyring(Vec<SigningKey>);

impl Keyring {
    /// Makes a keyring, ordered by age.
    #[must_use]
    pub fn new(mut keys: Vec<SigningKey>) -> Self {
        keys.sort_unstable_by_key(|key| (key.created_at, key.id));
        Self(keys)
    }

    /// Returns the key that signs: the newest.
    #[must_use]
    pub fn newest(&self) -> Option<&SigningKey> {
        self.0.last()
    }

    /// Returns the key with this id, whatever time a token claims to have been signed at.
    ///
    /// Whether the key still signed at that time is not checked. The time stands in the token, and whoever has an old
    /// key writes what they like there: they would date it back to before its successor. What ends an old key is its
    /// removal: a lifetime after its successor came ([`Keyring::retired`]), or at once by `gatelodge key rotate
    /// --revoke`. On the other hand a clock that leapt, or was taken back, makes honest dates disorderly.
    #[must_use]
    pub fn find(&self, id: KeyId) -> Option<&SigningKey> {
        self.0.iter().find(|key| key.id == id)
    }

    /// Returns the keys that cannot have signed anything still valid: their successor is older than `lifetime`.
    #[must_use]
    pub fn retired(&self, now: Timestamp, lifetime: Seconds) -> Vec<KeyId> {
        let pairs = self.0.iter().zip(self.0.iter().skip(1));
        pairs.filter(|(_, successor)| now.since(successor.created_at) > lifetime).map(|(key, _)| key.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u8, created_at: u64) -> SigningKey {
        SigningKey::new([id; 4], Timestamp::from_seconds(created_at), [id; 32])
    }

    #[test]
    fn the_newest_key_signs() {
        let ring = Keyring::new(vec![key(2, 200), key(1, 100)]);
        assert_eq!(ring.newest().map(|key| key.id), Some([2; 4]));
    }

    #[test]
    fn a_key_retires_a_lifetime_after_its_successor_came() {
        let ring = Keyring::new(vec![key(1, 100), key(2, 200)]);
        assert!(ring.retired(Timestamp::from_seconds(250), 50).is_empty());
        assert_eq!(ring.retired(Timestamp::from_seconds(251), 50), vec![[1; 4]]);
    }
}

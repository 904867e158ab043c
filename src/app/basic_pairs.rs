//! Names and passwords that programs send, and the keyed digests by which they are remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::{Identity, Moment, Secret};
use crate::crypto::{Digest, Password, hmac_sha256};

/// A name and a password, as a program sends them.
pub struct BasicPassword {
    /// The name, in whatever spelling.
    pub identity: Identity,
    /// The password.
    pub password: Password,
    /// The digest by which the pair is remembered.
    pub(super) digest: Digest,
}

/// The key under which pairs are remembered, and those that are being hashed.
pub(super) struct BasicPasswords {
    key: [u8; 32],
    under_way: Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<()>>>>,
}

impl BasicPasswords {
    /// Draws a key that no other process has: what is remembered cannot be guessed from a dump of the memory alone.
    pub(super) fn new(moment: &mut Moment) -> Self {
        Self { key: moment.bytes(), under_way: Mutex::default() }
    }

    /// Returns the keyed digest of a name, in the one form of all its spellings, and a password.
    pub(super) fn digest_of(&self, name: &str, password: &Secret<String>) -> Digest {
        let pair = Secret::new([name.as_bytes(), b"\0", password.expose().as_bytes()].concat());
        Digest(hmac_sha256(&self.key, pair.expose()))
    }

    /// Takes a place in the queue of those who send this pair. A program that begins with fifty requests at once has its
    /// password hashed once.
    pub(super) fn turn(&self, digest: Digest) -> Turn<'_> {
        let place = Arc::clone(self.under_way().entry(digest).or_default());
        Turn { pairs: self, digest, place }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Digest, Arc<tokio::sync::Mutex<()>>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a queue, which is given up with this value: also by whoever hangs up.
pub(super) struct Turn<'a> {
    pairs: &'a BasicPasswords,
    digest: Digest,
    place: Arc<tokio::sync::Mutex<()>>,
}

impl Turn<'_> {
    /// Waits until nobody is before.
    pub(super) async fn comes(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.place.lock().await
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        /// The queue's own, and this one.
        const LAST: usize = 2;
        let mut under_way = self.pairs.under_way();
        if Arc::strong_count(&self.place) <= LAST {
            under_way.remove(&self.digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    #[test]
    fn a_queue_is_there_as_long_as_anybody_is_in_it() {
        let pairs = BasicPasswords::new(&mut Moment::new(Timestamp::default(), [1; 32]));
        let (first, second, other) =
            (pairs.turn(Digest([1; 32])), pairs.turn(Digest([1; 32])), pairs.turn(Digest([2; 32])));
        assert!(Arc::ptr_eq(&first.place, &second.place) && !Arc::ptr_eq(&first.place, &other.place));
        drop(first);
        assert_eq!(pairs.under_way().len(), 2);
        drop(second);
        drop(other);
        assert!(pairs.under_way().is_empty());
    }

    #[test]
    fn a_digest_depends_on_name_password_and_process() {
        let pairs = |seed| BasicPasswords::new(&mut Moment::new(Timestamp::default(), [seed; 32]));
        let secret = |text: &str| Secret::new(text.to_owned());
        let one = pairs(1).digest_of("alice", &secret("abc"));
        assert_eq!(one, pairs(1).digest_of("alice", &secret("abc")));
        for other in [pairs(2).digest_of("alice", &secret("abc")), pairs(1).digest_of("alic", &secret("eabc"))] {
            assert_ne!(one, other);
        }
    }
}

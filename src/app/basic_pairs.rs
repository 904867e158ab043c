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

    pub(super) fn under_way(&self) -> MutexGuard<'_, HashMap<Digest, Arc<tokio::sync::Mutex<()>>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

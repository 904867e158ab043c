//! `[password]`: what a password has to be, and what hashing it costs.

use serde::{Deserialize, Serialize};

use crate::crypto::Cost;

/// `[password]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Passwords {
    /// The least length, in Unicode code points.
    pub min_length: usize,
    /// The memory of argon2id, in KiB.
    pub memory_kib: u32,
    /// The passes of argon2id.
    pub iterations: u32,
    /// The lanes of argon2id.
    pub lanes: u32,
}

impl Passwords {
    /// Returns the cost of a hash with these settings.
    #[must_use]
    pub fn cost(&self) -> Cost {
        Cost { memory_kib: self.memory_kib, iterations: self.iterations, lanes: self.lanes }
    }
}

/// OWASP's first recommendation for argon2id; the length is that of NIST SP 800-63B-4.
impl Default for Passwords {
    fn default() -> Self {
        Self { min_length: 15, memory_kib: 19456, iterations: 2, lanes: 1 }
    }
}

//! Argon2id (RFC 9106) with working memory that is reused.

use std::fmt;

use allocator_api2::alloc::System;
use allocator_api2::vec::Vec;
use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::base::Moment;

use super::{Password, constant_time_eq};

const TAG_BYTES: usize = 32;
const SALT_BYTES: usize = 16;

/// The cost of one hash.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes; they run one after another.
    pub lanes: u32,
}

impl Cost {
    /// The most that a stored hash may demand, wherever it came from.
    pub const MAX: Self = Self { memory_kib: 1024 * 1024, iterations: 64, lanes: 16 };

    /// The most memory, in KiB, that a hash made by another program may demand: several are
    /// computed at a time, within the 256 MiB that the service has. It is the second recommendation
    /// of RFC 9106, section 4, and what most programs use.
    pub const MAX_FOREIGN_KIB: u32 = 64 * 1024;
    /// The most work that a hash made by another program may demand: KiB of memory, times passes over it.
    const MAX_FOREIGN_WORK: u64 = 8 * Self::MAX_FOREIGN_KIB as u64;

    /// Whether a hash made by another program may cost this much here, where our own cost
    /// `own`. A login with an unknown name takes as long as one with a known name, so a single
    /// expensive hash makes logins expensive for everybody.
    #[must_use]
    pub fn is_bearable(&self, own: Self) -> bool {
        let work = |cost: &Self| u64::from(cost.memory_kib) * u64::from(cost.iterations);
        self.is_permitted()
            && self.memory_kib <= Self::MAX_FOREIGN_KIB.max(own.memory_kib)
            && work(self) <= Self::MAX_FOREIGN_WORK.max(work(&own))
    }

    /// Whether argon2 and our limits allow it.
    #[must_use]
    pub fn is_permitted(&self) -> bool {
        self.memory_kib <= Self::MAX.memory_kib
            && self.iterations <= Self::MAX.iterations
            && self.lanes <= Self::MAX.lanes
            && self.params().is_some()
    }

    fn params(&self) -> Option<Params> {
        Params::new(self.memory_kib, self.iterations, self.lanes, Some(TAG_BYTES)).ok()
    }
}

/// The working memory of a hash, kept between hashes: touching fresh pages costs half as much as hashing.
///
/// It comes from the system and not from the program's allocator, which would
/// keep so large a block instead of giving it back.
pub struct Memory(Vec<Block, System>);

impl Default for Memory {
    fn default() -> Self {
        Self(Vec::new_in(System))
    }
}

impl Memory {
    fn at_least(&mut self, blocks: usize) -> &mut [Block] {
        if self.0.len() < blocks {
            // The old block goes first, so that there are never two.
            *self = Self::default();
            self.0.resize(blocks, Block::default());
        }
        &mut self.0[..blocks]
    }
}

/// A stored hash.
#[derive(Clone, Eq, PartialEq)]
pub struct PasswordHash {
    cost: Cost,
    salt: [u8; SALT_BYTES],
    tag: [u8; TAG_BYTES],
}

/// The text is not an argon2id hash with our sizes, or demands more than [`Cost::MAX`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotAHash;

impl PasswordHash {
    /// Hashes with a new salt. Slow on purpose.
    #[must_use]
    pub fn make(password: &Password, cost: Cost, moment: &mut Moment, memory: &mut Memory) -> Self {
        let salt = moment.bytes();
        Self { cost, salt, tag: tag(password, cost, &salt, memory) }
    }

    /// Returns a hash that no password has, for accounts that do not exist: verifying against it takes as long.
    #[must_use]
    pub fn decoy(cost: Cost) -> Self {
        // Nobody can find a password with a tag of zeros: it would be a preimage of 256 bits.
        Self { cost, salt: *b"gatelodge decoy.", tag: [0; TAG_BYTES] }
    }

    /// Whether `password` is the one that was hashed. Slow on purpose.
    #[must_use]
    pub fn matches(&self, password: &Password, memory: &mut Memory) -> bool {
        // In constant time, so that no answer shows how much of the stored tag agrees.
        constant_time_eq(&tag(password, self.cost, &self.salt, memory), &self.tag)
    }

    /// Returns the cost that it was made with.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Parses the PHC string format.
    ///
    /// # Errors
    /// When it is not an argon2id hash with our sizes, or too expensive.
    pub fn parse(text: &str) -> Result<Self, NotAHash> {
        let phc = argon2::password_hash::phc::PasswordHash::new(text).map_err(|_| NotAHash)?;
        let number = |name: &str| phc.params.get_decimal(name).ok_or(NotAHash);
        let cost = Cost { memory_kib: number("m")?, iterations: number("t")?, lanes: number("p")? };
        let known = phc.algorithm.as_str() == "argon2id" && phc.version == Some(Version::V0x13.into());
        // The parameters in a hash override ours, so a crafted one could ask for
        // gigabytes: refused before any memory is taken.
        if !known || !cost.is_permitted() {
            return Err(NotAHash);
        }
        let salt = phc.salt.and_then(|salt| salt.as_ref().try_into().ok()).ok_or(NotAHash)?;
        let tag = phc.hash.and_then(|tag| tag.as_bytes().try_into().ok()).ok_or(NotAHash)?;
        Ok(Self { cost, salt, tag })
    }
}

fn tag(password: &Password, cost: Cost, salt: &[u8; SALT_BYTES], memory: &mut Memory) -> [u8; TAG_BYTES] {
    let params = cost.params().expect("a cost is checked where it enters: in the configuration and in parse");
    let blocks = memory.at_least(params.block_count());
    let mut tag = [0; TAG_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.bytes(), salt, &mut tag, blocks)
        .expect("lengths of password, salt, tag and memory are within argon2's bounds");
    tag
}

/// The PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$…$…`.
impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut params = ParamsString::new();
        for (name, value) in [("m", self.cost.memory_kib), ("t", self.cost.iterations), ("p", self.cost.lanes)] {
            params.add_decimal(name, value).map_err(|_| fmt::Error)?;
        }
        let phc = argon2::password_hash::phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params,
            salt: Some(Salt::new(&self.salt).map_err(|_| fmt::Error)?),
            hash: Some(Output::new(&self.tag).map_err(|_| fmt::Error)?),
        };
        write!(f, "{phc}")
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    const CHEAP: Cost = Cost { memory_kib: 8, iterations: 1, lanes: 1 };

    fn password(text: &str) -> Password {
        Password::parse(text).expect("printable")
    }

    #[test]
    fn only_the_right_password_matches() {
        let mut memory = Memory::default();
        let mut moment = Moment::new(Timestamp::default(), [3; 32]);
        let hash = PasswordHash::make(&password("a lodge at the gate"), CHEAP, &mut moment, &mut memory);
        assert!(hash.matches(&password("a lodge at the gate"), &mut memory));
        assert!(!hash.matches(&password("a lodge at the gatf"), &mut memory));
        assert_eq!(PasswordHash::parse(&hash.to_string()), Ok(hash));
    }

    #[test]
    fn the_last_of_1024_characters_counts() {
        let mut memory = Memory::default();
        let text = "x".repeat(1023);
        let hash = PasswordHash::make(
            &password(&format!("{text}a")),
            CHEAP,
            &mut Moment::new(Timestamp::default(), [3; 32]),
            &mut memory,
        );
        assert!(!hash.matches(&password(&format!("{text}b")), &mut memory));
    }

    #[test]
    fn a_hash_made_by_another_program_is_verified() {
        let text = "$argon2id$v=19$m=65536,t=3,p=4$qXVO6b2XMobQ2luLUcq5lw$tnzOFgx4as+45tFbC5WcjBkbLdIpDOFV1iSKuFTHq3A";
        let hash = PasswordHash::parse(text).expect("the standard form");
        assert_eq!(hash.to_string(), text);
        assert!(hash.matches(&password("correct horse battery staple"), &mut Memory::default()));
    }

    #[test]
    fn what_others_made_is_bearable_within_bounds() {
        let own = Cost { memory_kib: 19456, iterations: 2, lanes: 1 };
        let is_bearable = |memory_kib, iterations| Cost { memory_kib, iterations, lanes: 1 }.is_bearable(own);
        for (memory_kib, iterations) in [(19456, 2), (65536, 3), (47104, 1), (7168, 5), (7168, 64), (65536, 8)] {
            assert!(is_bearable(memory_kib, iterations), "m={memory_kib},t={iterations}");
        }
        for (memory_kib, iterations) in [(1024 * 1024, 64), (1024 * 1024, 1), (65537, 1), (65536, 9), (65536, 65)] {
            assert!(!is_bearable(memory_kib, iterations), "m={memory_kib},t={iterations}");
        }
        let dear = Cost { memory_kib: 1024 * 1024, iterations: 4, lanes: 1 };
        assert!(dear.is_bearable(dear), "a house may choose what it bears");
    }

    #[test]
    fn a_hash_that_asks_too_much_is_refused() {
        let asks = |params: &str| {
            PasswordHash::parse(&format!(
                "$argon2id$v=19${params}$nzNmbK21du69txbC+L/XGg$sTNcI0XHxMlBQE8gh8XQIjnTLIflPmKtbkRe0G9cQsA"
            ))
        };
        assert!(asks("m=65536,t=3,p=4").is_ok());
        for params in ["m=4194304,t=3,p=4", "m=65536,t=1000,p=4", "m=65536,t=3,p=99", "m=1,t=1,p=1"] {
            assert_eq!(asks(params), Err(NotAHash), "{params}");
        }
    }
}

//! Pure functions over bytes: digests, passwords, signed tokens, sealed records.

mod bearer;
mod blocklist;
mod code;
mod digest;
mod guesses;
mod keyring;
mod password;
mod patterns;
mod policy;
mod seal;
mod series;
mod spelling;
mod token;
mod totp;

pub use bearer::{Bearer, BearerKind};
pub use code::{NotACode, TypedCode, draw_digits, draw_recovery_code, print_recovery_code};
pub use digest::{
    Digest, Hashing, base64, base64url, constant_time_eq, from_base64, from_base64url, hmac_sha256, is_base64url,
};
pub use guesses::Piece;
pub use keyring::{KeyId, Keyring, SigningKey};
pub use password::{Cost, Memory, NotAHash, PasswordHash};
pub use policy::{Password, PasswordFault, PasswordPolicy};
pub use seal::{SealingKey, Unsealable};
pub use token::{OpenedToken, Purpose, Ticket, TokenFault};
pub use totp::{TotpSeed, newest_step_at, step_at};

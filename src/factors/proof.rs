//! Proofs: the kinds that somebody may be asked for, and the outcome of one.

use serde::Serialize;

use crate::base::AccountId;
use crate::crypto::{Digest, TypedCode};
use crate::sessions::Method;

use super::mailed::CodePurpose;

/// A kind of proof that may be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofOption {
    /// The account's password.
    Password,
    /// A code of an authenticator program.
    Totp,
    /// A code that is mailed.
    Mail,
    /// A code that is sent by text message.
    Sms,
    /// A recovery code.
    RecoveryCode,
}

/// A code given as the proof of a second factor.
#[derive(Clone, Copy, Debug)]
pub struct CodeProof<'a> {
    /// The account whose factor it is to be of.
    pub account: AccountId,
    /// The code, as it was typed.
    pub code: &'a TypedCode,
    /// The login or session that a sent code must be for.
    pub purpose: CodePurpose,
    /// The owner's present credentials, which a sent code must be bound to.
    pub bound_to: Digest,
}

/// The outcome of a proof that was right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Proved {
    /// The method that proved it.
    pub method: Method,
    /// The number of recovery codes left, if one was used.
    pub recovery_codes_left: Option<usize>,
}

impl Proved {
    pub(super) const fn by(method: Method) -> Self {
        Self { method, recovery_codes_left: None }
    }
}

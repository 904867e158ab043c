//! What somebody may be asked for who is to prove who they are, and what a proof showed.

use serde::Serialize;

use crate::base::AccountId;
use crate::crypto::{Digest, TypedCode};
use crate::sessions::Method;

use super::mailed::CodePurpose;

/// Something that may be asked for as a proof.
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

/// A code that somebody gives as the proof of a second factor.
#[derive(Clone, Copy, Debug)]
pub struct CodeProof<'a> {
    /// Whose factor it is to be of.
    pub account: AccountId,
    /// What was typed.
    pub code: &'a TypedCode,
    /// For what a code was sent: it serves nowhere else.
    pub purpose: CodePurpose,
    /// The credentials that it was sent under.
    pub bound_to: Digest,
}

/// What a proof of a second factor showed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Proved {
    /// By what.
    pub method: Method,
    /// How many recovery codes are left, if one was used.
    pub recovery_codes_left: Option<usize>,
}

impl Proved {
    pub(super) const fn by(method: Method) -> Self {
        Self { method, recovery_codes_left: None }
    }
}

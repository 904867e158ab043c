//! Proofs: the kinds that somebody may be asked for, and the outcome of one.

use serde::{Serialize, Serializer};

use crate::base::AccountId;
use crate::crypto::{Digest, TypedCode};
use crate::sessions::Method;

use super::kind::FactorKind;
use super::mailed::CodePurpose;

/// A kind of proof that may be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProofOption {
    /// The account's password.
    Password,
    /// What a factor of this kind gives.
    Factor(FactorKind),
    /// A recovery code.
    RecoveryCode,
}

impl ProofOption {
    /// The word by which the API names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Factor(kind) => kind.as_str(),
            Self::RecoveryCode => "recovery_code",
        }
    }
}

impl Serialize for ProofOption {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
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

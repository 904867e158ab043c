//! Why a request is not answered with what was asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::accounts::standing::Denied;
use crate::admin::{Refusal, RefusalKind};
use crate::app::Fault;
use crate::base::{Timestamp, map_of};
use crate::crypto::{PasswordFault, Piece, TokenFault};
use crate::factors::ProofOption;
use crate::store::StoreError;

/// Every way to fail. What a caller must not tell apart shares a variant.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// A path or parameter is not well formed.
    MalformedRequest,
    /// The body is not JSON.
    MalformedJson,
    /// A parameter or member is given twice.
    RepeatedParameter,
    /// A list has no such parameter.
    UnknownParameter,
    /// More parameters or members than any route has.
    TooManyFields,
    /// No session, or a dead one.
    NotLoggedIn,
    /// Unknown, wrong, disabled, not confirmed.
    InvalidCredentials,
    /// The password is right, and a code is asked for; in these ways.
    SecondFactorRequired(Vec<ProofOption>),
    /// The code is wrong, or was used.
    WrongCode,
    /// Another browser asked for the link.
    OtherBrowser,
    /// The login under way is over.
    LoginOver,
    /// The last proof is too old; by these methods another can be given.
    ReauthenticationRequired(Vec<ProofOption>),
    /// Nothing else before a second factor is set up.
    SecondFactorSetUpRequired,
    /// The last second factor stays, where a group asks for one.
    SecondFactorNeeded,
    /// Logged in, but not as an administrator.
    Forbidden,
    /// An API token that is not good for this.
    InsufficientScope,
    /// A browser sent it from another site.
    CrossSite,
    /// Not ours, used, superseded.
    TokenInvalid,
    /// Ours, too old.
    TokenExpired,
    /// Ours, and it did its work at this time.
    TokenUsed(Timestamp),
    /// The present password is another.
    WrongPassword,
    /// Nobody can register.
    RegistrationClosed,
    /// Whoever registers is invited first.
    InvitationNeeded,
    /// No such page, resource or session.
    NotFound,
    /// The path is known, with these methods.
    MethodNotAllowed(String),
    /// The body did not arrive in time.
    Timeout,
    /// A user name was taken meanwhile.
    UsernameTaken,
    /// Nobody else administers the appliance.
    LastAdministrator,
    /// An administrator's command was not carried out: of which sort the reason is, and which.
    Refused(RefusalKind, String),
    /// The body is over the limit.
    TooLarge,
    /// It is meant for another host.
    Misdirected,
    /// The client expects what we do not know.
    ExpectationFailed,
    /// The body is coded in a way that we do not know.
    UnknownCoding,
    /// The body is of another type.
    UnsupportedMediaType,
    /// Fields are missing or wrong.
    Invalid(FieldErrors),
    /// Confirming in another browser needs the password.
    PasswordNeeded,
    /// Too many tries have failed: seconds to wait.
    TooManyAttempts(u32),
    /// Too many passwords wait.
    Busy,
    /// Too much is under way for this network.
    NoRoom,
    /// The machine's clock is wrong, and the act depends on the time.
    ClockUnsure,
    /// Nothing can be written.
    StorageUnavailable,
    /// A commit failed and may have taken effect.
    OutcomeUnknown,
    /// We made a mistake.
    Internal,
}

/// What is wrong with each field.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct FieldErrors(BTreeMap<String, Vec<FieldError>>);

/// One thing that is wrong with a field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldError {
    /// A stable word.
    pub code: &'static str,
    /// The least that is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<usize>,
    /// The most that is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
    /// What most of a password consists of that is easily guessed, for the words on a page.
    #[serde(skip)]
    pub piece: Option<Piece>,
}

impl FieldErrors {
    /// One error of one field.
    pub fn of(field: &str, error: impl Into<FieldError>) -> Self {
        let mut errors = Self::default();
        errors.add(field, error);
        errors
    }

    /// Adds an error.
    pub fn add(&mut self, field: &str, error: impl Into<FieldError>) {
        self.0.entry(field.to_owned()).or_default().push(error.into());
    }

    /// Whether something is wrong with this field.
    pub fn is_about(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For a page: each field and what to say beside it.
    pub fn in_words(&self) -> BTreeMap<String, String> {
        let words = |errors: &Vec<FieldError>| errors.iter().map(FieldError::in_words).collect::<Vec<_>>().join(" ");
        map_of(self.0.iter().map(|(field, errors)| (field.clone(), words(errors))))
    }
}

impl From<&'static str> for FieldError {
    fn from(code: &'static str) -> Self {
        Self { code, min: None, max: None, piece: None }
    }
}

impl From<PasswordFault> for FieldError {
    fn from(fault: PasswordFault) -> Self {
        match fault {
            PasswordFault::TooShort { min } => Self { min: Some(min), ..Self::from("too_short") },
            PasswordFault::TooLong { max } => Self { max: Some(max), ..Self::from("too_long") },
            PasswordFault::NotPrintable => "not_printable".into(),
            PasswordFault::Common => "common".into(),
            PasswordFault::Guessable(piece) => Self { piece: Some(piece), ..Self::from("guessable") },
            PasswordFault::Reused => "reused".into(),
        }
    }
}

impl FieldError {
    fn in_words(&self) -> String {
        let limit = self.min.or(self.max).unwrap_or_default();
        match self.code {
            "required" => "Please fill this in.".into(),
            "too_short" => format!("Please use at least {limit} characters; four words that have nothing to do with each other make a good password."),
            "too_long" => format!("Please use at most {limit} characters."),
            "too_many" => format!("Please give at most {limit}."),
            "not_printable" => "It contains characters that cannot be printed.".into(),
            "common" => {
                "This password is on the lists that everybody tries first. Please use four words that have nothing to do with each other.".into()
            }
            "guessable" => {
                let why = self.piece.unwrap_or(Piece::Free);
                format!("This is easily guessed: {why}. Please use four words that have nothing to do with each other.")
            }
            "reused" => "This password was in use before. Please choose another.".into(),
            "not_an_address" => "This is not an e-mail address; it looks like name@example.org.".into(),
            "not_a_username" => {
                "Use 2 to 32 of a–z, 0–9, dot, dash and underscore, beginning with a letter or digit.".into()
            }
            "not_a_code" => {
                "This is not a code: it has six digits, or it is a recovery code of four times four.".into()
            }
            "not_a_name" => {
                "Use 1 to 100 characters that can be seen. Perhaps an invisible one was pasted along: type it anew."
                    .into()
            }
            "domain_not_allowed" => "Addresses of this domain cannot be used here.".into(),
            "not_invited" => "The invitation is for another address.".into(),
            "reserved" => "This name is kept for those who run the site, or reads as a telephone number. Please choose another.".into(),
            "taken" => "Somebody else has this already.".into(),
            "unchanged" => "This is what you have already.".into(),
            _ => "This is not right.".into(),
        }
    }
}

impl From<FieldErrors> for Failure {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable => Self::StorageUnavailable,
            StoreError::OutcomeUnknown => Self::OutcomeUnknown,
            StoreError::Damaged(what) => {
                tracing::error!(what, "a record is damaged");
                Self::Internal
            }
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error.into(),
            Fault::Busy => Self::Busy,
            Fault::ClockUnsure => Self::ClockUnsure,
            Fault::Internal => Self::Internal,
            Fault::TooManyAttempts(seconds) => Self::TooManyAttempts(u32::try_from(seconds).unwrap_or(u32::MAX)),
            Fault::Denied(denied) => denied.into(),
        }
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotLoggedIn => Self::NotLoggedIn,
            Denied::InsufficientScope => Self::InsufficientScope,
            Denied::SecondFactorMissing => Self::SecondFactorSetUpRequired,
            Denied::Forbidden => Self::Forbidden,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match (refusal.fault, refusal.hint) {
            (Some(fault), _) => fault.into(),
            (None, None) => Self::Refused(refusal.kind, format!("{}.", refusal.message)),
            (None, Some(hint)) => Self::Refused(refusal.kind, format!("{}; {hint}.", refusal.message)),
        }
    }
}

impl Failure {
    /// What to do about it.
    pub fn detail(&self) -> Cow<'_, str> {
        match self {
            Self::Refused(_, detail) => detail.into(),
            Self::TokenUsed(done_at) => {
                format!("It was done on {}. {}", done_at.in_words(), self.explanation().detail).into()
            }
            other => other.explanation().detail.into(),
        }
    }

    /// Whether it is about a link that does not work, of which somebody may have tried many.
    pub fn is_a_bad_link(&self) -> bool {
        matches!(self, Self::TokenInvalid | Self::TokenExpired)
    }
}

impl From<TokenFault> for Failure {
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::Invalid => Self::TokenInvalid,
            TokenFault::Expired => Self::TokenExpired,
            TokenFault::Used(done_at) => Self::TokenUsed(done_at),
        }
    }
}

//! The reasons why a request is not answered with what was asked for.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::accounts::standing::Denied;
use crate::admin::RefusalKind;
use crate::app::Fault;
use crate::base::{Timestamp, map_of};
use crate::crypto::{PasswordFault, Piece, TokenFault};
use crate::factors::ProofOption;
use crate::store::StoreError;
use crate::texts::{Text, TextValue, Voice, field as say};

/// Every way to fail. Causes that a caller must not tell apart share a variant.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// A path or parameter is not well formed.
    MalformedRequest,
    /// The body is not JSON.
    MalformedJson,
    /// A parameter or member is given twice.
    RepeatedParameter,
    /// A list takes no such parameter.
    UnknownParameter,
    /// More parameters or members than any route has.
    TooManyFields,
    /// There is no session, or it has ended.
    NotLoggedIn,
    /// The name is unknown, or the account disabled or unconfirmed, or the password wrong.
    InvalidCredentials,
    /// The password is right, and a second factor is needed: one of these.
    SecondFactorRequired(Vec<ProofOption>),
    /// The code is wrong, or was used.
    WrongCode,
    /// Another browser asked for the link.
    OtherBrowser,
    /// The login under way has expired, or failed too often.
    LoginOver,
    /// The last proof is too old; another can be given by these methods.
    ReauthenticationRequired(Vec<ProofOption>),
    /// A second factor has to be set up before anything else.
    SecondFactorSetUpRequired,
    /// The last second factor cannot be removed, because a group requires one.
    SecondFactorNeeded,
    /// Logged in, but not as an administrator.
    Forbidden,
    /// The API token lacks the scope.
    InsufficientScope,
    /// A browser sent it from another site.
    CrossSite,
    /// The token is not ours, used up, or superseded.
    TokenInvalid,
    /// The token is ours, and has expired.
    TokenExpired,
    /// The token is ours, and was used at this time.
    TokenUsed(Timestamp),
    /// The current password is wrong.
    WrongPassword,
    /// Registration is closed.
    RegistrationClosed,
    /// Registration needs an invitation.
    InvitationNeeded,
    /// No such page, resource or session.
    NotFound,
    /// The path is known, but takes these methods only.
    MethodNotAllowed(String),
    /// The body did not arrive in time.
    Timeout,
    /// The user name was taken in the meantime.
    UsernameTaken,
    /// The account is the last administrator's.
    LastAdministrator,
    /// An administrator's command was refused: the kind of reason, and the words.
    Refused(RefusalKind, Text),
    /// The body is over the limit.
    TooLarge,
    /// The request is for another host.
    Misdirected,
    /// The client expects something that we do not support.
    ExpectationFailed,
    /// The body's transfer coding is unknown.
    UnknownCoding,
    /// The body's media type is not the one of this route.
    UnsupportedMediaType,
    /// Fields are missing or wrong.
    Invalid(FieldErrors),
    /// Confirming in another browser than the registering one needs the password.
    PasswordNeeded,
    /// The rate limit is reached: seconds to wait.
    TooManyAttempts(u32),
    /// Too many password hashes are queued.
    Busy,
    /// The memory budget for requests under way has no room for this network.
    NoRoom,
    /// The system clock is unsure, and the request depends on the time.
    ClockUnsure,
    /// The store cannot be written.
    StorageUnavailable,
    /// A commit failed and may have taken effect.
    OutcomeUnknown,
    /// An error on our side.
    Internal,
}

/// The errors of each field.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct FieldErrors(BTreeMap<String, Vec<FieldError>>);

/// One error of a field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldError {
    /// The stable code.
    pub code: &'static str,
    /// The least that is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<usize>,
    /// The most that is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
    /// The kind of guessable piece that most of a password consists of, for the words on a page.
    #[serde(skip)]
    pub piece: Option<Piece>,
}

impl FieldErrors {
    /// Creates one error of one field.
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

    /// Returns the words for a page: each field, and what to say beside it.
    pub fn in_words(&self, voice: &Voice) -> BTreeMap<String, String> {
        let words = |errors: &Vec<FieldError>| {
            errors.iter().map(|error| voice.say(&error.text())).collect::<Vec<_>>().join(" ")
        };
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
    fn text(&self) -> Text {
        let limit = self.min.or(self.max).unwrap_or_default();
        match self.code {
            "required" => say::required(),
            "too_short" => say::too_short(limit),
            "too_long" => say::too_long(limit),
            "too_many" => say::too_many(limit),
            "not_printable" => say::not_printable(),
            "common" => say::password_common(),
            "guessable" => say::password_guessable(self.piece.unwrap_or(Piece::Free).text()),
            "reused" => say::password_reused(),
            "not_an_address" => say::not_an_address(),
            "not_a_username" => say::not_a_username(),
            "not_a_code" => say::not_a_code(),
            "not_a_name" => say::not_a_name(),
            "not_a_host" => say::not_a_host(),
            "not_a_language" => say::not_a_language(),
            "not_a_time" => say::not_a_time(),
            "in_the_past" => say::in_the_past(),
            "domain_not_allowed" => say::domain_not_allowed(),
            "not_invited" => say::not_invited(),
            "reserved" => say::username_reserved(),
            "taken" => say::taken(),
            "unchanged" => say::unchanged(),
            _ => say::not_right(),
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
            // Told as a plain 500: the caller can do nothing about it, and which record it is concerns the log only.
            StoreError::Damaged(what) => {
                tracing::error!(what, "a record is damaged");
                Self::Internal
            }
            // A step of ours that was not cut small enough, which the writer has logged.
            StoreError::TooLarge => Self::Internal,
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error.into(),
            Fault::NoSpace => Self::StorageUnavailable,
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

impl Failure {
    /// Returns the words on what to do about it.
    pub fn detail(&self) -> Text {
        match self {
            Self::Refused(_, detail) => detail.clone(),
            Self::TokenUsed(done_at) => self.explanation().detail().with("at", TextValue::Time(*done_at)),
            other => other.explanation().detail(),
        }
    }

    /// Whether it is about a link that does not work, of which somebody may be guessing many.
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

//! The one file that knows HTTP status codes.

use http::StatusCode;

use crate::admin::RefusalKind;
use crate::texts::Text;

use super::failure::Failure;

/// A kind of success, as HTTP knows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Success {
    /// The answer is in the body.
    Ok,
    /// Something was made, which is in the body.
    Created,
    /// Accepted; what comes of it is not told, so that nobody learns who has an account.
    Accepted,
    /// Done, without a body.
    NoContent,
    /// Another page is to be fetched, by the same method.
    Found,
    /// Another page is to be fetched with GET.
    SeeOther,
    /// The page has moved for good.
    Moved,
    /// The browser has the present form of the file already.
    NotModified,
    /// The answer to a readiness probe: not now.
    NotReady,
}

/// Every status that is sent, for the metrics.
pub(super) const STATUSES: [u16; 25] = [
    200, 201, 202, 204, 302, 303, 304, 308, 400, 401, 403, 404, 405, 408, 409, 413, 415, 417, 421, 422, 429, 431, 500,
    501, 503,
];

/// A refusal without words, as reverse proxies take it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum BareRefusal {
    /// A login would help.
    Unauthorized,
    /// It would not.
    Forbidden,
}

impl BareRefusal {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
        }
    }
}

impl Success {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Ok => StatusCode::OK,
            Self::Created => StatusCode::CREATED,
            Self::Accepted => StatusCode::ACCEPTED,
            Self::NoContent => StatusCode::NO_CONTENT,
            Self::Found => StatusCode::FOUND,
            Self::SeeOther => StatusCode::SEE_OTHER,
            Self::Moved => StatusCode::PERMANENT_REDIRECT,
            Self::NotModified => StatusCode::NOT_MODIFIED,
            Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The public form of a failure: status, stable code, and words for people, which the catalogue has.
#[derive(Clone, Copy)]
pub struct Explanation {
    /// The status.
    pub status: StatusCode,
    /// The stable code, for programs.
    pub code: &'static str,
    /// The name of the words: the code, unless failures of one code are told apart by words.
    words: &'static str,
    /// Seconds after which trying again makes sense, for `Retry-After`.
    pub retry_after: Option<u32>,
}

impl Explanation {
    /// Returns what happened.
    pub fn title(&self) -> Text {
        Text::of(format!("failure.{}.title", self.words))
    }

    /// Returns what to do about it.
    pub(super) fn detail(&self) -> Text {
        Text::of(format!("failure.{}.detail", self.words))
    }

    const fn told_as(self, words: &'static str) -> Self {
        Self { words, ..self }
    }
}

const fn explain(status: StatusCode, code: &'static str) -> Explanation {
    Explanation { status, code, words: code, retry_after: None }
}

const fn later(seconds: u32, explanation: Explanation) -> Explanation {
    Explanation { retry_after: Some(seconds), ..explanation }
}

impl Failure {
    /// Returns the public form of a failure.
    #[must_use]
    #[rustfmt::skip]
    pub const fn explanation(&self) -> Explanation {
        use StatusCode as S;
        match self {
            Self::MalformedRequest => explain(S::BAD_REQUEST, "malformed_request"),
            Self::MalformedJson => explain(S::BAD_REQUEST, "malformed_json"),
            Self::RepeatedParameter => explain(S::BAD_REQUEST, "repeated_parameter"),
                        Self::TooManyFields => explain(S::BAD_REQUEST, "too_many_parameters"),
            Self::NotLoggedIn => explain(S::UNAUTHORIZED, "not_logged_in"),
            Self::InvalidCredentials => explain(S::UNAUTHORIZED, "invalid_credentials"),
            Self::SecondFactorRequired(_) => explain(S::UNAUTHORIZED, "second_factor_required"),
            Self::WrongCode => explain(S::UNAUTHORIZED, "wrong_code"),
            Self::OtherBrowser => explain(S::CONFLICT, "other_browser"),
            Self::LoginOver => explain(S::UNAUTHORIZED, "login_over"),
            Self::ReauthenticationRequired(_) => explain(S::UNAUTHORIZED, "reauthentication_required"),
            Self::SecondFactorSetUpRequired => explain(S::FORBIDDEN, "second_factor_setup_required"),
            Self::SecondFactorNeeded => explain(S::CONFLICT, "second_factor_needed"),
            Self::Forbidden => explain(S::FORBIDDEN, "forbidden"),
            Self::InsufficientScope => explain(S::FORBIDDEN, "insufficient_scope"),
            Self::CrossSite => explain(S::FORBIDDEN, "cross_site"),
            Self::TokenInvalid => explain(S::FORBIDDEN, "token_invalid"),
            Self::TokenUsed(_) => explain(S::FORBIDDEN, "token_used"),
            Self::TokenExpired => explain(S::FORBIDDEN, "token_expired"),
            Self::WrongPassword => explain(S::FORBIDDEN, "wrong_password"),
            Self::RegistrationClosed => explain(S::FORBIDDEN, "registration_closed"),
            Self::InvitationNeeded => explain(S::FORBIDDEN, "invitation_needed"),
            Self::NotFound => explain(S::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed(_) => explain(S::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Timeout => explain(S::REQUEST_TIMEOUT, "timeout"),
            Self::UsernameTaken => explain(S::CONFLICT, "username_taken"),
            Self::LastAdministrator => explain(S::CONFLICT, "last_administrator"),
            Self::Refused(RefusalKind::Unknown, _) => explain(S::NOT_FOUND, "not_found"),
            Self::Refused(RefusalKind::Conflict, _) => explain(S::CONFLICT, "conflict"),
            Self::Refused(RefusalKind::Invalid, _) => explain(S::UNPROCESSABLE_ENTITY, "refused"),
            Self::Refused(RefusalKind::NeedsLogin, _) => Self::InsufficientScope.explanation(),
            Self::Refused(RefusalKind::NeedsAdministrator, _) => Self::Forbidden.explanation(),
            Self::Refused(RefusalKind::Failed, _) => explain(S::INTERNAL_SERVER_ERROR, "internal"),
            Self::TooLarge => explain(S::PAYLOAD_TOO_LARGE, "too_large"),
            Self::Misdirected => explain(S::MISDIRECTED_REQUEST, "misdirected"),
            Self::ExpectationFailed => explain(S::EXPECTATION_FAILED, "expectation_failed"),
            Self::UnknownCoding => explain(S::NOT_IMPLEMENTED, "unknown_coding"),
            Self::UnsupportedMediaType => explain(S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::Invalid(_) => explain(S::UNPROCESSABLE_ENTITY, "invalid_fields"),
            Self::UnknownParameter => explain(S::UNPROCESSABLE_ENTITY, "unknown_parameter"),
            Self::PasswordNeeded => explain(S::UNPROCESSABLE_ENTITY, "password_needed"),
            Self::TooManyAttempts(seconds) => later(*seconds, explain(S::TOO_MANY_REQUESTS, "too_many_attempts")),
            Self::Busy => later(5, explain(S::SERVICE_UNAVAILABLE, "busy")),
            Self::NoRoom => later(2, explain(S::SERVICE_UNAVAILABLE, "busy").told_as("no_room")),
            Self::ClockUnsure => later(60, explain(S::SERVICE_UNAVAILABLE, "clock_unsure")),
            Self::StorageUnavailable => later(10, explain(S::SERVICE_UNAVAILABLE, "storage_unavailable")),
            Self::OutcomeUnknown => later(10, explain(S::SERVICE_UNAVAILABLE, "outcome_unknown")),
            Self::Internal => explain(S::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::texts::english;

    /// The names of the words that are said, as this file has them.
    fn said() -> BTreeSet<&'static str> {
        let text = include_str!("status.rs").split("#[cfg(test)]").next().unwrap_or_default();
        let mut said = BTreeSet::new();
        for line in text.lines().filter(|line| line.contains("explain(")) {
            let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
            // The code, and behind it the name of the words if they have another.
            said.extend(quoted.last());
        }
        said
    }

    #[test]
    fn every_failure_has_its_words_and_no_words_are_left_over() {
        /// A refusal says itself what to do.
        const IN_OTHER_WORDS: [&str; 2] = ["conflict", "refused"];
        let mut wanted = BTreeSet::new();
        for words in said() {
            wanted.insert(format!("failure.{words}.title"));
            if !IN_OTHER_WORDS.contains(&words) {
                wanted.insert(format!("failure.{words}.detail"));
            }
        }
        let mut found = BTreeSet::new();
        found.extend(english().keys().filter(|key| key.starts_with("failure.")).map(str::to_owned));
        assert!(found.len() > 80, "{}", found.len());
        assert_eq!(wanted, found);
    }

    #[test]
    fn only_the_words_about_a_used_link_have_a_place_for_a_value() {
        let catalogue = english();
        for key in catalogue.keys().filter(|key| key.starts_with("failure.")) {
            let places = catalogue.placeholders(key);
            let expected = if key == "failure.token_used.detail" { BTreeSet::from(["at"]) } else { BTreeSet::new() };
            assert_eq!(places, expected, "{key}");
        }
    }

    #[test]
    fn every_status_is_counted() {
        let text = include_str!("status.rs");
        let names = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_')).filter(|name| name.len() > 1);
        let known: Vec<StatusCode> = (100..600).filter_map(|code| StatusCode::from_u16(code).ok()).collect();
        for name in names {
            let named = |code: &&StatusCode| {
                code.canonical_reason().is_some_and(|reason| reason.to_uppercase().replace([' ', '-'], "_") == *name)
            };
            if let Some(code) = known.iter().find(named) {
                assert!(STATUSES.contains(&code.as_u16()), "{code}");
            }
        }
    }
}

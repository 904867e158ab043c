//! The one file that knows HTTP status codes.

use http::StatusCode;

use crate::admin::RefusalKind;

use super::failure::Failure;

/// A kind of success, as HTTP knows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Success {
    /// The answer is in the body.
    Ok,
    /// Accepted; what comes of it is not told, so that nobody learns who has an account.
    Accepted,
    /// Done, without a body.
    NoContent,
    /// Another page is to be fetched with GET.
    SeeOther,
    /// The page has moved for good.
    Moved,
    /// The answer to a readiness probe: not now.
    NotReady,
}

/// Every status that is sent, for the metrics.
pub(super) const STATUSES: [u16; 22] =
    [200, 202, 204, 303, 308, 400, 401, 403, 404, 405, 408, 409, 413, 415, 417, 421, 422, 429, 431, 500, 501, 503];

impl Success {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Ok => StatusCode::OK,
            Self::Accepted => StatusCode::ACCEPTED,
            Self::NoContent => StatusCode::NO_CONTENT,
            Self::SeeOther => StatusCode::SEE_OTHER,
            Self::Moved => StatusCode::PERMANENT_REDIRECT,
            Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The public form of a failure: status, stable code, and words for people.
#[derive(Clone, Copy)]
pub struct Explanation {
    /// The status.
    pub status: StatusCode,
    /// The stable code, for programs.
    pub code: &'static str,
    /// What happened.
    pub title: &'static str,
    /// What to do about it.
    pub detail: &'static str,
    /// Seconds after which trying again makes sense, for `Retry-After`.
    pub retry_after: Option<u32>,
}

const fn explain(status: StatusCode, code: &'static str, title: &'static str, detail: &'static str) -> Explanation {
    Explanation { status, code, title, detail, retry_after: None }
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
            Self::MalformedRequest => explain(S::BAD_REQUEST, "malformed_request", "The request cannot be understood.", "A path or a parameter is not well formed."),
            Self::MalformedJson => explain(S::BAD_REQUEST, "malformed_json", "The body is not JSON.", "Send one JSON object in UTF-8."),
            Self::RepeatedParameter => explain(S::BAD_REQUEST, "repeated_parameter", "A parameter is given twice.", "Send each parameter once."),
            Self::UnknownParameter => explain(S::BAD_REQUEST, "unknown_parameter", "There is no such parameter.", "A list that leaves out what was asked for would be taken for the answer: send those that the documentation names."),
            Self::TooManyFields => explain(S::BAD_REQUEST, "too_many_parameters", "There are too many parameters.", "Send those that the documentation names."),
            Self::NotLoggedIn => explain(S::UNAUTHORIZED, "not_logged_in", "You are not logged in.", "Log in first; the session may have ended."),
            Self::InvalidCredentials => explain(S::UNAUTHORIZED, "invalid_credentials", "That did not work.", "The name or the password is wrong, or the address is not confirmed yet: then follow the link in the mail that was sent to it."),
            Self::SecondFactorRequired(_) => explain(S::UNAUTHORIZED, "second_factor_required", "One more step.", "Give a code of your second factor, or a recovery code."),
            Self::WrongCode => explain(S::UNAUTHORIZED, "wrong_code", "The code is wrong.", "Each code works once, and not for long; of several that were sent the newest works. If those of a device are always wrong, check its clock."),
            Self::OtherBrowser => explain(S::CONFLICT, "other_browser", "Another browser asked for this link.", "Open it there; or say that you want to log in here, if it was you who asked."),
            Self::LoginOver => explain(S::UNAUTHORIZED, "login_over", "Please begin again.", "The login took too long, or too many codes were wrong. Begin with your password."),
            Self::ReauthenticationRequired(_) => explain(S::UNAUTHORIZED, "reauthentication_required", "Is it still you?", "Prove who you are once more, then try again; nothing was changed."),
            Self::SecondFactorSetUpRequired => explain(S::FORBIDDEN, "second_factor_setup_required", "You need a second factor.", "One of your groups asks for one: set it up first."),
            Self::SecondFactorNeeded => explain(S::CONFLICT, "second_factor_needed", "You need a second factor.", "One of your groups asks for one: add another before you remove the last."),
            Self::Forbidden => explain(S::FORBIDDEN, "forbidden", "This is not for you.", "Only administrators may do this, or people whom they let."),
            Self::InsufficientScope => explain(S::FORBIDDEN, "insufficient_scope", "The token is not good for this.", "Make one with the scope that the documentation names for it; some things ask for a login."),
            Self::CrossSite => explain(S::FORBIDDEN, "cross_site", "The request came from another site.", "Open this site itself and try again there; nothing was changed. A program beside whose cookie there is no Origin header sends a JSON body, if only {}, or uses a token."),
            Self::TokenInvalid => explain(S::FORBIDDEN, "token_invalid", "This link does not work.", "A newer one was mailed, something else was done meanwhile, or it was not copied whole. Ask for a new one."),
            Self::TokenUsed(_) => explain(S::FORBIDDEN, "token_used", "This is done already.", "The link worked, once, and there is nothing left to do. If it was not you, ask for a link to set a new password."),
            Self::TokenExpired => explain(S::FORBIDDEN, "token_expired", "This link has expired.", "Ask for a new one."),
            Self::WrongPassword => explain(S::FORBIDDEN, "wrong_password", "The password is wrong.", "Type your present password again; nothing was changed."),
            Self::RegistrationClosed => explain(S::FORBIDDEN, "registration_closed", "Registration is closed.", "Ask the people who run this site for an account."),
            Self::InvitationNeeded => explain(S::FORBIDDEN, "invitation_needed", "You need an invitation.", "Ask the people who run this site to invite you."),
            Self::NotFound => explain(S::NOT_FOUND, "not_found", "There is nothing here.", "Check the address."),
            Self::MethodNotAllowed(_) => explain(S::METHOD_NOT_ALLOWED, "method_not_allowed", "This cannot be done here.", "See the header Allow for what can."),
            Self::Timeout => explain(S::REQUEST_TIMEOUT, "timeout", "The request took too long to arrive.", "Send it again."),
            Self::UsernameTaken => explain(S::CONFLICT, "username_taken", "Somebody else has this user name.", "Choose another user name; nothing was changed."),
            Self::LastAdministrator => explain(S::CONFLICT, "last_administrator", "Nobody else administers this site.", "Make somebody else an administrator first; nothing was changed."),
            Self::Refused(RefusalKind::Unknown, _) => explain(S::NOT_FOUND, "not_found", "There is nothing here.", "Check what was named."),
            Self::Refused(RefusalKind::Conflict, _) => explain(S::CONFLICT, "conflict", "Something stands in the way.", "Nothing was changed."),
            Self::Refused(RefusalKind::Invalid, _) => explain(S::UNPROCESSABLE_ENTITY, "refused", "This cannot be done so.", "Nothing was changed."),
            Self::Refused(RefusalKind::NeedsLogin, _) => Self::InsufficientScope.explanation(),
            Self::Refused(RefusalKind::Failed, _) => explain(S::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side.", "The people who run this site find the reason in the log."),
            Self::TooLarge => explain(S::PAYLOAD_TOO_LARGE, "too_large", "The body is too large.", "A body may have 64 KiB."),
            Self::Misdirected => explain(S::MISDIRECTED_REQUEST, "misdirected", "This is not the site you asked for.", "Use the address that the people who run this site have given you. If you run it: see the log for the name that was asked for, and site.url."),
            Self::ExpectationFailed => explain(S::EXPECTATION_FAILED, "expectation_failed", "The request expects what is not offered here.", "Send no Expect, or 100-continue."),
            Self::UnknownCoding => explain(S::NOT_IMPLEMENTED, "unknown_coding", "The body is coded in a way that is not known here.", "Send Transfer-Encoding: chunked, or Content-Length."),
            Self::UnsupportedMediaType => explain(S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body is of the wrong type.", "Send application/json to the API, and forms to pages."),
            Self::Invalid(_) => explain(S::UNPROCESSABLE_ENTITY, "invalid_fields", "Something is not right yet.", "See the fields for what to mend; nothing was changed."),
            Self::PasswordNeeded => explain(S::UNPROCESSABLE_ENTITY, "password_needed", "Your password is needed.", "Give the password that you chose when you registered, or that of the account the address is for: this is not the browser you registered with, and you are not logged in to that account."),
            Self::TooManyAttempts(seconds) => later(*seconds, explain(S::TOO_MANY_REQUESTS, "too_many_attempts", "Too many tries.", "Wait a while before the next one.")),
            Self::Busy => later(5, explain(S::SERVICE_UNAVAILABLE, "busy", "Too many people are logging in at this moment.", "Try again in a few seconds; nothing was changed.")),
            Self::NoRoom => later(2, explain(S::SERVICE_UNAVAILABLE, "busy", "Too much is under way at this moment.", "Try again in a few seconds; nothing was changed.")),
            Self::ClockUnsure => later(60, explain(S::SERVICE_UNAVAILABLE, "clock_unsure", "This machine does not know what time it is.", "Links cannot be used until its clock is right again, which usually takes a few minutes after a power cut. Your link is not used up. Logging in with a password works.")),
            Self::StorageUnavailable => later(10, explain(S::SERVICE_UNAVAILABLE, "storage_unavailable", "Nothing can be saved at the moment.", "Try again a little later; nothing was changed.")),
            Self::OutcomeUnknown => later(10, explain(S::SERVICE_UNAVAILABLE, "outcome_unknown", "It is not certain that this was saved.", "It may have taken effect. Look whether it has, or simply repeat it: repeating is safe.")),
            Self::Internal => explain(S::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side.", "Try again; if it stays so, tell the people who run this site."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

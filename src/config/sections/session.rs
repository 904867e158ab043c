//! `[session]`: how long somebody stays logged in.

use serde::{Deserialize, Serialize};

use crate::base::{DAY, MINUTE};
use crate::config::Span;

/// `[session]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// How long an unused session lives, with "remember me".
    pub idle: Span,
    /// How long a session lives at most, with "remember me".
    pub absolute: Span,
    /// How long a session lives at most that a program carries as a bearer token, refreshed or not; by default as long
    /// as `absolute`, so that shortening that one does not leave these out.
    pub bearer: Option<Span>,
    /// How long a session lives at most without it; its cookie dies with the browser.
    pub browser: Span,
    /// How long an authentication counts as fresh, which sensitive acts require.
    pub fresh: Span,
}

impl Sessions {
    /// Returns how long a session lives at most that is carried as a bearer token.
    #[must_use]
    pub fn bearer_lifetime(&self) -> Span {
        self.bearer.unwrap_or(self.absolute)
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            idle: Span::from_seconds(7 * DAY),
            absolute: Span::from_seconds(30 * DAY),
            bearer: None,
            browser: Span::from_seconds(DAY),
            fresh: Span::from_seconds(15 * MINUTE),
        }
    }
}

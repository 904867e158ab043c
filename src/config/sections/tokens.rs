//! `[tokens]`: how long mailed links work.

use serde::{Deserialize, Serialize};

use crate::base::{DAY, HOUR};
use crate::config::Span;

/// `[tokens]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// How long a registration or a change of address can be confirmed.
    pub confirm_within: Span,
    /// How long a reset link is valid.
    pub reset_within: Span,
    /// Whether the browser that confirms is logged in.
    pub login_after_confirm: bool,
    /// Whether the browser that resets is logged in.
    pub login_after_reset: bool,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            confirm_within: Span::from_seconds(2 * DAY),
            reset_within: Span::from_seconds(HOUR),
            login_after_confirm: false,
            login_after_reset: false,
        }
    }
}

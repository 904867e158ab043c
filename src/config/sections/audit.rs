//! `[audit]`: how long the audit log is kept.

use serde::{Deserialize, Serialize};

use crate::base::DAY;
use crate::config::Span;

/// `[audit]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// How long rows are kept.
    pub keep: Span,
}

impl Default for Audit {
    fn default() -> Self {
        Self { keep: Span::from_seconds(365 * DAY) }
    }
}

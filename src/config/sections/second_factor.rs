//! `[second_factor]`: what is asked for besides the password.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::base::{DAY, GroupName};
use crate::config::Span;

/// `[second_factor]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file")]
pub struct SecondFactors {
    /// The groups whose members must have one.
    pub required_for: Vec<String>,
    /// Whether a code by mail may be one.
    pub mail_codes: bool,
    /// Whether a code by text message may be one.
    pub sms_codes: bool,
    /// Whether the owner is notified of each login with one; with a recovery code in any case.
    pub tell_uses: bool,
    /// Whether a browser may be trusted to need none for a while.
    pub trust_browsers: bool,
    /// How long a browser is trusted.
    pub trust_browser_for: Span,
    /// How long an administrator's reset waits, so that the owner can object; without it, the reset is immediate.
    pub reset_after: Option<Span>,
}

impl SecondFactors {
    /// Whether somebody in these groups must have a second factor.
    #[must_use]
    pub fn is_required_for(&self, groups: &BTreeSet<GroupName>) -> bool {
        groups.iter().any(|group| self.required_for.iter().any(|name| name == group.as_str()))
    }
}

impl Default for SecondFactors {
    fn default() -> Self {
        Self {
            required_for: vec![],
            mail_codes: false,
            sms_codes: false,
            tell_uses: true,
            trust_browsers: true,
            trust_browser_for: Span::from_seconds(30 * DAY),
            reset_after: None,
        }
    }
}

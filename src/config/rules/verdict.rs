//! The outcome of checking rules.

/// A rule that the settings break, and the key that is to blame.
pub(crate) struct BrokenRule {
    pub key: String,
    pub message: String,
    pub hint: String,
}

/// The rules that are broken, in the order in which they are stated.
#[derive(Default)]
pub(super) struct Verdict(pub Vec<BrokenRule>);

impl Verdict {
    /// Notes a rule that does not hold; returns whether it does.
    pub(super) fn require(
        &mut self,
        holds: bool,
        key: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> bool {
        if !holds {
            self.0.push(BrokenRule { key: key.into(), message: message.into(), hint: hint.into() });
        }
        holds
    }
}

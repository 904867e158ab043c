//! The error of parsing names.

/// The text breaks the rule of the name it was to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotAName;

//! What is said of a text that is no name.

/// The text breaks the rule of the name it was to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotAName;

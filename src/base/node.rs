//! Which of several processes writes.

use std::fmt;

/// A process that writes to the store. An embedded store has one, a replicated one several; each has an audit log, a time floor
/// and claims of its own, so that no row is written by every commit of every node.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId(u32);

impl NodeId {
    /// The only node of an embedded store.
    pub const ONE: Self = Self(1);

    /// The node of this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Its number, counted from one.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

//! The waist: what an engine must be able to do, and no more.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// The reason why the store did not do what it was asked. A refusal by a rule of the domain is not among these.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StoreError {
    /// Nothing happened; the same may work later.
    Unavailable,
    /// The commit failed in a way that may have taken effect. Repeating is safe.
    OutcomeUnknown,
    /// A write changes more than the engine can take at once: it has to be cut into steps.
    TooLarge,
    /// A record cannot be understood.
    Damaged(&'static str),
}

impl std::error::Error for StoreError {}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => f.write_str("the store cannot be used at present"),
            Self::OutcomeUnknown => f.write_str("the commit failed; it may have taken effect"),
            Self::TooLarge => f.write_str("too much was to be changed at once"),
            Self::Damaged(what) => write!(f, "the store holds a damaged record: {what}"),
        }
    }
}

/// A range of keys.
#[derive(Clone, Debug)]
pub struct KeySpan {
    /// The lower bound.
    pub from: Bound<Vec<u8>>,
    /// The upper bound.
    pub to: Bound<Vec<u8>>,
}

impl KeySpan {
    /// All keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        while end.pop_if(|last| *last == u8::MAX).is_some() {}
        let to = match end.last_mut() {
            Some(last) => {
                *last += 1;
                Bound::Excluded(end)
            }
            None => Bound::Unbounded,
        };
        Self { from: Bound::Included(prefix.to_vec()), to }
    }

    /// Whether no key can lie in it; ordered maps panic when asked for such a range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (&self.from, &self.to) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
            | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
        }
    }

    /// Returns the two bounds as the ordered maps of the engines take them.
    #[must_use]
    pub fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.from.as_ref().map(Vec::as_slice), self.to.as_ref().map(Vec::as_slice))
    }
}

/// The order in which the pairs of a range are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// Smallest key first.
    Up,
    /// Largest key first.
    Down,
}

/// A consistent view of all records.
pub trait Snapshot {
    /// Returns the value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Returns the pairs within `span`, at most `limit`.
    fn scan(&self, span: &KeySpan, direction: Direction, limit: usize) -> Result<Vec<Pair>, StoreError>;
}

/// A view that can be changed. The changes take effect together, or not at all.
pub trait Transaction: Snapshot {
    /// Sets the value of a key.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    /// Removes a key; an absent one is no error.
    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError>;
}

/// The most that one commit of an engine may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Rows that are put or deleted.
    pub rows: usize,
    /// Bytes of their keys and values.
    pub bytes: usize,
}

impl Limits {
    /// As much as there is memory for.
    pub const NONE: Self = Self { rows: usize::MAX, bytes: usize::MAX };

    /// Whether these changes may be one commit: the present ones and more, and the row of the time floor.
    #[must_use]
    pub fn allow(self, present: &Changes, more: &Changes) -> bool {
        // Not counted where nothing limits them: this is asked of every write.
        if self == Self::NONE {
            return true;
        }
        let size = |changes: &Changes| -> usize {
            changes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum()
        };
        let new = more.keys().filter(|key| !present.contains_key(*key)).count();
        present.len() + new < self.rows && size(present) + size(more) < self.bytes
    }
}

/// The changes of a commit: a value for each key that was put, none for each that was deleted.
pub type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Is told what others have changed, as soon as it can be read here and before anything that depends on it is answered.
pub type Elsewhere = Arc<dyn Fn(&Changes) + Send + Sync>;

/// Whether there is anything to make durable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Commit {
    /// Make the changes durable.
    Yes,
    /// Drop the transaction.
    No,
}

/// Keeps the bytes. An engine that detects conflicts may run a write closure again.
pub trait Engine: Send + Sync {
    /// Returns the most that one commit may hold. The writer keeps to it.
    fn limits(&self) -> Limits {
        Limits::NONE
    }

    /// Reports to `tell` what other nodes change from now on. An engine that nobody else writes to has nothing to report.
    fn watch(&self, tell: Elsewhere) {
        drop(tell);
    }

    /// Runs `work` over a consistent view.
    ///
    /// # Errors
    /// Those of `work`, and the engine's own.
    fn read(&self, work: &mut dyn FnMut(&dyn Snapshot) -> Result<(), StoreError>) -> Result<(), StoreError>;

    /// Runs `work` in a transaction and returns when its changes are durable.
    ///
    /// # Errors
    /// Those of `work`, after which nothing has changed; [`StoreError::OutcomeUnknown`] when the commit failed.
    fn write(&self, work: &mut dyn FnMut(&mut dyn Transaction) -> Result<Commit, StoreError>)
    -> Result<(), StoreError>;
}

//! Changes that are not applied yet, laid over a view. Dropping an overlay undoes one closure and not its neighbours.

use super::{Changes, Direction, KeySpan, Pair, Snapshot, StoreError, Transaction};

/// A transaction over any snapshot, kept in memory.
pub struct Overlay<'a> {
    below: &'a dyn Snapshot,
    changes: Changes,
}

impl<'a> Overlay<'a> {
    /// Starts without changes.
    #[must_use]
    pub fn new(below: &'a dyn Snapshot) -> Self {
        Self { below, changes: Changes::new() }
    }

    /// Lays further changes over the present ones.
    pub fn take(&mut self, changes: Changes) {
        self.changes.extend(changes);
    }

    /// Returns the changes so far.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Returns the changes: a value for each key that was put, none for each that was deleted.
    #[must_use]
    pub fn into_changes(self) -> Changes {
        self.changes
    }
}

impl Snapshot for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.below.get(key),
        }
    }

    fn scan(&self, span: &KeySpan, direction: Direction, limit: usize) -> Result<Vec<Pair>, StoreError> {
        if span.is_empty() {
            return Ok(Vec::new());
        }
        let changes: Vec<_> = self.changes.range::<[u8], _>(span.bounds()).collect();
        // Each change hides at most one pair below, so this many more are enough.
        let below = self.below.scan(span, direction, limit.saturating_add(changes.len()))?;
        // If the view below was cut off, at least `limit` of its pairs are not
        // hidden, so nothing beyond its last pair is needed.
        let mut merged: Changes = below.into_iter().map(|(key, value)| (key, Some(value))).collect();
        merged.extend(changes.into_iter().map(|(key, change)| (key.clone(), change.clone())));
        let present = merged.into_iter().filter_map(|(key, value)| Some((key, value?)));
        Ok(match direction {
            Direction::Up => present.take(limit).collect(),
            Direction::Down => present.rev().take(limit).collect(),
        })
    }
}

impl Transaction for Overlay<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.changes.insert(key.to_vec(), Some(value.to_vec()));
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.changes.insert(key.to_vec(), None);
        Ok(())
    }
}

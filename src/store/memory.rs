//! An engine that keeps everything in memory: for tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock};

use super::{Commit, Direction, Engine, KeySpan, Overlay, Pair, Snapshot, StoreError, Transaction};

/// A sorted map behind a lock. Readers wait while a write is applied, not
/// while it is prepared, as with the real engine.
#[derive(Default)]
pub struct MemoryEngine {
    map: RwLock<Map>,
    /// Held by the writer.
    writing: Mutex<()>,
}

#[derive(Default)]
struct Map(BTreeMap<Vec<u8>, Vec<u8>>);

impl Snapshot for Map {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, span: &KeySpan, direction: Direction, limit: usize) -> Result<Vec<Pair>, StoreError> {
        if span.is_empty() {
            return Ok(Vec::new());
        }
        let pairs = self.0.range::<[u8], _>(span.bounds()).map(|(key, value)| (key.clone(), value.clone()));
        Ok(match direction {
            Direction::Up => pairs.take(limit).collect(),
            Direction::Down => pairs.rev().take(limit).collect(),
        })
    }
}

impl Engine for MemoryEngine {
    fn read(&self, work: &mut dyn FnMut(&dyn Snapshot) -> Result<(), StoreError>) -> Result<(), StoreError> {
        work(&*self.map.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(
        &self,
        work: &mut dyn FnMut(&mut dyn Transaction) -> Result<Commit, StoreError>,
    ) -> Result<(), StoreError> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = {
            let before = self.map.read().unwrap_or_else(PoisonError::into_inner);
            let mut overlay = Overlay::new(&*before);
            if work(&mut overlay)? == Commit::No {
                return Ok(());
            }
            overlay.into_changes()
        };
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        for (key, change) in changes {
            match change {
                Some(value) => map.0.insert(key, value),
                None => map.0.remove(&key),
            };
        }
        Ok(())
    }
}

//! The embedded engine. This is the only file that knows redb.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{
    AccessGuard, Builder, CommitError, Database, DatabaseError, ReadOnlyTable, ReadableDatabase, ReadableTable,
    StorageBackend, StorageError, Table as RedbTable, TableDefinition, TableError,
};

use crate::store::{Commit, Direction, Engine, KeySpan, OpenError, Pair, Snapshot, StoreError, Transaction};

/// redb holds one table of bytes; ours are key ranges in it.
const RECORDS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("gatelodge");

/// Every page of a file up to this size is verified at each start; a larger one only after an unclean stop,
/// by redb itself. Verifying takes about 1.5 ms for 2 MiB.
const ALWAYS_VERIFIED_BYTES: u64 = 64 << 20;

/// redb with one writer, two-phase commits and a small cache.
pub struct RedbEngine(Database);

impl RedbEngine {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When it is damaged, in use, or cannot be read.
    pub fn open(path: &Path, cache_bytes: usize) -> Result<Self, OpenError> {
        let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let mut builder = Builder::new();
        builder.set_cache_size(cache_bytes).set_check_integrity_on_open(bytes <= ALWAYS_VERIFIED_BYTES);
        // redb panics on some kinds of damage; to us every kind is the same.
        let opened = catch_unwind(AssertUnwindSafe(|| builder.create(path)));
        let database = opened.map_err(|_| OpenError::damaged(path))?.map_err(|error| in_our_words(error, path))?;
        Self::prepare(database).map_err(|_| OpenError::damaged(path))
    }

    /// Opens a store over any backend: for tests that make storage fail.
    ///
    /// # Errors
    /// When the backend fails, or holds something else.
    pub fn with_backend(backend: impl StorageBackend, cache_bytes: usize) -> Result<Self, StoreError> {
        let mut builder = Builder::new();
        let database =
            builder.set_cache_size(cache_bytes).create_with_backend(backend).map_err(|_| StoreError::Unavailable)?;
        Self::prepare(database)
    }

    /// Makes the table once, so that reading needs no case for its absence.
    fn prepare(database: Database) -> Result<Self, StoreError> {
        let engine = Self(database);
        let reader = engine.0.begin_read().map_err(unavailable)?;
        if let Err(TableError::TableDoesNotExist(_)) = reader.open_table(RECORDS) {
            drop(reader);
            engine.write(&mut |_| Ok(Commit::Yes))?;
        }
        Ok(engine)
    }
}

fn in_our_words(error: DatabaseError, path: &Path) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse { path: path.into(), holder: "another process".into() },
        DatabaseError::Storage(StorageError::Io(error)) => match error.kind() {
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => OpenError::damaged(path),
            _ => OpenError::Io { path: path.into(), reason: error.to_string() },
        },
        _ => OpenError::damaged(path),
    }
}

fn unavailable(error: impl std::fmt::Display) -> StoreError {
    tracing::error!(%error, "the store failed");
    StoreError::Unavailable
}

impl Engine for RedbEngine {
    fn read(&self, work: &mut dyn FnMut(&dyn Snapshot) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let transaction = self.0.begin_read().map_err(unavailable)?;
        work(&View(transaction.open_table(RECORDS).map_err(unavailable)?))
    }

    fn write(
        &self,
        work: &mut dyn FnMut(&mut dyn Transaction) -> Result<Commit, StoreError>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.0.begin_write().map_err(unavailable)?;
        // One-phase commits were seen to roll an acknowledged commit back when the newest page was damaged.
        transaction.set_two_phase_commit(true);
        let verdict = work(&mut Writing(transaction.open_table(RECORDS).map_err(unavailable)?));
        match verdict {
            Ok(Commit::Yes) => transaction.commit().map_err(|error: CommitError| {
                tracing::error!(%error, "a commit failed; it may have taken effect");
                StoreError::OutcomeUnknown
            }),
            Ok(Commit::No) => transaction.abort().map_err(unavailable),
            Err(error) => transaction.abort().map_err(unavailable).and(Err(error)),
        }
    }
}

/// The entries of redb's ranges.
type Entry<'a> = Result<(AccessGuard<'a, &'static [u8]>, AccessGuard<'a, &'static [u8]>), StorageError>;

struct View(ReadOnlyTable<&'static [u8], &'static [u8]>);
struct Writing<'a>(RedbTable<'a, &'static [u8], &'static [u8]>);

fn get(table: &impl ReadableTable<&'static [u8], &'static [u8]>, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let found = table.get(key).map_err(unavailable)?;
    Ok(found.map(|guard| guard.value().to_vec()))
}

fn scan(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    span: &KeySpan,
    direction: Direction,
    limit: usize,
) -> Result<Vec<Pair>, StoreError> {
    if span.is_empty() {
        return Ok(Vec::new());
    }
    let range = table.range::<&[u8]>(span.bounds()).map_err(unavailable)?;
    let owned = |entry: Entry<'_>| {
        entry.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())).map_err(unavailable)
    };
    match direction {
        Direction::Up => range.take(limit).map(owned).collect(),
        Direction::Down => range.rev().take(limit).map(owned).collect(),
    }
}

impl Snapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        get(&self.0, key)
    }

    fn scan(&self, span: &KeySpan, direction: Direction, limit: usize) -> Result<Vec<Pair>, StoreError> {
        scan(&self.0, span, direction, limit)
    }
}

impl Snapshot for Writing<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        get(&self.0, key)
    }

    fn scan(&self, span: &KeySpan, direction: Direction, limit: usize) -> Result<Vec<Pair>, StoreError> {
        scan(&self.0, span, direction, limit)
    }
}

impl Transaction for Writing<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.0.insert(key, value).map(drop).map_err(unavailable)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.0.remove(key).map(drop).map_err(unavailable)
    }
}

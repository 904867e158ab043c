//! The store: a sorted map of bytes in transactions.
//!
//! Everything above uses [`Snapshot`] and [`Transaction`]; engines stand behind [`Engine`]. Tables are typed views
//! over key ranges, and [`schema`] lists them all.

mod archive;
mod backup_file;
mod batch;
mod beside;
mod embedded;
mod engine;
mod key;
mod key_file;
mod memory;
mod migrate;
mod open;
mod open_error;
mod overlay;
mod prepare;
mod record;
pub mod schema;
mod settle;
mod steps;
mod table;
mod trust;
mod writer;

pub use archive::{Archive, ArchiveError, Records, Scanning, write_archive, write_records};
pub use backup_file::{heading_of, verify_file, write_file};
pub use batch::{Done, WriteFn};
pub use beside::lock_path;
pub use embedded::{
    Ballast, Finish, RebuildError, RebuildTarget, Rebuilt, RedbEngine, StoreLock, open_file, open_file_by,
    prepare_place, rebuild, upgrade_over,
};
pub use engine::{
    Changes, Commit, Direction, Elsewhere, Engine, KeySpan, Limits, Pair, Snapshot, StoreError, Transaction,
};
pub use key_file::{KeyChange, old_key_path, read_key};
pub use memory::MemoryEngine;
pub use migrate::{
    JSON_FLOORS, JsonMeta, about, administrators_told_at, floor, known_format, migrate, node, note_administrators_told,
    raise_floor, renew_generation, replace_key, reset_floor,
};
pub use open::open;
pub use open_error::OpenError;
pub use overlay::Overlay;
pub use prepare::{OpenedStore, open_memory, open_over};
pub use record::{Damaged, Field, Reader, Record};
pub use settle::sync_folder_of;
pub use steps::Migration;
pub use table::{JsonTable, Key, Table, next_after};
pub use trust::{Heading, LogEnd, Trust};
pub use writer::{Event, Reopening, Store};

pub(crate) use record::{record, stored_enum};

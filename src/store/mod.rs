//! The store: a sorted map of bytes in transactions.
//!
//! Everything above speaks [`Snapshot`] and [`Transaction`]; engines stand behind [`Engine`]. Tables are typed
//! views over key ranges, and [`schema`] lists them all.

mod embedded;
mod engine;
mod lock;
mod memory;
mod migrate;
mod open;
mod overlay;
mod record;
pub mod schema;
mod table;
mod writer;

pub use embedded::RedbEngine;
pub use engine::{Commit, Direction, Engine, KeySpan, Pair, Snapshot, StoreError, Transaction};
pub use lock::StoreLock;
pub use memory::MemoryEngine;
pub use migrate::{Migration, floor, migrate, reset_floor};
pub use open::{OpenError, Opened, open_file, open_memory};
pub use overlay::Overlay;
pub use record::{Damaged, Field, Reader, Record};
pub use table::{Key, Table};
pub use writer::{Changes, Event, Store};

pub(crate) use record::record;

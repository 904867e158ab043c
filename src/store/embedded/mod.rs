//! The embedded engine: one file on this machine, with all that a file needs: a lock, a ballast against a full disk, a copy
//! before it is upgraded, and a way to be rebuilt.

mod ballast;
mod engine;
mod lock;
mod open;
mod rebuild;
mod upgrade;

pub use ballast::Ballast;
pub use engine::RedbEngine;
pub use lock::StoreLock;
pub use open::{open_file, open_file_by, upgrade_over};
pub use rebuild::{Finish, RebuildError, RebuildTarget, Rebuilt, prepare_place, rebuild};

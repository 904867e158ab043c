//! The audit log: who did what, when, from where, and what came of it. A row is written in the transaction of the act it
//! tells of, so there is none without the other.
//!
//! Rows are numbered without a gap and chained: each holds a digest of itself and of the row before. The head, which knows
//! the first and the last row, carries a code under the sealing key, so that a cut tail is noticed and none can be forged
//! without the key. No row holds a password, a token, a cookie, or what somebody typed to say who they are.

mod chain;
mod entry;

pub use chain::{Broken, Row, Verified, end, page, record, retain, verify};
pub(crate) use chain::{HEADS, ROWS};
pub use entry::{Act, Actor, Entry, Outcome, Source, Subject};

//! The audit log: who did what, when, from where, and what came of it. A row is written in the transaction of the act
//! it reports, so there is none without the other.
//!
//! Rows are numbered without a gap and chained: each holds a digest of itself and of the row before. The head, which
//! knows the first and the last row, carries a code under the sealing key, so that a cut tail is noticed and none can
//! be forged without the key; a mark in another place says the same, so that a missing head is noticed too. What was
//! found changed from outside is never signed over: it stands in the head from then on. No row holds a password, a
//! token, a cookie, or what somebody typed to say who they are.

mod append;
mod chain;
mod entry;
mod head;
mod rows;
mod subject;

pub use append::reseal;
pub use chain::{Verified, begin, go_on_after, record, retain, verify};
pub use entry::{Act, Actor, Entry, Outcome, Source};
pub use head::{Broken, end, goes_on_from};
pub(crate) use head::{HEADS, MARKS};
pub(crate) use rows::ROWS;
pub use rows::{Chain, Row, page};
pub use subject::{Subject, SubjectKind};

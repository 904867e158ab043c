//! Connections: accepting them, bounding them, draining them.

mod accept;
mod answer;
mod aside;
mod budget;
mod connection;
mod ending;
mod exchange;
mod head;
mod places;
mod plain;
mod polite;
mod protocol;
mod pulse;

pub use accept::serve;
pub use protocol::Protocol;

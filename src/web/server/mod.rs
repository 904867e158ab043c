//! Connections: accepting them, bounding them, draining them.

mod answer;
mod connection;
mod ending;
mod exchange;
mod head;
mod plain;
mod protocol;
mod serve;

pub use protocol::Protocol;
pub use serve::serve;

//! HTTP connections: serving, bounding and ending them.

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

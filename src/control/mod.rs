//! The local socket by which the command line talks to a running server.
//!
//! The server speaks first: a line with the protocol's name and version, and one that says which store it serves. Then
//! follow one request and one response, each a line of JSON.

mod client;
mod served;
mod server;
mod socket;
mod stream;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::admin::Refusal;

pub use client::{CallError, call, call_for_stream};
pub use server::listen;
pub use socket::{BindError, MAX_PATH_BYTES, SocketPlace, bind};

/// The first line on the socket. A client of another version is told to restart the service.
pub const GREETING: &str = "gatelodge-control 5";

/// The response to a command.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Done; with the document that answers the command, see [`crate::admin::answers`]. Read by whoever asked, and once
    /// only: reading each type from a line as well would double what the command line is compiled to.
    Done(Value),
    /// Refused.
    Refused(Refusal),
}

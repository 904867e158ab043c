//! `[metrics]`: what monitoring reads.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::config::addresses::listed_addresses;

/// `[metrics]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Addresses on which `/metrics` is served in clear, to whoever asks; none by default.
    #[serde(deserialize_with = "listed_addresses")]
    pub listen: Vec<SocketAddr>,
}

//! `[listen]`: where connections are accepted.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::addresses::listed_addresses;

/// `[listen]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Addresses for HTTPS.
    #[serde(deserialize_with = "listed_addresses")]
    pub https: Vec<SocketAddr>,
    /// Addresses for plain HTTP: a redirect, or the site itself with `tls.mode = "off"`.
    #[serde(deserialize_with = "listed_addresses")]
    pub http: Vec<SocketAddr>,
    /// The socket by which the command line reaches the running server.
    pub control: PathBuf,
}

impl Default for Listen {
    fn default() -> Self {
        let every_address = |port| vec![SocketAddr::new(IpAddr::from([0u16; 8]), port)];
        Self { https: every_address(443), http: vec![], control: "/run/gatelodge/control.sock".into() }
    }
}

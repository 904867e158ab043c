//! `[proxy]`: whose word about clients is taken.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::config::addresses::listed_networks;

/// `[proxy]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Proxy {
    /// The networks whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "listed_networks")]
    pub trusted: Vec<IpNet>,
}

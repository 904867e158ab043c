//! A request that the doctor sends through whatever stands before the appliance.

use std::net::IpAddr;
use std::sync::Mutex;

/// How the request arrived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// Who was connected.
    pub peer: IpAddr,
    /// Where it comes from, as far as that is believed.
    pub network: IpAddr,
    /// What `X-Forwarded-For` said; several lines are joined.
    pub forwarded: Option<String>,
    /// What `Host` said.
    pub host: String,
}

/// The one request that is waited for.
#[derive(Debug, Default)]
pub(super) struct Probing(pub(super) Mutex<Option<(String, Option<Arrival>)>>);

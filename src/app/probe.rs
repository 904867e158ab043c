//! A request that the doctor sends through whatever stands before the appliance.

use std::net::IpAddr;
use std::sync::Mutex;

/// How a request arrived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// The peer that was connected.
    pub peer: IpAddr,
    /// The address that it comes from, as far as that is believed.
    pub network: IpAddr,
    /// The content of `X-Forwarded-For`; several lines are joined.
    pub forwarded: Option<String>,
    /// The content of `Host`.
    pub host: String,
}

/// The one request that is expected.
#[derive(Debug, Default)]
pub(super) struct Probing(pub(super) Mutex<Option<(String, Option<Arrival>)>>);

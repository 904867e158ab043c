//! A request that the doctor sends through whatever stands before the appliance.

use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;

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

/// What a reverse proxy asked about the request, and what was decided (forward auth).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProxyQuestion {
    /// The proxy.
    pub peer: IpAddr,
    /// The path at which it asked.
    pub endpoint: String,
    /// The URL that it asked about, or why that is not known.
    pub url: Result<String, String>,
    /// What was decided about somebody who is not logged in.
    pub decision: ProxyDecision,
}

/// What was decided about a request that a proxy asked about.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyDecision {
    /// It is let in.
    LetIn,
    /// A login would help.
    NeedsLogin,
    /// It is refused.
    Refused,
}

/// What came of the request.
#[derive(Debug, Default)]
pub struct ProbeResult {
    /// How it arrived.
    pub arrival: Option<Arrival>,
    /// What a proxy asked about it.
    pub question: Option<ProxyQuestion>,
}

/// The one request that is expected.
#[derive(Debug)]
pub(super) struct ExpectedProbe {
    pub(super) word: String,
    pub(super) until: Timestamp,
    pub(super) result: ProbeResult,
}

/// The place of the request that is expected.
#[derive(Debug, Default)]
pub(super) struct Probing {
    /// Whether one is, or was and nobody came for it: what proxies ask is answered without a lock otherwise.
    pub(super) is_expecting: AtomicBool,
    pub(super) expected: Mutex<Option<ExpectedProbe>>,
}

//! The headers that every answer carries.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::config::HostName;

/// Browsers hold `form-action` against where a form leads by redirects as well, so the hosts stand there that a login may lead
/// back to.
fn page_policy(return_hosts: &[HostName]) -> HeaderValue {
    let hosts: Vec<String> = return_hosts.iter().map(|host| format!(" https://{host}")).collect();
    let hosts = hosts.concat();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{hosts}; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("names of hosts are visible ASCII")
}

const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");

/// Room for what an answer has of its own.
const ROOM: usize = 16;
const EVERYWHERE: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // A stricter one makes browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];
/// What was asked for with credentials is kept by no cache, whatever it is.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// One year. Sub-domains are left out: a homelab's may be plain HTTP.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The headers of every answer, put together once: copying them is cheaper than adding them one by one.
pub struct Hardened {
    page: HeaderMap,
    data: HeaderMap,
}

impl Hardened {
    /// For a site that sends HSTS, or does not, and whose logins may lead back to these hosts.
    pub fn new(sends_hsts: bool, return_hosts: &[HostName]) -> Self {
        let with = |policy: HeaderValue| {
            let mut headers = HeaderMap::with_capacity(ROOM);
            headers.extend(EVERYWHERE);
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
            headers.insert(header::CACHE_CONTROL, NO_STORE);
            if sends_hsts {
                headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
            }
            headers
        };
        Self { page: with(page_policy(return_hosts)), data: with(DATA_POLICY) }
    }

    /// The headers of an answer of this kind, with what the answer says of its own. What does not say otherwise is kept by no
    /// cache.
    pub fn around(&self, kind: Option<HeaderValue>, own: HeaderMap) -> HeaderMap {
        let is_page = kind.as_ref().is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let mut all = if is_page { self.page.clone() } else { self.data.clone() };
        if let Some(kind) = kind {
            all.insert(header::CONTENT_TYPE, kind);
        }
        if !own.is_empty() {
            all.extend(own);
        }
        all
    }
}

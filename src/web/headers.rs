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

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

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
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// One year. Sub-domains are left out: a homelab's may be plain HTTP.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What an answer is made of.
pub enum Media {
    /// A page.
    Page,
    /// JSON.
    Json,
    /// Something else, called so.
    Other(&'static str),
    /// There is no body.
    None,
}

/// The headers of every answer, put together once: copying them is cheaper than adding them one by one, and for most answers they
/// are all there are.
pub struct Hardened {
    page: HeaderMap,
    json: HeaderMap,
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
        let (mut page, mut json, data) = (with(page_policy(return_hosts)), with(DATA_POLICY), with(DATA_POLICY));
        page.insert(header::CONTENT_TYPE, HTML);
        json.insert(header::CONTENT_TYPE, JSON);
        Self { page, json, data }
    }

    /// The headers of an answer, with what it says of its own. What does not say otherwise is kept by no cache.
    pub fn around(&self, media: &Media, own: HeaderMap) -> HeaderMap {
        let mut all = match media {
            Media::Page => self.page.clone(),
            Media::Json => self.json.clone(),
            Media::Other(_) | Media::None => self.data.clone(),
        };
        if let Media::Other(name) = media {
            all.insert(header::CONTENT_TYPE, HeaderValue::from_static(name));
        }
        if !own.is_empty() {
            all.extend(own);
        }
        all
    }
}

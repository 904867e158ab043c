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

/// Headers that an answer has room for at first.
const ROOM: usize = 16;
/// A map of the request's that is used again has room for so many at most.
const MAX_SPARE: usize = 4 * ROOM;
const EVERYWHERE: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // A stricter one makes browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];
/// For documents (ASVS 5.0, 3.4.8), and browsers too old for `frame-ancestors`, which data has as well.
const ON_PAGES: [(HeaderName, HeaderValue); 2] = [
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
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

/// The headers of every answer; for most answers they are all there are.
pub struct Hardened {
    page_policy: HeaderValue,
    sends_hsts: bool,
}

impl Hardened {
    /// For a site that sends HSTS, or does not, and whose logins may lead back to these hosts.
    pub fn new(sends_hsts: bool, return_hosts: &[HostName]) -> Self {
        Self { page_policy: page_policy(return_hosts), sends_hsts }
    }

    /// The headers of an answer, with what it says of its own. What does not say otherwise is kept by no cache.
    ///
    /// `spare` is a map that nobody needs any more: that of the request. The connection takes it over for the next one, so a request
    /// allocates none.
    pub fn around(&self, media: &Media, own: HeaderMap, spare: HeaderMap) -> HeaderMap {
        // Nobody who has sent many headers leaves us with the memory for them.
        let mut all = if spare.capacity() > MAX_SPARE { HeaderMap::with_capacity(ROOM) } else { spare };
        all.clear();
        // Constants are written where they are needed; values that are kept would each be asked to clone themselves.
        for (name, value) in EVERYWHERE {
            all.append(name, value);
        }
        all.append(header::CACHE_CONTROL, NO_STORE);
        if self.sends_hsts {
            all.append(header::STRICT_TRANSPORT_SECURITY, HSTS);
        }
        if matches!(media, Media::Page) {
            all.append(header::CONTENT_SECURITY_POLICY, self.page_policy.clone());
            for (name, value) in ON_PAGES {
                all.append(name, value);
            }
        } else {
            all.append(header::CONTENT_SECURITY_POLICY, DATA_POLICY);
        }
        let kind = match media {
            Media::Page => Some(HTML),
            Media::Json => Some(JSON),
            Media::Other(name) => Some(HeaderValue::from_static(name)),
            Media::None => None,
        };
        if let Some(kind) = kind {
            all.append(header::CONTENT_TYPE, kind);
        }
        if !own.is_empty() {
            all.extend(own);
        }
        all
    }
}

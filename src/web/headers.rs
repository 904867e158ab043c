//! The headers that every answer carries.

use http::{HeaderMap, HeaderName, HeaderValue, header};

const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");

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

/// Adds them. What does not say otherwise is kept by no cache.
pub fn harden(headers: &mut HeaderMap, is_page: bool, sends_hsts: bool) {
    for (name, value) in EVERYWHERE {
        headers.insert(name, value);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, if is_page { PAGE_POLICY } else { DATA_POLICY });
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    if sends_hsts {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

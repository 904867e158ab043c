//! Cross-origin access for scripts of front ends (the CORS protocol of the Fetch standard). Only listed origins may use
//! the API: those of the same site with its cookies, all others with tokens alone.

use http::{HeaderMap, HeaderValue, Method, header};

use super::access::{Audience, single};
use super::reply::Response;
use crate::config::SiteUrl;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type");
const EXPOSED: HeaderValue = HeaderValue::from_static("retry-after");
/// Seconds for which browsers may cache the answer to a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// A listed front end whose script sent a request.
pub(super) struct FrontEnd {
    origin: HeaderValue,
    /// Whether the browser says so (`Sec-Fetch-Site`); false where it says nothing.
    is_same_site: bool,
}

impl FrontEnd {
    /// Returns the listed front end whose script sent this request to the API, if one did.
    pub(super) fn of(headers: &HeaderMap, audience: Audience, listed: &[SiteUrl]) -> Option<Self> {
        // Most sites list none, and most requests carry no origin.
        if listed.is_empty() || audience != Audience::Api {
            return None;
        }
        let origin = single(headers, header::ORIGIN)?;
        // The whole origin is compared, scheme and port included; "null", of a sandboxed page, equals none.
        let is_listed = listed.iter().any(|listed| listed.origin() == origin);
        let origin = HeaderValue::try_from(origin).ok().filter(|_| is_listed)?;
        let is_same_site = matches!(single(headers, "sec-fetch-site"), Some("same-site" | "same-origin"));
        Some(Self { origin, is_same_site })
    }

    /// Removes the cookies from a request of another site, so that only a token can identify the caller.
    pub(super) fn restrict(&self, headers: &mut HeaderMap) {
        // Not left to SameSite, which old browsers ignore: a script of another site must never read what a cookie
        // opened.
        if !self.is_same_site {
            headers.remove(header::COOKIE);
        }
    }

    /// Whether the request is a preflight.
    pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
        *method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Lets the script read the answer; the answer to a preflight also says what may be sent.
    pub(super) fn admit(self, response: &mut Response, is_preflight: bool) {
        let headers = response.headers_mut();
        if is_preflight {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
        // The one origin, never `*`: the answer is for the front end that asked, and `Vary: Origin` keeps caches from
        // mixing.
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        if self.is_same_site {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        } else {
            // Other sites work with tokens alone, so their scripts can neither plant nor replace a cookie.
            headers.remove(header::SET_COOKIE);
        }
    }
}

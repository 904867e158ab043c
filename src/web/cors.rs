//! Scripts of front ends on other origins (the CORS protocol of the Fetch standard). Only those that are listed may use the API:
//! those of the same site with its cookies, all others with tokens alone.

use http::{HeaderMap, HeaderValue, Method, header};

use super::access::{Audience, single};
use super::reply::Response;
use crate::config::SiteUrl;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type");
const EXPOSED: HeaderValue = HeaderValue::from_static("retry-after");
/// Seconds for which browsers need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// A listed front end whose script sent a request.
pub struct FrontEnd {
    origin: HeaderValue,
    /// By the browser's word; where it gives none, not.
    is_same_site: bool,
}

impl FrontEnd {
    /// The listed front end that a request to the API comes from, if it does.
    pub fn of(headers: &HeaderMap, audience: Audience, listed: &[SiteUrl]) -> Option<Self> {
        // Most sites have none, and most requests come from none.
        if listed.is_empty() || audience != Audience::Api {
            return None;
        }
        let origin = single(headers, header::ORIGIN)?;
        let is_listed = listed.iter().any(|listed| listed.origin() == origin);
        let origin = HeaderValue::try_from(origin).ok().filter(|_| is_listed)?;
        let is_same_site = matches!(single(headers, "sec-fetch-site"), Some("same-site" | "same-origin"));
        Some(Self { origin, is_same_site })
    }

    /// Takes from a request what a script on this origin has no use of: a cookie that did not come from the same site.
    pub fn restrict(&self, headers: &mut HeaderMap) {
        if !self.is_same_site {
            headers.remove(header::COOKIE);
        }
    }

    /// Whether a browser asks beforehand if a request may be sent.
    pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
        *method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Lets the script read an answer; the one to a preflight says what may be sent.
    pub fn admit(self, response: &mut Response, is_preflight: bool) {
        let headers = response.headers_mut();
        if is_preflight {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        if self.is_same_site {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        } else {
            headers.remove(header::SET_COOKIE);
        }
    }
}

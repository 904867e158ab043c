//! The security headers that every answer carries.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::config::{AccessDomain, HostName};

/// Returns the content security policy of pages. Browsers apply `form-action` to redirects after a form as well, so it
/// lists the hosts to which a login may lead back.
fn page_policy(return_hosts: &[HostName], domains: &[AccessDomain], scripts: &str) -> HeaderValue {
    let mut hosts: Vec<String> = return_hosts.iter().map(|host| format!(" https://{host}")).collect();
    for AccessDomain { cookie, url } in domains {
        if let (Some(cookie), Some(url)) = (cookie, url) {
            let scheme = url.origin().split("://").next().unwrap_or("https");
            hosts.push(format!(" {scheme}://{cookie}:* {scheme}://*.{cookie}:*"));
        }
    }
    let hosts = hosts.concat();
    // Most pages have no script, so none may run; others load ours. Markup that somebody injects stays inert.
    let policy = format!(
        "default-src 'none'; {scripts}style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'{hosts}; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("names of hosts are visible ASCII")
}

/// Data is no document: should a browser show it all the same, it runs nothing and has no origin.
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The number of headers that an answer has room for at first.
const ROOM: usize = 16;
/// The capacity up to which a request's header map is reused.
const MAX_SPARE: usize = 4 * ROOM;
const EVERYWHERE: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // A stricter one makes browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];
/// Headers of documents (ASVS 5.0, 3.4.8), and for browsers too old for `frame-ancestors`, which data has as well.
const ON_PAGES: [(HeaderName, HeaderValue); 2] = [
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// One year. Subdomains are left out: those of a homelab may be plain HTTP.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The media type of an answer.
pub(super) enum Media {
    /// A page.
    Page,
    /// A page that loads our script.
    PageWithScript,
    /// JSON.
    Json,
    /// Another type, by name.
    Other(&'static str),
    /// No body.
    None,
    /// No body, for a reverse proxy: applications add headers of their own.
    Bare,
}

/// The headers of every answer; most answers have no others.
pub(super) struct Hardened {
    page_policy: HeaderValue,
    script_policy: HeaderValue,
    sends_hsts: bool,
}

impl Hardened {
    /// Prepares the headers for a site, by whether it sends HSTS and to which hosts its logins may lead back.
    pub(super) fn new(sends_hsts: bool, return_hosts: &[HostName], domains: &[AccessDomain]) -> Self {
        let policy = |scripts| page_policy(return_hosts, domains, scripts);
        Self { page_policy: policy(""), script_policy: policy("script-src 'self'; "), sends_hsts }
    }

    /// Returns the headers of an answer, its own included. Without a `Cache-Control` of its own, no cache stores it.
    ///
    /// `spare` is a map that is no longer needed: that of the request. The connection reuses it for the next one, so a
    /// request allocates none.
    pub(super) fn around(&self, media: &Media, own: HeaderMap, spare: HeaderMap) -> HeaderMap {
        // A client that sent many headers must not leave their memory with us.
        let mut all = if spare.capacity() > MAX_SPARE { HeaderMap::with_capacity(ROOM) } else { spare };
        all.clear();
        if matches!(media, Media::Bare) {
            all.append(header::CACHE_CONTROL, NO_STORE);
            if !own.is_empty() {
                all.extend(own);
            }
            return all;
        }
        // Constants are built where they are used; stored values would each have to be cloned.
        for (name, value) in EVERYWHERE {
            all.append(name, value);
        }
        all.append(header::CACHE_CONTROL, NO_STORE);
        if self.sends_hsts {
            all.append(header::STRICT_TRANSPORT_SECURITY, HSTS);
        }
        let page_policy = match media {
            Media::Page => Some(&self.page_policy),
            Media::PageWithScript => Some(&self.script_policy),
            Media::Json | Media::Other(_) | Media::None | Media::Bare => None,
        };
        if let Some(policy) = page_policy {
            all.append(header::CONTENT_SECURITY_POLICY, policy.clone());
            for (name, value) in ON_PAGES {
                all.append(name, value);
            }
        } else {
            all.append(header::CONTENT_SECURITY_POLICY, DATA_POLICY);
        }
        let kind = match media {
            Media::Page | Media::PageWithScript => Some(HTML),
            Media::Json => Some(JSON),
            Media::Other(name) => Some(HeaderValue::from_static(name)),
            Media::None | Media::Bare => None,
        };
        if let Some(kind) = kind {
            all.append(header::CONTENT_TYPE, kind);
        }
        // Last, and by replacing: an answer's own header wins over the default.
        if !own.is_empty() {
            all.extend(own);
        }
        all
    }
}

//! The portals of other domains than the first: each has one page of ours, and leads to the site for all others, whose
//! cookies and forms are its own.

use http::request::Parts;
use http::{Method, Uri};

use crate::config::AccessDomain;

use super::failure::Failure;
use super::host;
use super::reply::Reply;
use super::status::Success;

/// What such a portal answers itself.
const ITS_OWN: [&str; 8] =
    ["/door/", "/assets/", "/static/", "/favicon.ico", "/apple-touch-icon.png", "/robots.txt", "/healthz", "/readyz"];

/// Leads a request for the portal of another domain to the site; none for any other request.
pub(super) fn lead_to_site(head: &Parts, uri: &Uri, domains: &[AccessDomain]) -> Option<Result<Reply, Failure>> {
    let (first, others) = domains.split_first()?;
    if others.is_empty() || ITS_OWN.iter().any(|place| uri.path().starts_with(place)) {
        return None;
    }
    let host = host::named(head, uri)?;
    let site = first.url.as_ref()?;
    let is_other = others.iter().filter_map(|domain| domain.url.as_ref()).any(|url| url.host().as_str() == host);
    if !is_other || site.host().as_str() == host {
        return None;
    }
    if !matches!(head.method, Method::GET | Method::HEAD) {
        return Some(Err(Failure::Misdirected));
    }
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    Some(Ok(Reply::redirect(Success::Found, &format!("{}{target}", site.origin()))))
}

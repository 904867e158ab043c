//! What is answered without TLS beside the site: the redirect to it, ACME challenges, and metrics.

use http::request::Parts;

use crate::tls::Challenges;
use crate::web::failure::Failure;
use crate::web::reply::{Reply, Response};
use crate::web::service::Service;
use crate::web::status::Success;
use http::{Method, header};

/// Redirects browsers to the same page over HTTPS. A form or an API request in clear text is refused instead: a client
/// that was redirected would never notice that everybody on the way has read it.
pub(super) fn redirect(service: &Service, challenges: &Challenges, head: &Parts) -> Response {
    // Before anything else: an authority validates over plain HTTP, and by any name (RFC 8555, 8.3).
    if let Some(text) = challenges.text(head.uri.path()).filter(|_| head.method == Method::GET) {
        return Reply::challenge(text).complete(&service.hardened);
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    // The target is our own `site.url` and the path, whatever `Host` said: no open redirect.
    let is_page = matches!(head.method, Method::GET | Method::HEAD) && !path.starts_with("/api/");
    let mut response = if is_page && path.starts_with('/') {
        Reply::redirect(Success::Moved, &service.web.app.env().config.site.url.link(path)).complete(&service.hardened)
    } else {
        service.refuse(&Failure::NotFound, &head.uri)
    };
    // Not over plain HTTP (RFC 6797, 7.2).
    response.headers_mut().remove(header::STRICT_TRANSPORT_SECURITY);
    response
}

/// `GET /metrics`, on a listener of its own, so that the site itself never exposes it.
pub(super) async fn metrics(service: &Service, head: &Parts) -> Response {
    if !matches!(head.method, Method::GET | Method::HEAD) || head.uri.path() != "/metrics" {
        return service.refuse_program(&Failure::NotFound);
    }
    match service.metrics().await {
        Ok(text) => Reply::metrics(text).complete(&service.hardened),
        Err(error) => service.refuse_program(&error.into()),
    }
}

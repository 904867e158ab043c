//! What is answered without TLS beside the site: the way to it, an authority that looks for us, and monitoring.

use http::request::Parts;

use crate::tls::Challenges;
use crate::web::failure::Failure;
use crate::web::reply::{Reply, Response};
use crate::web::service::Service;
use crate::web::status::Success;
use http::{Method, header};

/// Sends people to the same page over HTTPS. A form or an API request that came in clear is refused instead:
/// whatever it held has been seen by everybody on the way.
pub(super) fn redirect(service: &Service, challenges: &Challenges, head: &Parts) -> Response {
    if let Some(text) = challenges.text(head.uri.path()).filter(|_| head.method == Method::GET) {
        return Reply::challenge(text).complete(&service.hardened);
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let is_page = matches!(head.method, Method::GET | Method::HEAD) && !path.starts_with("/api/");
    let mut response = if is_page && path.starts_with('/') {
        Reply::redirect(Success::Moved, &service.web.app.env().config.site.url.link(path)).complete(&service.hardened)
    } else {
        service.refuse(&Failure::NotFound, &head.uri)
    };
    // Not over a connection in clear (RFC 6797, 7.2).
    response.headers_mut().remove(header::STRICT_TRANSPORT_SECURITY);
    response
}

/// `GET /metrics`, on a listener of its own.
pub(super) fn metrics(service: &Service, head: &Parts) -> Response {
    if !matches!(head.method, Method::GET | Method::HEAD) || head.uri.path() != "/metrics" {
        return service.refuse_program(&Failure::NotFound);
    }
    match service.metrics() {
        Ok(text) => Reply::metrics(text).complete(&service.hardened),
        Err(error) => service.refuse_program(&error.into()),
    }
}

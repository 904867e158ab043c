//! Requests between their first part and their answer.

use http::HeaderMap;

use crate::audit::Act;
use crate::crypto::Digest;

use super::access::Audience;
use super::cors::FrontEnd;
use super::failure::Failure;
use super::forward_auth::Endpoint;
use super::reply::Response;
use super::request::{Received, Request};
use super::route::Route;
use super::viewer::Viewer;

/// What completing an answer needs besides the handler's reply.
pub(super) struct Setting {
    pub received: Received,
    pub uri: http::Uri,
    pub audience: Audience,
    /// Who looks at the page, if it is one.
    pub viewer: Viewer,
    /// The route's number in the list; the number behind the last stands for requests to no route.
    pub number: usize,
    /// Whether the request carried credentials.
    pub is_personal: bool,
    /// Whether answers depend on the origin, so that caches must keep them apart.
    pub varies: bool,
    pub front_end: Option<FrontEnd>,
    pub is_preflight: bool,
    /// The session secret that came with a form which replaces it, and the form's act.
    pub posted: Option<(Digest, Act)>,
}

/// A request after its first part.
pub enum Begun {
    /// It is answered; there was nothing to wait for.
    Answered(Response),
    /// The store or its handler has to be waited for.
    Waits(Box<PendingRequest>),
}

/// A request for which something has to be waited for.
pub struct PendingRequest {
    pub(super) setting: Setting,
    pub(super) awaited: Awaited,
}

/// What is waited for.
#[expect(clippy::large_enum_variant, reason = "the whole stands in a box")]
pub(super) enum Awaited {
    /// A handler, or why the request is refused, if that is known already.
    Handler { route: &'static Route, request: Request, refused: Option<Failure> },
    /// The store, for a reverse proxy's question.
    Proxy { endpoint: &'static Endpoint, method: http::Method, headers: HeaderMap },
}

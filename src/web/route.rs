//! What a route is: who may call it, how fresh their proof must be, and what answers.

use std::pin::Pin;

use super::access::{Access, Admission, Audience};
use super::context::Web;
use super::failure::Failure;
use super::forward_auth::Endpoint;
use super::reply::Reply;
use super::request::Request;
use crate::audit::Act;
use crate::sessions::Scope;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send + 'a>>;

/// The function that answers a request.
#[derive(Clone, Copy)]
pub(super) enum Handler {
    /// Answers at once, and waits for nothing.
    Now(fn(&Web, &Request) -> Result<Reply, Failure>),
    /// Answers with a future.
    Later(for<'a> fn(&'a Web, &'a Request) -> Answer<'a>),
    /// Answers a reverse proxy, whatever the method.
    Door(&'static Endpoint),
}

/// One row of the route list.
pub struct Route {
    /// GET stands for HEAD too, and `*` for every method.
    pub method: &'static str,
    /// The path, with `{name}` for one arbitrary segment.
    pub path: &'static str,
    /// The kind of client: decides what a browser may send, and in which form a failure is told.
    pub audience: Audience,
    /// The callers that it admits.
    pub access: Access,
    /// Whether the caller must have proved who they are recently (reauthentication).
    pub fresh: bool,
    /// The scope that an API token needs; without one, no API token is admitted.
    pub scope: Option<Scope>,
    /// The act of a form that gives the session a new secret. Submitted twice, as by a double click, it comes a second
    /// time with the old secret, and the browser shows the second answer.
    pub renews_for: Option<Act>,
    pub(super) handler: Handler,
}

impl Route {
    pub(super) const fn admission(&self) -> Admission {
        Admission { access: self.access, fresh: self.fresh, scope: self.scope }
    }
}

/// Places where an unknown path is answered in the form for programs; elsewhere it is that for browsers.
const OF_PROGRAMS: [&str; 1] = ["/api"];

/// Returns the audience of an answer where no route was found, or none was looked for yet.
pub(super) fn audience_without_route(path: &str) -> Audience {
    let is_below = |place| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if OF_PROGRAMS.into_iter().any(is_below) { Audience::Api } else { Audience::Page }
}

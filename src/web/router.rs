//! From a request to an answer: find the row, check site and access, call, reply.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, header};

use crate::audit::Act;
use crate::config::Config;
use crate::crypto::Digest;

use super::access::Audience;
use super::cors::FrontEnd;
use super::encoded::{percent_decoded, whole_token};
use super::failure::Failure;
use super::reply::{Reply, Response};
use super::request::{Received, Request, client_network, parse_query};
use super::routes::{Handler, ROUTES, Route};
use super::status::Success;
use super::{Web, pages};

/// Finds rows by path, then by method.
pub struct Router(matchit::Router<Vec<(usize, &'static Route)>>);

/// A row of the list, its number there, and what stood in the places of its `{…}`.
pub struct Found {
    number: usize,
    route: &'static Route,
    parameters: Vec<(String, String)>,
}

impl Router {
    pub fn new(routes: &'static [Route]) -> Self {
        let mut by_path: Vec<(&str, Vec<(usize, &'static Route)>)> = Vec::new();
        for row in routes.iter().enumerate() {
            match by_path.iter_mut().find(|(path, _)| *path == row.1.path) {
                Some((_, rows)) => rows.push(row),
                None => by_path.push((row.1.path, vec![row])),
            }
        }
        let mut router = matchit::Router::new();
        for (path, rows) in by_path {
            router.insert(path, rows).expect("the paths of the route list do not contradict each other");
        }
        Self(router)
    }

    fn find(&self, method: &Method, path: &str) -> Result<Found, Failure> {
        let found = self.0.at(path).map_err(|_| Failure::NotFound)?;
        let wanted = if *method == Method::HEAD { "GET" } else { method.as_str() };
        let Some((number, route)) = found.value.iter().find(|(_, route)| route.method == wanted) else {
            let methods: Vec<&str> = found.value.iter().map(|(_, route)| route.method).collect();
            let head = if methods.contains(&"GET") { ", HEAD" } else { "" };
            return Err(Failure::MethodNotAllowed(methods.join(", ") + head));
        };
        // Decoded once, and after the route was found: `%2F` is part of a value, and no escape is another route.
        let parameter = |(name, value): (&str, &str)| {
            let value = percent_decoded(value.as_bytes())?;
            let value = if name == "token" { whole_token(&value).to_owned() } else { value };
            Ok((name.to_owned(), value))
        };
        let parameters = found.params.iter().map(parameter).collect::<Result<_, Failure>>()?;
        Ok(Found { number: *number, route, parameters })
    }
}

impl Router {
    /// The page that somebody means who typed a slash behind it, or capitals: a path of ours, and of nobody else's.
    fn meant_by(&self, path: &str) -> Option<String> {
        let shorter = path.trim_end_matches('/');
        if shorter != path && self.0.at(shorter).is_ok() {
            return Some(shorter.to_owned());
        }
        // Not where a secret is part of the path: it has capitals of its own.
        let smaller = shorter.to_ascii_lowercase();
        (smaller != path && self.0.at(&smaller).is_ok_and(|found| found.params.is_empty())).then_some(smaller)
    }

    /// The page that a path belongs to: itself, or, of a path that forms alone are sent to, the nearest above it.
    fn page_of<'a>(&self, path: &'a str) -> &'a str {
        let mut page = path;
        while self.find(&Method::GET, page).is_err() {
            match page.rsplit_once('/') {
                Some((above, _)) if !above.is_empty() => page = above,
                _ => return path,
            }
        }
        page
    }
}

/// Whom a path speaks to, also when nothing is there.
pub fn audience_of(path: &str) -> Audience {
    if path == "/api" || path.starts_with("/api/") { Audience::Api } else { Audience::Page }
}

/// What a form does that gives the session a new secret. Posted a second time, as by a double click, it comes with the old one, and a
/// browser shows the second answer.
fn second_click(method: &Method, path: &str) -> Option<Act> {
    let path = (*method == Method::POST).then_some(path)?;
    match path.strip_prefix("/account/")? {
        "password" => Some(Act::PasswordChanged),
        "verify" => Some(Act::ProvedAgain),
        "sessions/end-others" => Some(Act::SessionsEnded),
        "second-factor/totp/confirm" | "second-factor/mail" | "second-factor/sms" => Some(Act::FactorAdded),
        other if other.starts_with("second-factor/") && other.ends_with("/remove") => Some(Act::FactorRemoved),
        _ => None,
    }
}

/// What the answer to a request depends on besides what the handler says.
struct Setting {
    received: Received,
    uri: http::Uri,
    audience: Audience,
    /// The row's number in the list; behind the last are those that there is no row for.
    number: usize,
    /// Whether it came with something that says who asks.
    is_personal: bool,
    /// Whether answers to other origins are different ones, which caches must tell apart.
    varies: bool,
    front_end: Option<FrontEnd>,
    is_preflight: bool,
    /// The secret that a form came with which gives the session a new one.
    posted: Option<(Digest, Act)>,
}

/// A request on its way.
pub enum Begun {
    /// There was nothing to wait for.
    Answered(Response),
    /// The handler waits for something.
    Waits(Box<Waiting>),
}

/// A request that was let in, and whose handler has to be waited for.
pub struct Waiting {
    setting: Setting,
    route: &'static Route,
    request: Request,
}

impl Web {
    /// Answers a request that was read whole. `peer` is the other end of the connection.
    pub async fn answer(&self, request: http::Request<Bytes>, peer: IpAddr) -> Response {
        let (head, body) = request.into_parts();
        let begun = {
            let env = self.app.env();
            let network = client_network(peer, &head.headers, &env.config.proxy.trusted);
            self.begin(head, body, Received { at: Instant::now(), peer, network }, &env.config)
        };
        match begun {
            Begun::Answered(response) => response,
            Begun::Waits(waiting) => self.finish(*waiting).await,
        }
    }

    /// Does for a request that was read whole what can be done without waiting.
    pub fn begin(
        &self,
        mut head: http::request::Parts,
        body: Bytes,
        received: Received,
        Config { spa, .. }: &Config,
    ) -> Begun {
        let uri = std::mem::take(&mut head.uri);
        let audience = audience_of(uri.path());
        let is_personal = head.headers.contains_key(header::COOKIE) || head.headers.contains_key(header::AUTHORIZATION);
        let varies = audience == Audience::Api && !spa.origins.is_empty();
        let front_end = FrontEnd::of(&head.headers, audience, &spa.origins);
        if let Some(front_end) = &front_end {
            front_end.restrict(&mut head.headers);
        }
        let posted = second_click(&head.method, uri.path())
            .and_then(|act| self.cookies.session(&head.headers).map(|secret| (secret.digest(), act)));
        let is_preflight = front_end.is_some() && FrontEnd::is_preflight(&head.method, &head.headers);
        let found = self.router.find(&head.method, uri.path());
        let number = found.as_ref().map_or(ROUTES.len(), |found| found.number);
        let prepared =
            found.and_then(|found| self.prepare(found, (head, uri.query()), body, (received, front_end.is_some())));
        let setting = Setting { received, uri, audience, number, is_personal, varies, front_end, is_preflight, posted };
        let (reply, spare) = match prepared {
            _ if is_preflight => (Ok(Reply::no_content()), HeaderMap::new()),
            Err(failure) => (self.meant(&failure, &setting.uri).ok_or(failure), HeaderMap::new()),
            Ok((route, request)) => match route.handler {
                Handler::Later(_) => return Begun::Waits(Box::new(Waiting { setting, route, request })),
                Handler::Now(handler) => {
                    (self.noted(caught(|| handler(self, &request)), route, &request), request.headers)
                }
            },
        };
        Begun::Answered(self.complete(setting, reply, spare))
    }

    /// Waits for the handler, and completes its answer.
    pub async fn finish(&self, Waiting { setting, route, request }: Waiting) -> Response {
        let answered = match route.handler {
            Handler::Later(handler) => CatchPanic(handler(self, &request)).await,
            Handler::Now(handler) => caught(|| handler(self, &request)),
        };
        let reply = self.noted(answered, route, &request);
        self.complete(setting, reply, request.headers)
    }

    fn noted(&self, answered: Result<Reply, Failure>, route: &Route, request: &Request) -> Result<Reply, Failure> {
        if let Err(failure) = &answered {
            self.note_refusal(failure, route, request);
        }
        tracing::debug!(method = route.method, route = route.path, "answered");
        answered
    }

    /// Sends whoever asks for a page that is nearly ours to the one they mean.
    fn meant(&self, failure: &Failure, uri: &http::Uri) -> Option<Reply> {
        let path =
            Some(uri.path()).filter(|_| *failure == Failure::NotFound && self.router.0.at(uri.path()).is_err())?;
        let meant = self.router.meant_by(path).filter(|path| audience_of(path) == Audience::Page)?;
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(Reply::redirect(Success::Moved, &(meant + &query)))
    }

    /// The answer with everything that does not depend on its handler.
    fn complete(&self, setting: Setting, reply: Result<Reply, Failure>, spare: HeaderMap) -> Response {
        let is_refused = reply.as_ref().map_or_else(|failure| *failure == Failure::NotLoggedIn, Reply::is_refusal);
        let reply = match setting.posted {
            Some((secret, act)) if is_refused && self.app.just_renewed_for(secret) == Some(act) => {
                Ok(Reply::see_other(pages::DONE_ALREADY))
            }
            _ => reply,
        };
        let reply = reply.unwrap_or_else(|failure| self.tell(&failure, setting.audience, setting.uri.path()));
        let reply = if setting.is_personal { reply.for_one_person() } else { reply };
        let mut response = reply.complete_with(&self.hardened, spare);
        if setting.varies {
            response.headers_mut().insert(header::VARY, header::ORIGIN.into());
        }
        if let Some(front_end) = setting.front_end {
            front_end.admit(&mut response, setting.is_preflight);
        }
        self.requests.note(setting.number, response.status().as_u16(), setting.received.at.elapsed());
        response
    }

    /// The answer to what cannot be read, so never reached a route.
    pub fn refuse(&self, failure: &Failure, audience: Audience) -> Response {
        let response = self.tell(failure, audience, "/").complete(&self.hardened);
        self.requests.note(ROUTES.len(), response.status().as_u16(), Duration::ZERO);
        response
    }

    fn prepare(
        &self,
        Found { route, parameters, .. }: Found,
        (head, query): (http::request::Parts, Option<&str>),
        body: Bytes,
        (received, is_from_front_end): (Received, bool),
    ) -> Result<(&'static Route, Request), Failure> {
        let mut request = Request {
            peer: received.peer.to_canonical(),
            network: received.network,
            device_cookie: self.cookies.device(),
            trust_cookie: self.cookies.trust(),
            method: head.method,
            query: parse_query(query)?,
            headers: head.headers,
            body,
            parameters,
            is_from_front_end,
            caller: None,
        };
        let let_in = self
            .check_site(&request, audience_of(route.path))
            .and_then(|()| self.let_in(&request.headers, (route.access, route.scope), request.network));
        request.caller = let_in.inspect_err(|failure| self.note_refusal(failure, route, &request))?;
        Ok((route, request))
    }

    /// A failure in the form that its audience reads. Whoever must log in for a page is sent there.
    fn tell(&self, failure: &Failure, audience: Audience, path: &str) -> Reply {
        match (audience, failure) {
            (Audience::Api, failure) => Reply::problem(failure),
            (Audience::Page, Failure::NotLoggedIn) => Reply::see_other(&pages::login_path(self.router.page_of(path))),
            (Audience::Page, Failure::ReauthenticationRequired(_)) => Reply::see_other(&pages::proof_path(path)),
            (Audience::Page, Failure::SecondFactorSetUpRequired) => Reply::see_other(pages::SECOND_FACTOR),
            (Audience::Page, failure) => pages::failure(self, failure),
        }
    }
}

/// A panic in a handler ends one request, not the process.
struct CatchPanic<'a>(Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send + 'a>>);

impl Future for CatchPanic<'_> {
    type Output = Result<Reply, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.0.as_mut();
        caught(|| match future.poll(context) {
            Poll::Ready(answered) => answered.map(Poll::Ready),
            Poll::Pending => Ok(Poll::Pending),
        })
        .map_or_else(|failure| Poll::Ready(Err(failure)), |polled| polled.map(Ok))
    }
}

fn caught<T>(handler: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(handler)).unwrap_or_else(|_| {
        tracing::error!("a handler panicked; the request was answered with 500");
        Err(Failure::Internal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_handler_ends_one_request() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
        let panics = || CatchPanic(Box::pin(async { panic!("a test") }));
        assert_eq!(runtime.block_on(panics()).err(), Some(Failure::Internal));
        assert_eq!(runtime.block_on(panics()).err(), Some(Failure::Internal));
    }
}

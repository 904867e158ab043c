//! Answers requests: finds the route, checks site and access, calls the handler, completes the answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, header};

use crate::app::App;
use crate::audit::Act;
use crate::config::{Config, TlsMode};
use crate::crypto::Digest;
use crate::metrics::{Exposition, SampleKind};
use crate::store::StoreError;
use crate::templates::TemplateError;

use super::access::Audience;
use super::caught::{CatchPanic, caught};
use super::context::Web;
use super::cors::FrontEnd;
use super::failure::Failure;
use super::forward_auth::{Asked, Endpoint};
use super::headers::Hardened;
use super::measured::Requests;
use super::pages;
use super::pending::{Awaited, Begun, PendingRequest, Setting};
use super::portals;
use super::refusals::Refusals;
use super::reply::{Reply, Response};
use super::request::{Received, Request, client_network, parse_query};
use super::route::{Handler, Route, audience_without_route};
use super::router::{Found, Router};
use super::routes::ROUTES;
use super::status::Success;
use super::viewer::Viewer;

/// The state that answering requests needs.
pub struct Service {
    pub(super) web: Web,
    pub(super) hardened: Hardened,
    pub(super) router: Router,
    requests: Requests,
    pub(super) refusals: Refusals,
}

impl Service {
    /// Loads the page templates.
    ///
    /// # Errors
    /// When a page template of the administrator's is not well formed.
    pub fn new(app: Arc<App>) -> Result<Self, TemplateError> {
        let env = Arc::clone(&app.env());
        let config = &env.config;
        let sends_hsts = config.site.url.is_https() && config.tls.mode != TlsMode::SelfSigned;
        Ok(Self {
            web: Web::new(app)?,
            hardened: Hardened::new(sends_hsts, &config.login.return_hosts, &config.access.domains),
            router: Router::new(ROUTES),
            requests: Requests::new(ROUTES),
            refusals: Refusals::default(),
        })
    }

    /// Applies new settings, and reloads the page templates.
    ///
    /// # Errors
    /// When a template of the administrator's is not well formed: then nothing changes.
    pub fn reconfigure(&self, config: Config) -> Result<(), TemplateError> {
        self.web.reconfigure(config)
    }

    /// Returns all metrics in text form.
    pub(super) async fn metrics(&self) -> Result<String, StoreError> {
        let mut text = Exposition::default();
        text.family("build_info", SampleKind::Gauge, "Which version runs.");
        text.sample("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        self.requests.write(&mut text);
        self.refusals.write(&mut text);
        self.web.app.measure(&mut text).await?;
        Ok(text.finish())
    }
}

impl Service {
    /// Answers a request that was read whole. `peer` is the other end of the connection.
    pub async fn answer(&self, request: http::Request<Bytes>, peer: IpAddr) -> Response {
        let (head, body) = request.into_parts();
        let begun = {
            let env = self.web.app.env();
            let network = client_network(peer, &head.headers, &env.config.proxy.trusted);
            self.begin(head, body, Received { at: Instant::now(), peer, network, is_target_whole: true }, &env.config)
        };
        match begun {
            Begun::Answered(response) => response,
            Begun::Waits(waiting) => self.finish(*waiting).await,
        }
    }

    /// Does everything for a request that can be done without waiting.
    pub fn begin(&self, mut head: http::request::Parts, body: Bytes, received: Received, config: &Config) -> Begun {
        let Config { spa, .. } = config;
        let uri = std::mem::take(&mut head.uri);
        let mut found = self.router.find(&head.method, uri.path());
        let mut audience = found.as_ref().map_or_else(|_| self.audience(uri.path()), |found| found.route.audience);
        if let Ok(Found { route: Route { handler: Handler::Door(endpoint), .. }, number, .. }) = found {
            if endpoint.is_served(config) {
                return self.begin_for_proxy(endpoint, (head, uri), received, (config, number));
            }
            (found, audience) = (Err(Failure::NotFound), audience_without_route(uri.path()));
        }
        let to_site = portals::lead_to_site(&head, &uri, &config.access.domains);
        // By the headers and not by the outcome: even a credential that was refused may have changed the answer.
        let is_personal = head.headers.contains_key(header::COOKIE) || head.headers.contains_key(header::AUTHORIZATION);
        let varies = audience == Audience::Api && !spa.origins.is_empty();
        let front_end = FrontEnd::of(&head.headers, audience, &spa.origins);
        // Before anything reads a cookie: neither access nor a handler may see those of another site.
        if let Some(front_end) = &front_end {
            front_end.restrict(&mut head.headers);
        }
        let is_preflight = front_end.is_some() && FrontEnd::is_preflight(&head.method, &head.headers);
        let number = found.as_ref().map_or(ROUTES.len(), |found| found.number);
        let renews_for = found.as_ref().ok().and_then(|found| found.route.renews_for);
        let posted =
            renews_for.and_then(|act| self.web.cookies.session(&head.headers).map(|secret| (secret.digest(), act)));
        let is_from_front_end = front_end.is_some();
        let viewer = self.viewer(audience, &head, &uri);
        let setting =
            Setting { received, uri, audience, viewer, number, is_personal, varies, front_end, is_preflight, posted };
        if is_preflight {
            // Answered before the checks: browsers send a preflight without credentials, and it changes nothing.
            return Begun::Answered(self.complete(setting, Ok(Reply::no_content()), HeaderMap::new()));
        }
        if let Some(reply) = to_site {
            return Begun::Answered(self.complete(setting, reply, HeaderMap::new()));
        }
        let found = match found {
            Ok(found) => found,
            Err(failure) => {
                let reply = self.meant(&failure, &setting.uri).ok_or(failure);
                return Begun::Answered(self.complete(setting, reply, head.headers));
            }
        };
        let seen = (received, is_from_front_end, &setting.viewer);
        let read = self.read(found, (head, setting.uri.query()), body, seen);
        let (route, mut request) = match read {
            Ok(read) => read,
            Err(failure) => return Begun::Answered(self.complete(setting, Err(failure), HeaderMap::new())),
        };
        // CSRF first: a request of another site is refused without looking at whose session it carries.
        let refused = match (self.web.check_site(&request, route.audience), route.handler) {
            (Err(failure), _) => Some(failure),
            (Ok(()), Handler::Now(handler)) => {
                match self.web.let_in_at_once(&request.headers, route.admission(), request.network) {
                    None => None,
                    Some(caller) => {
                        request.caller = caller;
                        match caught(|| handler(&self.web, &request)) {
                            Ok(reply) => {
                                tracing::debug!(method = route.method, route = route.path, "answered");
                                return Begun::Answered(self.complete(setting, Ok(reply), request.headers));
                            }
                            Err(failure) => Some(failure),
                        }
                    }
                }
            }
            (Ok(()), Handler::Later(_) | Handler::Door(_)) => None,
        };
        Begun::Waits(Box::new(PendingRequest { setting, awaited: Awaited::Handler { route, request, refused } }))
    }

    /// Answers a reverse proxy, if the store need not be asked. Neither the site nor the session of this one matters:
    /// what is judged is a request to another.
    fn begin_for_proxy(
        &self,
        endpoint: &'static Endpoint,
        (head, uri): (http::request::Parts, http::Uri),
        received: Received,
        (config, number): (&Config, usize),
    ) -> Begun {
        let asked = Asked { method: &head.method, uri: &uri, headers: &head.headers, received };
        let answered = caught(|| Ok(self.answer_proxy_at_once(endpoint, &asked, config)));
        let setting = Setting {
            received,
            uri,
            audience: Audience::Door,
            viewer: Viewer::default(),
            number,
            is_personal: false,
            varies: false,
            front_end: None,
            is_preflight: false,
            posted: None,
        };
        match answered {
            Ok(None) => {
                let awaited = Awaited::Proxy { endpoint, method: head.method, headers: head.headers };
                Begun::Waits(Box::new(PendingRequest { setting, awaited }))
            }
            Ok(Some(reply)) => Begun::Answered(self.complete(setting, Ok(reply), head.headers)),
            Err(failure) => Begun::Answered(self.complete(setting, Err(failure), head.headers)),
        }
    }

    /// Awaits what an answer waits for, and completes it.
    pub async fn finish(&self, PendingRequest { setting, awaited }: PendingRequest) -> Response {
        match awaited {
            Awaited::Handler { route, request, refused } => {
                self.finish_for_handler(setting, (route, request), refused).await
            }
            Awaited::Proxy { endpoint, method, headers } => {
                let reply = {
                    let asked =
                        Asked { method: &method, uri: &setting.uri, headers: &headers, received: setting.received };
                    CatchPanic(Box::pin(async { Ok(self.answer_proxy(endpoint, &asked).await) })).await
                };
                self.complete(setting, reply, headers)
            }
        }
    }

    /// Lets the caller in, awaits the handler, and completes its answer.
    async fn finish_for_handler(
        &self,
        mut setting: Setting,
        (route, mut request): (&Route, Request),
        refused: Option<Failure>,
    ) -> Response {
        let answered = match refused {
            Some(failure) => Err(failure),
            None => self.handle(route, &mut request).await,
        };
        if let Err(failure) = &answered {
            self.refusals.note(&self.web, failure, route, &request).await;
        }
        tracing::debug!(method = route.method, route = route.path, "answered");
        setting.viewer = std::mem::take(&mut request.viewer);
        let answered = self.forgive_second_click(setting.posted, answered).await;
        self.complete(setting, answered, request.headers)
    }

    async fn handle(&self, route: &Route, request: &mut Request) -> Result<Reply, Failure> {
        // Before anybody is refused, who is told in their language as well.
        if route.audience == Audience::Page
            && let Some(language) = self.web.language_of_owner(&request.headers).await
        {
            request.viewer.language = Some(language);
        }
        request.caller = self.web.let_in(&request.headers, route.admission(), request.network).await?;
        match route.handler {
            Handler::Later(handler) => CatchPanic(handler(&self.web, request)).await,
            Handler::Now(handler) => caught(|| handler(&self.web, request)),
            Handler::Door(_) => Err(Failure::NotFound), // answered before, and never a request of this site
        }
    }

    /// Shows the second of two clicks that the first did what was asked for, and not a lost session. It is told nothing
    /// else, and only to whoever holds the secret that was replaced.
    async fn forgive_second_click(
        &self,
        posted: Option<(Digest, Act)>,
        answered: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        let is_refused = answered.as_ref().map_or_else(|failure| *failure == Failure::NotLoggedIn, Reply::is_refusal);
        match posted {
            Some((secret, act)) if is_refused && self.web.app.just_renewed_for(secret).await == Some(act) => {
                Ok(Reply::see_other(pages::DONE_ALREADY))
            }
            _ => answered,
        }
    }

    /// Redirects a request for nearly one of our pages to the page that was meant.
    fn meant(&self, failure: &Failure, uri: &http::Uri) -> Option<Reply> {
        let path = Some(uri.path()).filter(|_| *failure == Failure::NotFound && !self.router.has(uri.path()))?;
        let meant = self.router.meant_by(path).filter(|path| self.audience(path) == Audience::Page)?;
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(Reply::redirect(Success::Moved, &(meant + &query)))
    }

    /// Adds everything to an answer that does not depend on its handler.
    fn complete(&self, setting: Setting, reply: Result<Reply, Failure>, spare: HeaderMap) -> Response {
        let reply = reply.unwrap_or_else(|failure| {
            self.tell(&failure, (setting.audience, &setting.viewer), Some((setting.uri.path(), &spare)))
        });
        let reply = if setting.is_personal { reply.for_one_person() } else { reply };
        let mut response = reply.complete_with(&self.hardened, spare);
        if setting.varies {
            response.headers_mut().insert(header::VARY, header::ORIGIN.into());
        }
        setting.viewer.label(&mut response);
        if let Some(front_end) = setting.front_end {
            front_end.admit(&mut response, setting.is_preflight);
        }
        self.requests.note(setting.number, response.status().as_u16(), setting.received.at.elapsed());
        response
    }

    /// Refuses a request that never reached a handler, in the form of its path's audience.
    pub fn refuse(&self, failure: &Failure, uri: &http::Uri) -> Response {
        self.refuse_to(failure, self.audience(uri.path()))
    }

    /// As [`Service::refuse`], for listeners that only programs use.
    pub fn refuse_program(&self, failure: &Failure) -> Response {
        self.refuse_to(failure, Audience::Api)
    }

    fn refuse_to(&self, failure: &Failure, audience: Audience) -> Response {
        let response = self.tell(failure, (audience, &Viewer::default()), None).complete(&self.hardened);
        self.requests.note(ROUTES.len(), response.status().as_u16(), Duration::ZERO);
        response
    }

    /// Whether proxies ask at a path, about requests to other hosts.
    pub(super) fn is_asked_by_proxies(&self, path: &str) -> bool {
        self.router.audience(path) == Some(Audience::Door)
    }

    /// Returns the audience of a path, whatever the method.
    fn audience(&self, path: &str) -> Audience {
        self.router.audience(path).unwrap_or_else(|| audience_without_route(path))
    }

    /// Reads what handlers are given.
    fn read(
        &self,
        Found { route, parameters, .. }: Found,
        (head, query): (http::request::Parts, Option<&str>),
        body: Bytes,
        (received, is_from_front_end, viewer): (Received, bool, &Viewer),
    ) -> Result<(&'static Route, Request), Failure> {
        let request = Request {
            peer: received.peer.to_canonical(),
            network: received.network,
            device_cookie: self.web.cookies.device(),
            trust_cookie: self.web.cookies.trust(),
            method: head.method,
            query: parse_query(query)?,
            headers: head.headers,
            body,
            parameters,
            is_from_front_end,
            viewer: viewer.clone(),
            caller: None,
        };
        Ok((route, request))
    }
}

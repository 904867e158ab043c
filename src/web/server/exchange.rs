//! One request and its answer, with a limit on everything that they may take.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Version, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::super::failure::Failure;
use super::super::host;
use super::super::pending::{Begun, PendingRequest};
use super::super::reply::{IsShared, Response};
use super::super::request::{Received, client_network};
use super::super::service::Service;
use super::answer::{Answer, CHUNK_BYTES};
use super::head::Head;
use super::plain;
use crate::config::Config;
use crate::net::{Budget, Pulse, Room, Share, UnderWay};
use crate::tls::Challenges;

/// The time for a body to arrive.
const BODY: Duration = Duration::from_secs(15);
/// The time for a whole request, waiting for a password hash included.
const REQUEST: Duration = Duration::from_mins(1);
const MAX_BODY_BYTES: usize = 64 * 1024;
/// The bytes counted for a header besides its name and value.
const HEADER_BYTES: usize = 128;
/// The bytes counted for a request besides its head and body, an answer of the usual size included: so a request that
/// was let in and has changed something is not left without room for its answer.
const REQUEST_BYTES: usize = 8 * 1024;
/// The bytes counted for an answer besides its body.
const ANSWER_BYTES: usize = 1024;
/// The least by which the buffer of a body grows.
const STEP_BYTES: usize = 1024;

/// What is served on a connection.
pub(super) enum Serves {
    Site,
    Redirect(Arc<Challenges>),
    Metrics,
}

/// The context that the requests of one connection share.
pub(super) struct Desk {
    pub service: Arc<Service>,
    pub serves: Serves,
    pub peer: IpAddr,
    /// The local port that took the connection.
    pub listener: u16,
    /// The watcher of raw heads, on HTTP/1.
    pub head: Option<Arc<Head>>,
    pub pulse: Arc<Pulse>,
    pub budget: Arc<Budget>,
    /// The share of the client's network; `None` behind a proxy, where it is looked up for each request.
    pub share: Option<Arc<Share>>,
}

/// An answer: ready at once, or to be waited for.
pub(super) enum Answering {
    /// Ready; taken by the first poll.
    There(Option<http::Response<Answer>>),
    /// Boxed, because hyper moves what it is given several times.
    Waits(Pin<Box<dyn Future<Output = http::Response<Answer>> + Send>>),
}

impl Future for Answering {
    type Output = Result<http::Response<Answer>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::There(answer) => Poll::Ready(Ok(answer.take().expect("nobody polls a future that is done"))),
            Self::Waits(answer) => answer.as_mut().poll(context).map(Ok),
        }
    }
}

/// One request, from its head until its answer is ready.
struct Exchange {
    desk: Arc<Desk>,
    under_way: UnderWay,
    received: Received,
    /// The bytes that it takes, without its answer.
    bytes: usize,
    room: Option<Room>,
    /// The target, by which a refusal takes the form for a browser or a program.
    uri: http::Uri,
    is_http_1: bool,
    is_safe: bool,
    is_head: bool,
}

/// What remains to be waited for.
enum Left {
    Metrics(Parts),
    Body(Parts, Incoming),
    Handler(Box<PendingRequest>),
}

impl Desk {
    /// Answers a request. One that waits for nothing, as most about sessions, is answered on the spot: no box, no
    /// timer, and no room, because there are never more of them at a time than threads.
    pub(super) fn serve(self: &Arc<Self>, request: http::Request<Incoming>) -> Answering {
        let (head, body) = request.into_parts();
        let env = self.service.web.app.env();
        let network = client_network(self.peer, &head.headers, &env.config.proxy.trusted);
        let exchange = Exchange {
            under_way: self.pulse.begin(body.is_end_stream()),
            received: Received {
                at: Instant::now(),
                peer: self.peer,
                network,
                is_target_whole: self.head.as_ref().is_some_and(|head| head.was_seen()),
            },
            bytes: bytes_of(&head),
            room: None,
            uri: head.uri.clone(),
            is_http_1: head.version != Version::HTTP_2,
            is_safe: matches!(head.method, Method::GET | Method::HEAD),
            is_head: head.method == Method::HEAD,
            desk: Arc::clone(self),
        };
        match self.refuses(&head, &body, &env.config) {
            Some(failure) => exchange.refuse(&failure),
            None => exchange.begin(head, body, &env.config),
        }
    }
}

fn bytes_of(head: &Parts) -> usize {
    let fields = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + HEADER_BYTES);
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    REQUEST_BYTES + target + fields.sum::<usize>()
}

impl Exchange {
    fn begin(self, head: Parts, body: Incoming, config: &Config) -> Answering {
        let service = &self.desk.service;
        let response = match &self.desk.serves {
            Serves::Redirect(challenges) => plain::redirect(service, challenges, &head),
            Serves::Metrics => return self.wait(Left::Metrics(head)),
            Serves::Site if !body.is_end_stream() => return self.wait(Left::Body(head, body)),
            Serves::Site => match service.begin(head, Bytes::new(), self.received, config) {
                Begun::Answered(response) => response,
                Begun::Waits(waiting) => return self.wait(Left::Handler(waiting)),
            },
        };
        Answering::There(Some(self.end(response)))
    }

    /// Refuses before the body is read, and closes: unread bytes of a body could be taken for the next request.
    fn refuse(self, failure: &Failure) -> Answering {
        let response = closing(self.desk.service.refuse(failure, &self.uri), self.is_http_1);
        Answering::There(Some(self.end(response)))
    }

    /// Takes room for so many bytes, until the answer has left. Returns false if there is none.
    fn take_room(&mut self, bytes: usize) -> bool {
        if let Some(room) = &mut self.room {
            return room.resize(bytes);
        }
        self.room = match &self.desk.share {
            Some(share) => share.room(bytes),
            None => self.desk.budget.share(self.received.network).room(bytes),
        };
        self.room.is_some()
    }

    /// Runs the rest in a future, within the time limit of all requests.
    fn wait(mut self, left: Left) -> Answering {
        if !self.take_room(self.bytes) {
            let response = self.desk.service.refuse(&Failure::NoRoom, &self.uri);
            return Answering::There(Some(self.end(response)));
        }
        Answering::Waits(Box::pin(async move {
            let answered = timeout(REQUEST, self.answer(left)).await;
            // Not "timeout": the handler may have committed already, so the honest answer is that the outcome is
            // unknown.
            let late = |_| self.desk.service.refuse(&Failure::OutcomeUnknown, &self.uri);
            let response = answered.unwrap_or_else(late);
            self.end(response)
        }))
    }

    async fn answer(&mut self, left: Left) -> Response {
        let service = &self.desk.service;
        match left {
            Left::Metrics(head) => plain::metrics(service, &head).await,
            Left::Handler(waiting) => service.finish(*waiting).await,
            Left::Body(head, body) => match read_body(body, self.room.as_mut()).await {
                Ok(body) => {
                    self.under_way.works();
                    let received = Received { at: Instant::now(), ..self.received };
                    let begun = service.begin(head, body, received, &service.web.app.env().config);
                    match begun {
                        Begun::Answered(response) => response,
                        Begun::Waits(waiting) => service.finish(*waiting).await,
                    }
                }
                // The rest of the body could be taken for the next request, so the connection ends, and says so.
                Err(failure) => closing(service.refuse(&failure, &self.uri), self.is_http_1),
            },
        }
    }

    /// Turns a response into an answer; from here on the client is waited for.
    fn end(mut self, response: Response) -> http::Response<Answer> {
        if let Some(head) = &self.desk.head {
            head.begin_anew();
        }
        let (mut head, mut bytes) = response.into_parts();
        if self.is_head {
            without_body(&mut head, &mut bytes);
        }
        let length = if head.extensions.get::<IsShared>().is_some() { 0 } else { bytes.len() };
        // Over HTTP/1 a small answer goes into the connection's buffer at once; over HTTP/2 it may have to wait.
        let is_gone = self.is_http_1 && self.room.is_none() && bytes.len() <= CHUNK_BYTES;
        if is_gone {
            // Nothing was waited for, so the time of arrival is also the time of departure, and the clock is not read
            // again.
            self.under_way.ends(self.received.at.into());
            return http::Response::from_parts(head, Answer::gone(bytes));
        }
        self.under_way.is_ready();
        if self.take_room(ANSWER_BYTES + length) {
            return http::Response::from_parts(head, Answer::new(bytes, self.room, self.under_way));
        }
        // Room is short for the answer only: what was asked for may have been done, so a change is told as uncertain,
        // not as refused.
        let failure = if self.is_safe { Failure::NoRoom } else { Failure::OutcomeUnknown };
        let (head, bytes) = self.desk.service.refuse(&failure, &self.uri).into_parts();
        http::Response::from_parts(head, Answer::new(bytes, self.room, self.under_way))
    }
}

impl Desk {
    /// Returns why a request is refused by its head, before any of its body is read.
    fn refuses(&self, head: &Parts, body: &Incoming, config: &Config) -> Option<Failure> {
        let has_length = || self.head.as_ref().is_some_and(|head| head.has_length());
        if self.head.as_ref().is_some_and(|head| head.has_fragment()) {
            return Some(Failure::MalformedRequest);
        }
        // A chunked request always has a body here, even an empty one; hyper refuses every other coding.
        check_expectation(&head.headers)
            .and_then(|()| if body.is_end_stream() { Ok(()) } else { check_framing(&head.headers, has_length()) })
            .and_then(|()| {
                // Before `100 Continue` is sent: no client is invited to send what is too large (RFC 9110, 10.1.1).
                if body.size_hint().lower() > MAX_BODY_BYTES as u64 { Err(Failure::TooLarge) } else { Ok(()) }
            })
            .and_then(|()| self.check_host(head, config))
            .err()
    }

    fn check_host(&self, head: &Parts, config: &Config) -> Result<(), Failure> {
        let asked = host::Asked {
            site: &config.site.url,
            certified: &config.tls.acme.hosts,
            domains: &config.access.domains,
            listener: self.listener,
            is_through_proxy: self.share.is_none(),
        };
        match self.serves {
            // HAProxy puts its backend's address there, and Envoy the application's host.
            Serves::Site if self.service.is_asked_by_proxies(head.uri.path()) => host::check_form(head),
            Serves::Site => host::check(head, &asked).inspect_err(|failure| {
                if *failure == Failure::Misdirected {
                    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
                    let target = head.uri.authority().map(http::uri::Authority::as_str);
                    self.service.refusals.note_foreign_host(
                        &self.service.web,
                        host.or(target).unwrap_or_default(),
                        self.peer,
                    );
                }
            }),
            // The redirect leads to the site whatever host was typed, and an authority asks for any name of the
            // certificate. Monitoring uses whatever name it knows this machine by, and reads counters only.
            Serves::Redirect(_) | Serves::Metrics => host::check_form(head),
        }
    }
}

/// Refuses framing that a proxy in front could read differently (request smuggling; RFC 9112, 6.1 and 6.3): an unknown
/// coding with 501, and a length beside a coding with 400. hyper has refused what does not end in `chunked`.
fn check_framing(headers: &HeaderMap, has_length: bool) -> Result<(), Failure> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return Ok(()) };
    if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") || codings.next().is_some() {
        return Err(Failure::UnknownCoding);
    }
    if has_length { Err(Failure::MalformedRequest) } else { Ok(()) }
}

/// Refuses any expectation but `100-continue` (RFC 9110, 10.1.1).
fn check_expectation(headers: &HeaderMap) -> Result<(), Failure> {
    let is_known = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if headers.get_all(header::EXPECT).iter().all(is_known) { Ok(()) } else { Err(Failure::ExpectationFailed) }
}

/// Marks the last answer on an HTTP/1 connection.
fn closing(mut response: Response, is_http_1: bool) -> Response {
    if is_http_1 {
        response.headers_mut().insert(header::CONNECTION, http::HeaderValue::from_static("close"));
    }
    response
}

/// Turns an answer to GET into one to HEAD (RFC 9110, 9.3.2). hyper drops the body by itself in HTTP/1 only.
fn without_body(head: &mut http::response::Parts, bytes: &mut Bytes) {
    head.headers.insert(header::CONTENT_LENGTH, std::mem::take(bytes).len().into());
}

async fn read_body(body: Incoming, room: Option<&mut Room>) -> Result<Bytes, Failure> {
    let room = room.ok_or(Failure::NoRoom)?;
    timeout(BODY, collect(body, room)).await.unwrap_or(Err(Failure::Timeout))
}

/// Reads a body into memory, up to the limit, and as far as there is room.
async fn collect(mut body: Incoming, room: &mut Room) -> Result<Bytes, Failure> {
    let mut collected = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::MalformedRequest)?;
        let Some(data) = frame.data_ref() else { continue };
        // Counted as it arrives: a chunked body announces no length.
        let length = collected.len() + data.len();
        if length > MAX_BODY_BYTES {
            return Err(Failure::TooLarge);
        }
        make_room(&mut collected, length, room)?;
        collected.extend_from_slice(data);
    }
    Ok(collected.into())
}

/// Grows the buffer to `length` bytes at least, and counts them. It doubles each time, so that bytes which arrive one
/// by one are not copied again and again.
fn make_room(collected: &mut Vec<u8>, length: usize, room: &mut Room) -> Result<(), Failure> {
    let capacity = collected.capacity();
    if length <= capacity {
        return Ok(());
    }
    let wanted = length.max(capacity * 2).clamp(STEP_BYTES, MAX_BODY_BYTES);
    // Paid for before it is allocated.
    if !room.resize(room.bytes() + wanted - capacity) {
        return Err(Failure::NoRoom);
    }
    collected.reserve_exact(wanted - collected.len());
    Ok(())
}

//! One request and its answer, with a limit on everything they may take.

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
use super::super::reply::{IsShared, Response};
use super::super::request::{Received, client_network};
use super::super::service::{Begun, Service, Waiting};
use super::answer::{Answer, CHUNK_BYTES};
use super::head::Head;
use super::plain;
use crate::config::Config;
use crate::net::{Budget, Pulse, Room, Share, UnderWay};
use crate::tls::Challenges;

/// How long a body may take.
const BODY: Duration = Duration::from_secs(15);
/// How long a whole request may take, waiting for a hash included.
const REQUEST: Duration = Duration::from_mins(1);
const MAX_BODY_BYTES: usize = 64 * 1024;
/// What a header takes besides its name and its value.
const HEADER_BYTES: usize = 128;
/// What a request takes besides its head and its body, an answer of the usual size included: so nobody who has been let in has
/// done something and finds no room to be told.
const REQUEST_BYTES: usize = 8 * 1024;
/// What an answer takes besides its body.
const ANSWER_BYTES: usize = 1024;
/// The least that is added to the buffer of a body.
const STEP_BYTES: usize = 1024;

/// What there is on a connection.
pub enum Serves {
    Site,
    Redirect(Arc<Challenges>),
    Metrics,
}

/// What the requests of one connection have in common.
pub struct Desk {
    pub service: Arc<Service>,
    pub serves: Serves,
    pub peer: IpAddr,
    /// The port that took the connection.
    pub listener: u16,
    /// What came over HTTP/1.
    pub head: Option<Arc<Head>>,
    pub pulse: Arc<Pulse>,
    pub budget: Arc<Budget>,
    /// What the client's network holds of it; nothing where a proxy speaks for many.
    pub share: Option<Arc<Share>>,
}

/// An answer: there at once, or waited for.
pub enum Answering {
    /// Taken when it is polled.
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
    /// What it takes, its answer left out.
    bytes: usize,
    room: Option<Room>,
    /// For the form of a refusal.
    uri: http::Uri,
    is_http_1: bool,
    is_safe: bool,
    is_head: bool,
}

/// What is waited for until a request is answered.
#[expect(clippy::large_enum_variant, reason = "it is moved once, into a box")]
enum Left {
    Body(Parts, Incoming),
    Handler(Box<Waiting>),
}

impl Desk {
    /// Answers a request. What waits for nothing, as most of those about sessions, is answered on the spot: no box, no timer, and
    /// no room, because there are no more of them at a time than threads.
    pub fn serve(self: &Arc<Self>, request: http::Request<Incoming>) -> Answering {
        let (head, body) = request.into_parts();
        let env = self.service.web.app.env();
        let network = client_network(self.peer, &head.headers, &env.config.proxy.trusted);
        let exchange = Exchange {
            under_way: self.pulse.begin(body.is_end_stream()),
            received: Received { at: Instant::now(), peer: self.peer, network },
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
            Serves::Metrics => plain::metrics(service, &head),
            Serves::Site if !body.is_end_stream() => return self.wait(Left::Body(head, body)),
            Serves::Site => match service.begin(head, Bytes::new(), self.received, config) {
                Begun::Answered(response) => response,
                Begun::Waits(waiting) => return self.wait(Left::Handler(waiting)),
            },
        };
        Answering::There(Some(self.end(response)))
    }

    /// Whatever follows on the connection cannot be told from what we have not read.
    fn refuse(self, failure: &Failure) -> Answering {
        let response = closing(self.desk.service.refuse(failure, &self.uri), self.is_http_1);
        Answering::There(Some(self.end(response)))
    }

    /// Has room for so many bytes, from here until the answer has left. False if there is none.
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

    /// Waits for what is left to wait for, within the limit of all requests.
    fn wait(mut self, left: Left) -> Answering {
        if !self.take_room(self.bytes) {
            let response = self.desk.service.refuse(&Failure::NoRoom, &self.uri);
            return Answering::There(Some(self.end(response)));
        }
        Answering::Waits(Box::pin(async move {
            let answered = timeout(REQUEST, self.answer(left)).await;
            let late = |_| self.desk.service.refuse(&Failure::OutcomeUnknown, &self.uri);
            let response = answered.unwrap_or_else(late);
            self.end(response)
        }))
    }

    async fn answer(&mut self, left: Left) -> Response {
        let service = &self.desk.service;
        match left {
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
                // What is left of it cannot be told from a next request, so the connection ends, and says so.
                Err(failure) => closing(service.refuse(&failure, &self.uri), self.is_http_1),
            },
        }
    }

    /// The answer is ready: from here on the client is waited for.
    fn end(mut self, response: Response) -> http::Response<Answer> {
        if let Some(head) = &self.desk.head {
            head.begin_anew();
        }
        let (mut head, mut bytes) = response.into_parts();
        if self.is_head {
            without_body(&mut head, &mut bytes);
        }
        let length = if head.extensions.get::<IsShared>().is_some() { 0 } else { bytes.len() };
        // Over HTTP/1 a small one is in the connection's buffer before anything else happens; over HTTP/2 it may have to wait.
        let is_gone = self.is_http_1 && self.room.is_none() && bytes.len() <= CHUNK_BYTES;
        if is_gone {
            // Since it came, nothing was waited for.
            self.under_way.ends(self.received.at.into());
            return http::Response::from_parts(head, Answer::gone(bytes));
        }
        self.under_way.is_ready();
        if self.take_room(ANSWER_BYTES + length) {
            return http::Response::from_parts(head, Answer::new(bytes, self.room, self.under_way));
        }
        // It may have been done; there is only no room to tell.
        let failure = if self.is_safe { Failure::NoRoom } else { Failure::OutcomeUnknown };
        let (head, bytes) = self.desk.service.refuse(&failure, &self.uri).into_parts();
        http::Response::from_parts(head, Answer::new(bytes, self.room, self.under_way))
    }
}

impl Desk {
    /// Why a request is refused by what its head says, before anything of its body was read.
    fn refuses(&self, head: &Parts, body: &Incoming, config: &Config) -> Option<Failure> {
        let has_length = || self.head.as_ref().is_some_and(|head| head.has_length());
        // What is chunked has a body; every other coding hyper refuses.
        check_expectation(&head.headers)
            .and_then(|()| if body.is_end_stream() { Ok(()) } else { check_framing(&head.headers, has_length()) })
            .and_then(|()| {
                // Asked before the client sends it: nobody is told to go on (RFC 9110, 10.1.1) with what is too much.
                if body.size_hint().lower() > MAX_BODY_BYTES as u64 { Err(Failure::TooLarge) } else { Ok(()) }
            })
            .and_then(|()| self.check_host(head, config))
            .err()
    }

    fn check_host(&self, head: &Parts, config: &Config) -> Result<(), Failure> {
        let asked = host::Asked {
            site: &config.site.url,
            certified: &config.tls.acme.hosts,
            listener: self.listener,
            is_through_proxy: self.share.is_none(),
        };
        match self.serves {
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
            // Everybody is sent to the site, whatever they have typed, and an authority asks for any name of the certificate;
            // monitoring asks by whatever name it knows this machine by, and counters are all there is.
            Serves::Redirect(_) | Serves::Metrics => host::check_form(head),
        }
    }
}

/// RFC 9112, 6.1 and 6.3: a coding that we do not know is a 501, a length beside one an attempt to hide a request behind another.
/// hyper has refused what does not end in `chunked`.
fn check_framing(headers: &HeaderMap, has_length: bool) -> Result<(), Failure> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return Ok(()) };
    if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") || codings.next().is_some() {
        return Err(Failure::UnknownCoding);
    }
    if has_length { Err(Failure::MalformedRequest) } else { Ok(()) }
}

/// RFC 9110, 10.1.1.
fn check_expectation(headers: &HeaderMap) -> Result<(), Failure> {
    let is_known = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if headers.get_all(header::EXPECT).iter().all(is_known) { Ok(()) } else { Err(Failure::ExpectationFailed) }
}

/// The last answer on a connection over HTTP/1.
fn closing(mut response: Response, is_http_1: bool) -> Response {
    if is_http_1 {
        response.headers_mut().insert(header::CONNECTION, http::HeaderValue::from_static("close"));
    }
    response
}

/// The answer to HEAD: as to GET, but for the body (RFC 9110, 9.3.2). hyper leaves one out in HTTP/1 only.
fn without_body(head: &mut http::response::Parts, bytes: &mut Bytes) {
    head.headers.insert(header::CONTENT_LENGTH, std::mem::take(bytes).len().into());
}

async fn read_body(body: Incoming, room: Option<&mut Room>) -> Result<Bytes, Failure> {
    let room = room.ok_or(Failure::NoRoom)?;
    timeout(BODY, collect(body, room)).await.unwrap_or(Err(Failure::Timeout))
}

/// Reads a body into memory, up to the limit, as far as there is room.
async fn collect(mut body: Incoming, room: &mut Room) -> Result<Bytes, Failure> {
    let mut collected = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::MalformedRequest)?;
        let Some(data) = frame.data_ref() else { continue };
        let length = collected.len() + data.len();
        if length > MAX_BODY_BYTES {
            return Err(Failure::TooLarge);
        }
        make_room(&mut collected, length, room)?;
        collected.extend_from_slice(data);
    }
    Ok(collected.into())
}

/// Has the buffer grow to `length` bytes at least, and counts what it takes. It doubles each time, so that bytes which come one
/// by one are not copied again and again.
fn make_room(collected: &mut Vec<u8>, length: usize, room: &mut Room) -> Result<(), Failure> {
    let capacity = collected.capacity();
    if length <= capacity {
        return Ok(());
    }
    let wanted = length.max(capacity * 2).clamp(STEP_BYTES, MAX_BODY_BYTES);
    if !room.resize(room.bytes() + wanted - capacity) {
        return Err(Failure::NoRoom);
    }
    collected.reserve_exact(wanted - collected.len());
    Ok(())
}

//! One request and its answer, with a limit on everything they may take.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Version, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::super::failure::Failure;
use super::super::reply::{IsShared, Reply, Response};
use super::super::request::client_network;
use super::super::status::Success;
use super::Web;
use super::answer::Answer;
use super::budget::{Budget, Room};
use super::pulse::{Pulse, UnderWay};
use crate::tls::Challenges;

/// How long a body may take.
const BODY: Duration = Duration::from_secs(15);
/// How long a whole request may take, waiting for a hash included.
const REQUEST: Duration = Duration::from_mins(1);
const MAX_BODY_BYTES: usize = 64 * 1024;
const MAX_DROPPED_BYTES: usize = 2 * 1024 * 1024;
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
#[derive(Clone)]
pub enum Serves {
    Site,
    Redirect(Arc<Challenges>),
    Metrics,
}

/// What the requests of one connection have in common.
#[derive(Clone)]
pub struct Desk {
    pub web: Arc<Web>,
    pub serves: Serves,
    pub peer: IpAddr,
    pub pulse: Arc<Pulse>,
    pub budget: Arc<Budget>,
}

impl Desk {
    /// Answers a request.
    pub async fn serve(self, request: http::Request<Incoming>) -> http::Response<Answer> {
        let mut under_way = self.pulse.begin();
        let uri = request.uri().clone();
        let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
        let is_head = *request.method() == Method::HEAD;
        let mut room = self.room_for(&request);
        let response = match &mut room {
            None => self.web.refuse(&Failure::NoRoom, uri.path()),
            // Boxed, because hyper moves what it is given several times.
            Some(room) => match timeout(REQUEST, Box::pin(self.respond(request, room, &mut under_way))).await {
                Ok(response) => response,
                Err(_) => self.web.refuse(&Failure::OutcomeUnknown, uri.path()),
            },
        };
        under_way.is_ready();
        let response = if is_head { without_body(response) } else { response };
        let (head, bytes) = into_bytes(response).await;
        let length = if head.extensions.get::<IsShared>().is_some() { 0 } else { bytes.len() };
        if room.as_mut().is_none_or(|room| room.resize(ANSWER_BYTES + length)) {
            return http::Response::from_parts(head, Answer::new(bytes, room, under_way));
        }
        // It may have been done; there is only no room to tell.
        let failure = if is_safe { Failure::NoRoom } else { Failure::OutcomeUnknown };
        let (head, bytes) = into_bytes(self.web.refuse(&failure, uri.path())).await;
        http::Response::from_parts(head, Answer::new(bytes, room, under_way))
    }

    fn room_for(&self, request: &http::Request<Incoming>) -> Option<Room> {
        let headers = request.headers();
        let fields = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + HEADER_BYTES);
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        let client = client_network(self.peer, headers, &self.web.app.services().config.proxy.trusted);
        self.budget.room(client, REQUEST_BYTES + target + fields.sum::<usize>())
    }

    async fn respond(&self, request: http::Request<Incoming>, room: &mut Room, under_way: &mut UnderWay) -> Response {
        match &self.serves {
            Serves::Site => {}
            Serves::Redirect(challenges) => return redirect(&self.web, challenges, &request),
            Serves::Metrics => return metrics(&self.web, &request),
        }
        let uri = request.uri().clone();
        if !names_one_host(&request) {
            return self.web.refuse(&Failure::MalformedRequest, uri.path());
        }
        match read_body(request, room).await {
            Ok(request) => {
                under_way.works();
                self.web.answer(request, self.peer).await
            }
            Err(failure) => self.web.refuse(&failure, uri.path()),
        }
    }
}

/// RFC 9112, 3.2: in HTTP/1.1 there is one Host, or the request is malformed. We answer for one site whatever it says, but a
/// proxy in front may take another one of two.
fn names_one_host(request: &http::Request<Incoming>) -> bool {
    request.version() != Version::HTTP_11 || request.headers().get_all(header::HOST).iter().count() == 1
}

/// The answer to HEAD: as to GET, but for the body (RFC 9110, 9.3.2). hyper leaves one out in HTTP/1 only.
fn without_body(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Response::from_parts(head, Full::default())
}

/// The body of an answer stands in memory as one piece, so nothing is waited for or copied.
async fn into_bytes(response: Response) -> (http::response::Parts, Bytes) {
    let (head, body) = response.into_parts();
    let Ok(body) = body.collect().await;
    (head, body.to_bytes())
}

async fn read_body(request: http::Request<Incoming>, room: &mut Room) -> Result<http::Request<Bytes>, Failure> {
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok(http::Request::from_parts(head, Bytes::new()));
    }
    match timeout(BODY, collect(body, room)).await {
        Err(_) => Err(Failure::Timeout),
        Ok(collected) => Ok(http::Request::from_parts(head, collected?)),
    }
}

/// Reads a body into memory, up to the limit, as far as there is room. What is beyond the limit is read and dropped for a while
/// before it is refused: closing on a client that is still sending would tear the answer away with the connection.
async fn collect(mut body: Incoming, room: &mut Room) -> Result<Bytes, Failure> {
    let mut collected = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::MalformedRequest)?;
        let Some(data) = frame.data_ref() else { continue };
        length += data.len();
        if length <= MAX_BODY_BYTES {
            make_room(&mut collected, length, room)?;
            collected.extend_from_slice(data);
        } else if length > MAX_DROPPED_BYTES {
            break;
        }
    }
    if length > MAX_BODY_BYTES { Err(Failure::TooLarge) } else { Ok(collected.into()) }
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

/// Sends people to the same page over HTTPS. A form or an API request that came in clear is refused instead:
/// whatever it held has been seen by everybody on the way.
fn redirect(web: &Web, challenges: &Challenges, request: &http::Request<Incoming>) -> Response {
    if let Some(text) = challenges.text(request.uri().path()).filter(|_| *request.method() == Method::GET) {
        return Reply::challenge(text).complete(&web.hardened);
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let is_page = matches!(*request.method(), Method::GET | Method::HEAD) && !path.starts_with("/api/");
    let mut response = if is_page && path.starts_with('/') {
        Reply::redirect(Success::Moved, &web.app.services().config.site.url.link(path)).complete(&web.hardened)
    } else {
        web.refuse(&Failure::NotFound, path)
    };
    // Not over a connection in clear (RFC 6797, 7.2).
    response.headers_mut().remove(header::STRICT_TRANSPORT_SECURITY);
    response
}

/// `GET /metrics`, on a listener of its own.
fn metrics(web: &Web, request: &http::Request<Incoming>) -> Response {
    if *request.method() != Method::GET || request.uri().path() != "/metrics" {
        return web.refuse(&Failure::NotFound, "/api/");
    }
    match web.metrics() {
        Ok(text) => Reply::metrics(text).complete(&web.hardened),
        Err(error) => web.refuse(&error.into(), "/api/"),
    }
}

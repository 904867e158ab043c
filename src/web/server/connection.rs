//! One connection, with a limit on everything it may take.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Version, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::failure::Failure;
use super::super::reply::{Reply, Response};
use super::super::status::Success;
use super::ending::Ending;
use super::idle::IdleLimited;
use super::places::Place;
use super::{Protocol, Web};
use crate::tls::{ACME_TLS, Challenges};

/// How long an answer to a ping may take.
const PING: Duration = Duration::from_secs(10);
/// How long a body may take.
const BODY: Duration = Duration::from_secs(15);
/// How long a whole request may take, waiting for a hash included.
const REQUEST: Duration = Duration::from_mins(1);
/// How long nothing may move on a connection.
const IDLE: Duration = Duration::from_secs(75);
const MAX_BODY_BYTES: usize = 64 * 1024;
const MAX_DROPPED_BYTES: usize = 2 * 1024 * 1024;
const MAX_HEADER_BYTES: u32 = 16 * 1024;
const MAX_BUFFER_BYTES: usize = 32 * 1024;
const MAX_STREAMS: u32 = 32;
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 128 * 1024;

/// A connection that was accepted.
pub struct Serving {
    pub web: Arc<Web>,
    pub peer: IpAddr,
    /// How long a handshake or the headers of a request may take, and how long it may wait for the next request.
    pub patience: Duration,
    pub ending: Ending,
}

impl Serving {
    /// Serves until the client is done, a limit is reached, or the server stops.
    pub async fn run(self, stream: TcpStream, place: Place, protocol: Protocol) {
        let stream = IdleLimited::new(stream, place, IDLE);
        match protocol {
            Protocol::Http => self.http1(stream, Serves::Site).await,
            Protocol::Redirect(challenges) => self.http1(stream, Serves::Redirect(challenges)).await,
            Protocol::Metrics => self.http1(stream, Serves::Metrics).await,
            Protocol::Https(acceptor) => {
                let Ok(Ok(stream)) = timeout(self.patience, acceptor.accept(stream)).await else { return };
                // Chosen by ALPN: sniffing for HTTP/2 could be held open for ever by a client that sends nothing.
                match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => self.http2(stream).await,
                    // An authority has seen what it came for.
                    Some(ACME_TLS) => {}
                    _ => self.http1(stream, Serves::Site).await,
                }
            }
        }
    }

    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, serves: Serves) {
        let Self { web, peer, patience, ending } = self;
        let service = service_fn(|request| {
            ending.note_request();
            let (web, serves) = (Arc::clone(&web), serves.clone());
            async move {
                Ok::<_, Infallible>(match serves {
                    Serves::Site => answer(&web, request, peer).await,
                    Serves::Redirect(challenges) => redirect(&web, &challenges, &request),
                    Serves::Metrics => metrics(&web, &request),
                })
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_header_size(MAX_HEADER_BYTES as usize)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        finish(ending.serve(connection)).await;
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { web, peer, ending, .. } = self;
        let service = service_fn(|request| {
            ending.note_request();
            let web = Arc::clone(&web);
            async move { Ok::<_, Infallible>(answer(&web, request, peer).await) }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(STREAM_WINDOW_BYTES as usize)
            .max_header_list_size(MAX_HEADER_BYTES)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(PING)
            .serve_connection(TokioIo::new(stream), service);
        finish(ending.serve(connection)).await;
    }
}

/// What there is on a connection over HTTP/1.1.
#[derive(Clone)]
enum Serves {
    Site,
    Redirect(Arc<Challenges>),
    Metrics,
}

/// How a connection ends is the client's business, but for the log of somebody who looks for a reason.
async fn finish(connection: impl Future<Output = Result<(), hyper::Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn answer(web: &Web, request: http::Request<Incoming>, peer: IpAddr) -> Response {
    let uri = request.uri().clone();
    let is_head = *request.method() == Method::HEAD;
    if !names_one_host(&request) {
        return web.refuse(&Failure::MalformedRequest, uri.path());
    }
    // Boxed, because hyper moves what it is given several times.
    let answered = timeout(
        REQUEST,
        Box::pin(async {
            match read_body(request).await {
                Ok(request) => web.answer(request, peer).await,
                Err(failure) => web.refuse(&failure, uri.path()),
            }
        }),
    );
    let response = match answered.await {
        Ok(response) => response,
        Err(_) => web.refuse(&Failure::OutcomeUnknown, uri.path()),
    };
    if is_head { without_body(response) } else { response }
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

async fn read_body(request: http::Request<Incoming>) -> Result<http::Request<Bytes>, Failure> {
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok(http::Request::from_parts(head, Bytes::new()));
    }
    match timeout(BODY, collect(body)).await {
        Err(_) => Err(Failure::Timeout),
        Ok(collected) => Ok(http::Request::from_parts(head, collected?)),
    }
}

/// Reads a body into memory, up to the limit. What is beyond is read and dropped for a while before it is refused:
/// closing on a client that is still sending would tear the answer away with the connection.
async fn collect(mut body: Incoming) -> Result<Bytes, Failure> {
    let mut collected = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::MalformedRequest)?;
        let Some(data) = frame.data_ref() else { continue };
        length += data.len();
        if length <= MAX_BODY_BYTES {
            collected.extend_from_slice(data);
        } else if length > MAX_DROPPED_BYTES {
            break;
        }
    }
    if length > MAX_BODY_BYTES { Err(Failure::TooLarge) } else { Ok(collected.into()) }
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

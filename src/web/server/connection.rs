//! One connection: its protocol, its limits, and how long it may last.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::service::Service;
use super::ending::{Ending, Farewell};
use super::exchange::{Desk, Serves};
use super::head::{Head, Watched};
use super::protocol::Protocol;
use crate::net::{Budget, Place, Polite, Pulse};
use crate::tls::ACME_TLS;

/// The bytes of a head, and of the buffer of HTTP/1.1 in each direction.
const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// The same from a trusted proxy, which passes on what a browser sends to some other application: nginx takes 32 KiB.
const MAX_PROXY_HEADER_BYTES: u32 = 48 * 1024;
const MAX_PROXY_HEADERS: usize = 256;
/// Concurrent requests on an HTTP/2 connection. A page of ours is three.
const MAX_STREAMS: u32 = 8;
/// The bytes that a client may send on a stream before we read them; nothing else bounds what h2 keeps of bodies.
const STREAM_WINDOW_BYTES: u32 = 4 * 1024;
/// The same for the whole connection; it cannot be smaller (RFC 9113, 6.9.2).
const CONNECTION_WINDOW_BYTES: u32 = 65_535;
/// The time that an HTTP/2 connection may last while no request is under way. Frames other than requests (PING,
/// SETTINGS, `WINDOW_UPDATE`) do not extend it: a client must not hold a place with them.
const IDLE: Duration = Duration::from_secs(75);
/// The bytes that HTTP/2 takes of an answer before the client has room for them.
const MAX_SEND_BYTES: usize = 16 * 1024;

/// A connection that was accepted.
pub(super) struct Serving {
    pub service: Arc<Service>,
    pub peer: IpAddr,
    /// The local port that took it.
    pub listener: u16,
    /// The time for a handshake or the headers of a request, and between requests.
    pub timeout: Duration,
    pub ending: Ending,
    pub pulse: Arc<Pulse>,
    pub budget: Arc<Budget>,
    /// Whether the peer is a trusted proxy, which speaks for many clients.
    pub is_proxy: bool,
}

impl Serving {
    /// Serves until the client is done, a limit is reached, or the connection has to end.
    pub(super) async fn run(self, stream: TcpStream, place: Place, protocol: Protocol) {
        let stream = Polite::new(stream, place, Arc::clone(&self.pulse));
        match protocol {
            Protocol::Http => self.http1(stream, Serves::Site).await,
            Protocol::Redirect(challenges) => self.http1(stream, Serves::Redirect(challenges)).await,
            Protocol::Metrics => self.http1(stream, Serves::Metrics).await,
            Protocol::Https(acceptor) => {
                let accepted = self.ending.unless_asked_to_leave(timeout(self.timeout, acceptor.accept(stream)));
                let Some(Ok(Ok(stream))) = accepted.await else { return };
                // Chosen by ALPN: sniffing for HTTP/2 could be held open for ever by a client that sends nothing.
                match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => self.http2(stream).await,
                    // A tls-alpn-01 validation is over with the handshake (RFC 8737, 3).
                    Some(ACME_TLS) => {}
                    _ => self.http1(stream, Serves::Site).await,
                }
            }
        }
    }

    fn desk(&self, serves: Serves, head: Option<Arc<Head>>) -> Arc<Desk> {
        let (service, pulse, budget) = (Arc::clone(&self.service), Arc::clone(&self.pulse), Arc::clone(&self.budget));
        // A proxy's requests are counted against the client that each names, not against the proxy's own network.
        let share = (!self.is_proxy).then(|| budget.share(self.peer));
        Arc::new(Desk { service, serves, peer: self.peer, listener: self.listener, head, pulse, budget, share })
    }

    const fn max_header_bytes(&self) -> u32 {
        if self.is_proxy { MAX_PROXY_HEADER_BYTES } else { MAX_HEADER_BYTES }
    }

    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, serves: Serves) {
        let (stream, head) = Watched::new(stream);
        let desk = self.desk(serves, Some(head));
        // The pulse bounds the time for a head: hyper's own timer would be created and dropped with each request.
        let bytes = self.max_header_bytes();
        let mut builder = http1::Builder::new();
        builder.max_header_size(bytes as usize).max_buf_size(bytes as usize);
        if self.is_proxy {
            builder.max_headers(MAX_PROXY_HEADERS);
        }
        let connection = builder.serve_connection(TokioIo::new(stream), service_fn(|request| desk.serve(request)));
        finish(self.ending.serve(connection, &self.pulse, Farewell::NONE)).await;
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let desk = self.desk(Serves::Site, None);
        self.pulse.allow_idling(IDLE);
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(MAX_SEND_BYTES)
            .max_header_list_size(self.max_header_bytes())
            .serve_connection(TokioIo::new(stream), service_fn(|request| desk.serve(request)));
        finish(self.ending.serve(connection, &self.pulse, Farewell::GOAWAY)).await;
    }
}

/// Waits for the connection to end. Errors are the client's business, and logged for debugging only.
async fn finish(connection: impl Future<Output = Result<(), hyper::Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended");
    }
}

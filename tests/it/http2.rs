//! HTTP/2 frames that no honest client sends, over real TLS: rapid resets (CVE-2023-44487), continuations without end
//! (CVE-2024-27316), and settings without end; and clients that keep to the protocol, but keep all they can: bodies without end,
//! answers that nobody reads, connections on which nothing is asked.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::floods::connect_from;
use crate::process::{Server, configuration, file_mail, free_port};
use crate::store::Folder;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// RFC 9113, 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("small").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// In HPACK without compression (RFC 7541, 6.2.2): `GET /login`.
fn get() -> Vec<u8> {
    // :method GET.
    [&[0x82][..], &to_login()].concat()
}

/// The same: `POST /login`, with a form to come.
fn post() -> Vec<u8> {
    // :method POST.
    let mut block = [&[0x83][..], &to_login()].concat();
    for (name, value) in [("content-type", "application/x-www-form-urlencoded"), ("content-length", "100")] {
        block.push(0);
        literal(name, &mut block);
        literal(value, &mut block);
    }
    block
}

fn to_login() -> Vec<u8> {
    // :scheme https; then :path and :authority as literals.
    let mut block = vec![0x87];
    for (index, value) in [(4u8, "/login"), (1, "localhost")] {
        block.push(index);
        literal(value, &mut block);
    }
    block
}

fn literal(text: &str, block: &mut Vec<u8>) {
    block.push(u8::try_from(text.len()).expect("short"));
    block.extend(text.as_bytes());
}

struct Flooder {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Flooder {
    fn new(server: &Server) -> Self {
        Self::from(server, Ipv4Addr::LOCALHOST)
    }

    fn from(server: &Server, source: Ipv4Addr) -> Self {
        let mut config = gatelodge::tls::client::believing_anybody();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a configuration");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
        let socket = runtime.block_on(async {
            let socket = connect_from(source, (Ipv4Addr::LOCALHOST, server.port).into()).await?;
            socket.into_std()
        });
        let socket = socket.expect("the server listens");
        socket.set_nonblocking(false).expect("a socket that waits");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
        let mut flooder = Self { stream: StreamOwned::new(connection, socket) };
        flooder.stream.write_all(PREFACE).expect("sent");
        assert!(flooder.sends(&frame(SETTINGS, 0, 0, &[])));
        flooder
    }

    /// False once the server has hung up.
    fn sends(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).and_then(|()| self.stream.flush()).is_ok()
    }

    /// The kinds of the frames that came until the server hung up, or said it would.
    fn hears(&mut self) -> Vec<u8> {
        let mut kinds = Vec::new();
        let mut head = [0; 9];
        while self.stream.read_exact(&mut head).is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            if self.stream.read_exact(&mut payload).is_err() {
                break;
            }
            kinds.push(head[3]);
            if head[3] == GO_AWAY {
                break;
            }
        }
        kinds
    }
}

struct Place {
    _folder: Folder,
    server: Server,
}

fn place() -> Place {
    place_by(&mut Command::new(env!("CARGO_BIN_EXE_gatelodge")))
}

fn place_by(command: &mut Command) -> Place {
    let folder = Folder::new();
    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let server = Server::start_by(command, &["serve", "--config", &config], port);
    Place { _folder: folder, server }
}

impl Place {
    fn still_serves(&self) {
        self.server.client().get("/login").expect(200);
        self.server.stays_below(96);
    }
}

#[test]
fn an_honest_request_is_answered() {
    let place = place();
    let mut client = Flooder::new(&place.server);
    assert!(client.sends(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &get())));
    assert!(client.sends(&frame(GO_AWAY, 0, 0, &[0; 8])));
    let kinds = client.hears();
    assert!(kinds.contains(&HEADERS) && kinds.contains(&DATA), "{kinds:?}");
}

#[test]
fn rapid_resets_end_the_connection() {
    let place = place();
    let mut flooder = Flooder::new(&place.server);
    let mut hung_up = false;
    for number in 0..50_000u32 {
        let stream = 2 * number + 1;
        let open = frame(HEADERS, END_STREAM | END_HEADERS, stream, &get());
        let reset = frame(RESET, 0, stream, &8u32.to_be_bytes());
        if !flooder.sends(&[open, reset].concat()) {
            hung_up = true;
            break;
        }
    }
    assert!(hung_up || flooder.hears().contains(&GO_AWAY), "a hundred thousand frames were taken");
    place.still_serves();
}

#[test]
fn continuations_without_end_end_the_connection() {
    let place = place();
    let mut flooder = Flooder::new(&place.server);
    assert!(flooder.sends(&frame(HEADERS, END_STREAM, 1, &get())));
    // A literal header of a kilobyte in each, for ever: 64 MiB, if anybody took them.
    let header = [&[0u8, 1, b'x', 0x7f, 0x81, 0x07][..], &vec![b'a'; 1024]].concat();
    let sent = (0..65_536).take_while(|_| flooder.sends(&frame(CONTINUATION, 0, 1, &header))).count();
    assert!(sent < 65_536 || flooder.hears().contains(&GO_AWAY));
    place.still_serves();
}

#[test]
fn settings_and_pings_without_end_do_not_fill_the_memory() {
    let place = place();
    for (kind, payload) in [(SETTINGS, &[][..]), (PING, &[7; 8][..])] {
        let mut flooder = Flooder::new(&place.server);
        // The answers are not read.
        flooder.stream.sock.set_write_timeout(Some(Duration::from_secs(2))).expect("a time limit");
        let many = frame(kind, 0, 0, payload).repeat(100);
        let _ = (0..5_000).take_while(|_| flooder.sends(&many)).count();
        place.still_serves();
    }
}

/// A body that begins and does not end.
struct Endless {
    left: usize,
    /// Hears when all of it but the end has been taken.
    sent: Option<mpsc::Sender<()>>,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        const PIECE: &[u8] = &[b' '; 4000];
        if self.left == 0 {
            self.sent = None;
            return Poll::Pending;
        }
        let piece = &PIECE[..PIECE.len().min(self.left)];
        self.left -= piece.len();
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0 && self.sent.is_none()
    }
}

fn tls() -> TlsConnector {
    let mut config = gatelodge::tls::client::believing_anybody();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// A connection over HTTP/2 from `source`, whose client has so much room for each answer and answers pings.
async fn open(port: u16, source: Ipv4Addr, window: u32) -> Option<SendRequest<Endless>> {
    let opened = async {
        let stream = connect_from(source, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.ok()?;
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = tls().connect(name, stream).await.ok()?;
        let mut builder = Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).initial_stream_window_size(window);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(sender)
    };
    tokio::time::timeout(Duration::from_secs(20), opened).await.ok()?
}

fn request(method: &str, path: &str, length: usize) -> http::request::Builder {
    let request = http::Request::builder().method(method).uri(format!("https://localhost{path}"));
    let request = request.header("content-type", "application/json");
    if length > 0 { request.header("content-length", length) } else { request }
}

/// Holds many connections over HTTP/2, each with many requests.
struct Crowd {
    runtime: tokio::runtime::Runtime,
    senders: Vec<SendRequest<Endless>>,
}

impl Crowd {
    /// So many connections from each of these addresses.
    fn of(place: &Place, sources: u8, each: usize, window: u32) -> Self {
        // With a thread of its own, so that pings are answered while nobody waits for anything.
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().expect("a runtime");
        let port = place.server.port;
        let senders = runtime.block_on(async {
            let mut opening = JoinSet::new();
            for source in 1..=sources {
                for _ in 0..each {
                    opening.spawn(open(port, Ipv4Addr::new(127, 1, 1, source), window));
                }
            }
            opening.join_all().await.into_iter().flatten().collect()
        });
        Self { runtime, senders }
    }

    /// Asks as often as this on every connection, and waits until each request is answered, or so much of its body was taken that
    /// the rest waits for the server; or until nothing more happens.
    fn asks(
        &mut self,
        times: usize,
        mut request: impl FnMut() -> http::request::Builder,
        body: usize,
    ) -> Vec<http::Response<Incoming>> {
        self.runtime.block_on(async {
            let (sent, mut heard) = mpsc::channel(1);
            let mut asking = JoinSet::new();
            for sender in &self.senders {
                for _ in 0..times {
                    let mut sender = sender.clone();
                    let body = Endless { left: body, sent: (body > 0).then(|| sent.clone()) };
                    let request = request().body(body).expect("a request");
                    asking.spawn(async move {
                        sender.ready().await.ok()?;
                        sender.send_request(request).await.ok()
                    });
                }
            }
            drop(sent);
            let mut answers = Vec::new();
            let all = async {
                if body == 0 {
                    while let Some(answer) = asking.join_next().await {
                        answers.extend(answer.ok().flatten());
                    }
                }
                heard.recv().await;
            };
            let _ = tokio::time::timeout(Duration::from_secs(4), all).await;
            asking.detach_all();
            answers
        })
    }
}

impl Place {
    /// Somebody opens a page, from an address of their own, and does not wait long; the best of three, for the machine may have
    /// others to serve.
    #[track_caller]
    fn serves_a_newcomer_soon(&self) {
        let waits = self.newcomers_wait();
        println!("newcomers waited {waits:?}");
        assert!(waits.iter().min() < Some(&Duration::from_secs(1)), "{waits:?}");
    }

    /// How long each of three waits, one after the other.
    fn newcomers_wait(&self) -> [Duration; 3] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let port = self.server.port;
        [(); 3].map(|()| {
            let began = Instant::now();
            let status = runtime.block_on(async {
                let mut sender = open(port, Ipv4Addr::new(127, 9, 9, 9), 65_535).await.expect("there is a place");
                let request = request("GET", "/login", 0).body(Endless { left: 0, sent: None }).expect("a request");
                sender.send_request(request).await.expect("an answer").status()
            });
            assert_eq!(status, 200);
            began.elapsed()
        })
    }
}

#[test]
fn what_is_meant_for_another_host_is_refused() {
    let place = place();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ask = |uri: &str, host: Option<&str>| {
        let request = http::Request::builder().uri(uri);
        let request = host.into_iter().fold(request, |request, host| request.header("host", host));
        let request = request.body(Endless { left: 0, sent: None }).expect("a request");
        runtime.block_on(async {
            let mut sender = open(place.server.port, Ipv4Addr::LOCALHOST, 65_535).await.expect("it listens");
            sender.send_request(request).await.expect("an answer").status().as_u16()
        })
    };
    assert_eq!(ask("https://localhost/login", None), 200);
    assert_eq!(ask("https://localhost/login", Some("localhost")), 200);
    assert_eq!(ask("https://evil.example/login", None), 421);
    assert_eq!(ask("https://evil.example/healthz", None), 200);
    assert_eq!(ask("https://localhost/login", Some("evil.example")), 400);
    assert_eq!(ask("ftp://localhost/login", None), 400);
}

#[test]
fn bodies_without_end_do_not_fill_the_memory() {
    for (addresses, mib) in [(1, 120), (8, 160)] {
        let place = place();
        let mut crowd = Crowd::of(&place, addresses, 128, 65_535);
        assert!(crowd.senders.len() > 100 * usize::from(addresses), "{}", crowd.senders.len());
        crowd.asks(32, || request("POST", "/api/v1/forgot", 64_000), 62_000);
        place.serves_a_newcomer_soon();
        place.server.stays_below(mib);
    }
}

#[test]
fn answers_that_nobody_reads_do_not_fill_the_memory() {
    let place = place();
    for path in ["/api/v1/openapi.json", "/login"] {
        let mut crowd = Crowd::of(&place, 1, 124, 0);
        assert!(crowd.senders.len() > 100, "{}", crowd.senders.len());
        let answers = crowd.asks(32, || request("GET", path, 0), 0);
        let served = answers.iter().filter(|answer| answer.status() == 200).count();
        // As many as there may be streams; what is the same for all takes no room of anybody's.
        assert!(served > 900, "{path}: {served} of {}", answers.len());
        place.serves_a_newcomer_soon();
        place.server.stays_below(120);
        drop(answers);
    }
}

#[test]
fn connections_on_which_nothing_is_asked_any_more_make_room_for_a_newcomer() {
    let place = place();
    let mut crowd = Crowd::of(&place, 8, 128, 65_535);
    assert!(crowd.senders.len() > 900, "{}", crowd.senders.len());
    // Whoever has never asked would be gone within seconds; whoever has may stay for more than a minute.
    let answers = crowd.asks(1, || request("GET", "/healthz", 0), 0);
    assert!(answers.len() > 700, "{}", answers.len());
    place.serves_a_newcomer_soon();
    place.server.stays_below(120);
    drop((answers, crowd));
}

#[test]
fn whoever_never_finishes_a_request_makes_room_for_a_newcomer() {
    // As many descriptors as leave room for some connections.
    let place = place_by(Command::new("sh").args(["-c", "ulimit -n 52 && exec \"$@\"", "sh"]));
    let begun = [frame(HEADERS, END_HEADERS, 1, &post()), frame(DATA, 0, 1, b"a")].concat();
    let crowd = (1..=24u8).map(|number| {
        // Neither reads what comes nor acknowledges it: not the farewell (RFC 9113, 6.8) nor the ping that goes with it.
        let mut flooder = Flooder::from(&place.server, Ipv4Addr::new(127, 2, 1, number.div_ceil(5)));
        flooder.sends(&begun);
        flooder
    });
    let crowd: Vec<_> = crowd.collect();
    let waits = place.newcomers_wait();
    assert!(waits.iter().all(|waited| *waited < Duration::from_secs(5)), "{waits:?}");
    drop(crowd);
}

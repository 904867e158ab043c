//! Floods: many connections, slow ones, malformed ones. The server lives, its memory stays bounded, and people are still served.
//!
//! Each flood comes from loopback, is bounded in number and time, and ends with its test.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpSocket;

use crate::process::{Server, file_mail, free_port};
use crate::store::Folder;
use crate::world::{ALICE, PASSWORD};

/// A server without TLS on loopback, so that a flood costs the flooder little.
struct Flooded {
    _folder: Folder,
    server: Server,
}

const COST: &str = "memory_kib = 19456\niterations = 2";

impl Flooded {
    fn new() -> Self {
        Self::by(&mut Command::new(env!("CARGO_BIN_EXE_gatelodge")))
    }

    fn by(command: &mut Command) -> Self {
        let folder = Folder::new();
        let port = free_port();
        let dir = folder.0.display();
        let text = format!(
            "[site]\nurl = \"http://localhost:{port}\"\n[tls]\nmode = \"off\"\n[listen]\nhttp = [\"127.0.0.1:{port}\"]\ncontrol = \"{dir}/control.sock\"\n\
             [store]\npath = \"{dir}/gatelodge.redb\"\n[password]\n{COST}\n[throttle]\nenabled = false\n{}",
            file_mail(&folder.0)
        );
        let config = folder.join("gatelodge.toml");
        std::fs::write(&config, text).expect("written");
        let server = Server::start_by(command, &["serve", "--config", config.to_str().expect("UTF-8")], port);
        Self { _folder: folder, server }
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.server.port).into()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
        stream
    }

    /// Sends bytes and reads all that comes back.
    fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn status(&self, request: &str) -> u16 {
        let answer = self.exchange(request.as_bytes());
        answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
    }

    /// Somebody opens a page; from an address of their own, as everybody does.
    fn serves(&self) -> bool {
        self.from(Ipv4Addr::new(127, 9, 9, 9), "GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .starts_with("HTTP/1.1 200")
    }

    fn from(&self, source: Ipv4Addr, request: &str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let asked = async {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let mut stream = connect_from(source, self.address()).await?;
                stream.write_all(request.as_bytes()).await?;
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).await?;
                std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
            };
            tokio::time::timeout(Duration::from_secs(30), asked)
                .await
                .unwrap_or_else(|_| Ok(String::new()))
                .unwrap_or_default()
        })
    }
}

impl Flooded {
    /// How many files and connections the server has open.
    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.server.child.id())).expect("it runs").count()
    }
}

pub async fn connect_from(source: Ipv4Addr, to: SocketAddr) -> std::io::Result<tokio::net::TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((source, 0).into())?;
    socket.connect(to).await
}

/// Opens many connections from many addresses, and has each send something. They are held until the returned value is dropped.
fn crowd(to: SocketAddr, count: usize, per_address: usize, first: &'static [u8]) -> Crowd {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let streams = runtime.block_on(async {
        let mut opening = tokio::task::JoinSet::new();
        for number in 0..count {
            opening.spawn(async move {
                use tokio::io::AsyncWriteExt;
                let address = number / per_address;
                let source = Ipv4Addr::new(
                    127,
                    1,
                    u8::try_from(address / 250).expect("small"),
                    u8::try_from(1 + address % 250).expect("small"),
                );
                let connected = tokio::time::timeout(Duration::from_secs(5), connect_from(source, to)).await;
                let mut stream = connected.ok()?.ok()?;
                stream.write_all(first).await.ok()?;
                Some(stream)
            });
        }
        opening.join_all().await.into_iter().flatten().collect()
    });
    Crowd { _runtime: runtime, streams }
}

struct Crowd {
    streams: Vec<tokio::net::TcpStream>,
    _runtime: tokio::runtime::Runtime,
}

#[test]
fn ten_thousand_idle_connections_from_one_address_keep_nobody_out() {
    let flooded = Flooded::new();
    for _ in 0..5 {
        let crowd = crowd(flooded.address(), 2_000, 2_000, b"");
        assert!(crowd.streams.len() > 1_000, "{}", crowd.streams.len());
        // Whoever is served came after them, so that all of them have been let in or not.
        assert!(flooded.serves());
        let descriptors = flooded.descriptors();
        assert!(descriptors < 128 + 64, "one address holds most of {descriptors} descriptors");
        drop(crowd);
    }
    flooded.server.stays_below(48);
}

#[test]
fn slow_headers_from_many_addresses_are_cut_off_and_people_are_served() {
    let flooded = Flooded::new();
    // More than there are places: whoever comes next waits for those who dawdle, and not for long.
    let crowd = crowd(flooded.address(), 1_200, 16, b"GET /login HTTP/1.1\r\nHost: loc");
    assert!(flooded.serves());
    drop(crowd);
    flooded.server.stays_below(128);
    assert!(flooded.serves());
}

#[test]
fn whoever_keeps_a_place_without_progress_makes_room_for_a_newcomer() {
    let flooded = Flooded::new();
    let many: &'static [u8] = {
        let one = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
        Box::leak(one.repeat(40).into_boxed_slice())
    };
    for (what, first) in [
        ("no request", &b""[..]),
        ("half a head", b"GET /login HTTP/1.1\r\nHost: loc"),
        ("half a body", b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\nx"),
        ("nothing after an answer", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("garbage", b"garbage\r\n\r\n"),
        ("answers that are not read", many),
    ] {
        let crowd = crowd(flooded.address(), 1_100, 100, first);
        assert!(crowd.streams.len() > 1_000, "{what}: {}", crowd.streams.len());
        // The best of three: the machine may have others to serve.
        let waited = (0..3).map(|_| {
            let began = Instant::now();
            assert!(flooded.serves(), "{what}");
            began.elapsed()
        });
        let waited: Vec<Duration> = waited.collect();
        println!("{what}: newcomers waited {waited:?}");
        assert!(waited.iter().min() < Some(&Duration::from_secs(1)), "{what}: {waited:?}");
        // Nor did the first wait until those who keep places were too late by themselves.
        assert!(waited.iter().max() < Some(&Duration::from_secs(8)), "{what}: {waited:?}");
        drop(crowd);
    }
    flooded.server.stays_below(120);
}

#[test]
fn slow_bodies_are_cut_off() {
    let flooded = Flooded::new();
    let crowd = crowd(
        flooded.address(),
        200,
        16,
        b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{\"identity\": \"",
    );
    assert!(flooded.serves());
    // One of them, followed to its end.
    let mut stream = flooded.connect();
    stream
        .write_all(b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{")
        .expect("sent");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    drop(crowd);
    flooded.server.stays_below(64);
}

#[test]
fn whoever_reads_no_answers_does_not_fill_the_memory() {
    let flooded = Flooded::new();
    let requests: &'static [u8] = {
        let one = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
        Box::leak(one.repeat(40).into_boxed_slice())
    };
    // Each asks for 40 times 100 KiB and reads nothing of it.
    let crowd = crowd(flooded.address(), 300, 16, requests);
    assert!(flooded.serves());
    flooded.server.stays_below(128);
    drop(crowd);
}

#[test]
fn header_bombs_are_refused_early() {
    let flooded = Flooded::new();
    let many = "X-A: b\r\n".repeat(200);
    let long = format!("X-A: {}\r\n", "b".repeat(1 << 20));
    let uri = "a".repeat(1 << 20);
    let head = "GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    assert_eq!(flooded.status(&format!("{head}{many}\r\n")), 431);
    assert_eq!(flooded.status(&format!("{head}{long}\r\n")), 431);
    assert!(matches!(flooded.status(&format!("GET /{uri} HTTP/1.1\r\nHost: localhost\r\n\r\n")), 414 | 431));
    assert!(flooded.serves());
    flooded.server.stays_below(64);
}

#[test]
fn what_is_meant_for_another_host_is_refused() {
    let flooded = Flooded::new();
    let port = flooded.server.port;
    let ask = |target: &str, host: &str| {
        flooded.status(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
    };
    for host in ["localhost", "LOCALHOST.", &format!("localhost:{port}"), &format!("127.0.0.1:{port}"), "[::1]"] {
        assert_eq!(ask("/login", host), 200, "{host}");
    }
    for host in ["attacker.example", "localhost.attacker.example", "localhost:1", "192.0.2.1"] {
        assert_eq!(ask("/login", host), 421, "{host}");
        assert_eq!(ask("/api/v1/openapi.json", host), 421, "{host}");
        // Whoever looks whether the service is well may not know its name.
        assert_eq!((ask("/healthz", host), ask("/readyz", host)), (200, 200), "{host}");
    }
    for host in
        ["", "x@host", "a b", "localhost/evil", "localhost:1:2", "localhost, evil.example", "localhost:x", "[::1"]
    {
        assert_eq!((ask("/login", host), ask("/healthz", host)), (400, 400), "{host:?}");
    }
    for (target, status) in [
        ("http://localhost/login", 200),
        ("https://localhost/login", 200),
        ("http://evil.example/login", 421),
        ("ftp://localhost/healthz", 400),
        ("gopher://evil.example/login", 400),
        ("http://x@localhost/login", 400),
    ] {
        assert_eq!(ask(target, "localhost"), status, "{target}");
    }
    assert_eq!(ask("http://localhost/login", "evil.example"), 421);
    let problem = flooded.exchange(b"GET /api/v1/session HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert!(problem.contains("\"misdirected\"") && !problem.contains("evil"), "{problem}");
}

#[test]
fn a_body_is_refused_by_what_its_head_says() {
    let flooded = Flooded::new();
    let head = "POST /api/v1/forgot HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let body = "1f\r\n{\"email\":\"nobody@example.test\"}\r\n0\r\n\r\n";
    for (more, status) in [
        ("Transfer-Encoding: chunked\r\nConnection: close\r\n", 202),
        ("Transfer-Encoding: Chunked\r\nConnection: close\r\n", 202),
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        ("Transfer-Encoding: chunked, chunked\r\n", 501),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 501),
        ("Transfer-Encoding: xchunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 41\r\n", 400),
        ("Content-Length: 41\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Expect: 200-ok\r\nTransfer-Encoding: chunked\r\n", 417),
        ("Expect: 100-continue, x\r\nTransfer-Encoding: chunked\r\n", 417),
        ("Content-Length: 1000000000\r\n", 413),
        ("Expect: 100-continue\r\nContent-Length: 1000000000\r\n", 413),
        ("Expect: 100-continue\r\nContent-Length: 65537\r\n", 413),
    ] {
        // Ends by itself: the connection is closed behind each.
        let answer = flooded.exchange(format!("{head}{more}\r\n{body}").as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{more}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{more}: {answer}");
    }
    let hidden = format!("\r\n{head}Content-Length: 41\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    assert!(flooded.exchange(hidden.as_bytes()).starts_with("HTTP/1.1 400 "), "behind an empty line");
    // What is expected and fits is asked for; the length of an earlier request on the connection is not this one's.
    let mut stream = flooded.connect();
    for more in
        ["Content-Length: 31\r\nExpect: 100-Continue\r\n", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"]
    {
        stream.write_all(format!("{head}{more}\r\n").as_bytes()).expect("sent");
        assert!(one_answer(&mut stream).starts_with("HTTP/1.1 100 "), "{more}");
        let sent = if more.starts_with("Content") { "{\"email\":\"nobody@example.test\"}" } else { body };
        stream.write_all(sent.as_bytes()).expect("sent");
        assert!(one_answer(&mut stream).starts_with("HTTP/1.1 202 "), "{more}");
    }
}

/// What the server says next, up to the end of one answer.
fn one_answer(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    let mut byte = [0];
    while !answer.ends_with("\r\n\r\n") {
        stream.read_exact(&mut byte).expect("an answer");
        answer.push(char::from(byte[0]));
    }
    let length =
        answer.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).expect("a body");
    answer + &String::from_utf8_lossy(&body)
}

#[test]
fn no_request_hides_behind_another() {
    let flooded = Flooded::new();
    let hidden = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let post = "POST /api/v1/logout HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    for (name, request) in [
        (
            "length and chunks",
            format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        ("two lengths", format!("{post}Content-Length: 0\r\nContent-Length: {}\r\n\r\n{hidden}", hidden.len())),
        ("a list of lengths", format!("{post}Content-Length: 0, {}\r\n\r\n{hidden}", hidden.len())),
        ("a signed length", format!("{post}Content-Length: +0\r\n\r\n{hidden}")),
        ("an unknown coding", format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("chunked is not last", format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}")),
        ("a space before the colon", format!("{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("a folded line", format!("{post}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("a bare CR", format!("{post}X: a\rTransfer-Encoding: chunked\r\n\r\n{hidden}")),
        ("a NUL", format!("{post}X: a\0b\r\n\r\n{hidden}")),
        ("a wrong chunk size", format!("{post}Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{hidden}")),
        ("no host", "GET /healthz HTTP/1.1\r\n\r\nGARBAGE".to_owned()),
        ("not HTTP", "\x16\x03\x01\x00\x00 hello\r\n\r\n".to_owned()),
    ] {
        let answer = flooded.exchange(request.as_bytes());
        let answers = answer.matches("HTTP/1.1 ").count();
        // Refused outright, or taken as one request whose body the rest is; never two.
        assert!(answers <= 1, "{name}: {answer}");
        assert!(!answer.contains("\r\n\r\nok"), "{name}: the hidden request was answered: {answer}");
    }
    assert!(flooded.serves());
}

#[test]
fn a_body_without_end_is_refused_and_not_kept() {
    let flooded = Flooded::new();
    let mut stream = flooded.connect();
    stream
        .write_all(b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        .expect("sent");
    let chunk = [b"10000\r\n".to_vec(), vec![b'a'; 0x10000], b"\r\n".to_vec()].concat();
    // A gigabyte, if anybody took it.
    let sent = (0..16_384).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(sent < 1_000, "{sent} chunks were taken");
    assert!(flooded.serves());
    flooded.server.stays_below(64);
}

#[test]
fn whoever_sent_a_body_that_is_refused_is_told_that_the_connection_ends() {
    let flooded = Flooded::new();
    for (body, status) in [("zz\r\n".to_owned(), "400"), (format!("20000\r\n{}", "a".repeat(0x1_1000)), "413")] {
        let mut stream = flooded.connect();
        let head = "POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all((head.to_owned() + &body).as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer, and the end");
        let is_told =
            answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains("\r\nconnection: close\r\n");
        assert!(is_told, "{answer}");
    }
}

#[test]
fn with_few_file_descriptors_the_server_lives_and_serves() {
    let flooded = Flooded::by(Command::new("sh").args(["-c", "ulimit -n 64 && exec \"$@\"", "sh"]));
    for _ in 0..3 {
        let crowd = crowd(flooded.address(), 300, 100, b"GET /login HTTP/1.1\r\n");
        assert!(flooded.serves());
        // The store is written, which takes descriptors of its own.
        let body = json!({"email": format!("{}@example.org", crowd.streams.len()), "password": PASSWORD}).to_string();
        let request = format!(
            "POST /api/v1/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        assert!(flooded.from(Ipv4Addr::new(127, 9, 9, 8), &request).starts_with("HTTP/1.1 202"));
    }
    flooded.server.stays_below(140);
}

#[test]
fn a_flood_of_logins_takes_no_more_memory_than_the_hashing_threads_have() {
    // Beyond 256 MiB of data, stacks included, the system gives it nothing.
    let flooded = Flooded::by(Command::new("sh").args(["-c", "ulimit -d 262144 && exec \"$@\"", "sh"]));
    let body = json!({"identity": ALICE, "password": PASSWORD}).to_string();
    let request = format!(
        "POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let request: &'static [u8] = Box::leak(request.into_bytes().into_boxed_slice());
    for _ in 0..3 {
        let crowd = crowd(flooded.address(), 400, 16, request);
        assert!(flooded.serves());
        drop(crowd);
    }
    // Up to four threads with 19 MiB each, and 64 for everything else.
    flooded.server.stays_below(140);
    assert!(flooded.serves());
}

//! Load over keep-alive HTTP/1.1, and the bare server it is compared with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to ask for.
#[derive(Clone)]
pub struct Target {
    port: u16,
    /// Up to the blank line; one for each session, so that only bodies are put together while the clock runs.
    heads: Arc<Vec<String>>,
}

impl Target {
    pub fn post(port: u16, path: &str) -> Self {
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n");
        Self { port, heads: Arc::new(vec![head]) }
    }

    pub fn get(port: u16, path: &str, tokens: &[String]) -> Self {
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n");
        let mut heads: Vec<String> =
            tokens.iter().map(|token| format!("{head}Cookie: gatelodge={token}\r\n")).collect();
        if heads.is_empty() {
            heads.push(head);
        }
        Self { port, heads: Arc::new(heads) }
    }

    /// Heads as they are, without their blank line.
    pub fn of(port: u16, heads: Vec<String>) -> Self {
        Self { port, heads: Arc::new(heads) }
    }

    /// Puts a request in place of what stands there.
    fn write(&self, request: &mut Vec<u8>, number: usize, body: &str) {
        request.clear();
        request.extend_from_slice(self.heads[number % self.heads.len()].as_bytes());
        if !body.is_empty() {
            request.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body.as_bytes());
    }
}

/// How hard, and how long.
pub struct Load {
    pub target: Target,
    pub clients: usize,
    pub time: Duration,
}

/// The same with a pause after each answer.
pub struct Paced {
    load: Load,
    pause: Duration,
}

/// How many answers, and how many a second.
pub struct Result {
    pub count: usize,
    pub rate: f64,
}

impl Load {
    /// With a pause of each client after each answer.
    pub fn paced(self, pause: Duration) -> Paced {
        Paced { load: self, pause }
    }

    /// Runs it, one request after another on each connection. Any other status ends the run.
    pub fn run(self, body: impl Fn(usize, usize) -> String + Copy + Send + 'static, expected: u16) -> Result {
        self.paced(Duration::ZERO).run(body, expected)
    }
}

impl Paced {
    /// Runs it. Any other status ends the run.
    pub fn run(&self, body: impl Fn(usize, usize) -> String + Copy + Send + 'static, expected: u16) -> Result {
        let (load, pause) = (&self.load, self.pause);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let started = Instant::now();
        let end = started + load.time;
        let count = runtime.block_on(async {
            let mut clients = tokio::task::JoinSet::new();
            for client in 0..load.clients {
                let target = load.target.clone();
                clients.spawn(async move {
                    let mut connection = Connection::open(target.port).await;
                    let (mut count, mut request) = (0, Vec::new());
                    while Instant::now() < end {
                        target.write(&mut request, client * 7919 + count, &body(client, count));
                        let (status, answer) = connection.ask(&request).await;
                        assert_eq!(status, expected, "{}", String::from_utf8_lossy(answer));
                        count += 1;
                        if !pause.is_zero() {
                            tokio::time::sleep(pause).await;
                        }
                    }
                    count
                });
            }
            clients.join_all().await.into_iter().sum::<usize>()
        });
        Result { count, rate: count as f64 / started.elapsed().as_secs_f64() }
    }
}

/// How long each of `count` answers takes, in milliseconds, one after another with a pause between: sorted.
pub fn latencies(target: &Target, count: usize, pause: Duration) -> Vec<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = Connection::open(target.port).await;
        let (mut times, mut request) = (Vec::with_capacity(count), Vec::new());
        for number in 0..count {
            target.write(&mut request, number, "");
            let started = Instant::now();
            let (status, _) = connection.ask(&request).await;
            times.push(started.elapsed().as_secs_f64() * 1e3);
            assert_eq!(status, 200);
            tokio::time::sleep(pause).await;
        }
        times.sort_by(f64::total_cmp);
        times
    })
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    last: Shape,
}

/// Where things stood in an answer: most answers look like the one before, and need not be searched.
#[derive(Default)]
struct Shape {
    length: Vec<u8>,
    length_at: usize,
    head_bytes: usize,
    bytes: usize,
}

impl Shape {
    /// None while the head is not whole.
    fn of(answer: &[u8]) -> Option<Self> {
        let head_bytes = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&answer[..head_bytes]).expect("ASCII");
        let (length_at, length) = match head.split_once("\r\ncontent-length: ") {
            Some((before, rest)) => (before.len() + 18, rest.split('\r').next().expect("an end")),
            None => (0, ""),
        };
        let body_bytes: usize = if length.is_empty() { 0 } else { length.parse().expect("a number") };
        Some(Self { length: length.into(), length_at, head_bytes, bytes: head_bytes + body_bytes })
    }

    fn fits(&self, answer: &[u8]) -> bool {
        self.bytes > 0
            && answer.len() == self.bytes
            && answer[self.length_at..].starts_with(&self.length)
            && answer[..self.head_bytes].ends_with(b"\r\n\r\n")
    }
}

impl Connection {
    async fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, buffer: Vec::with_capacity(8192), last: Shape::default() }
    }

    /// Sends a request and reads the answer that belongs to it: status and body.
    async fn ask(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.expect("sent");
        self.buffer.clear();
        let mut is_whole = false;
        while !is_whole {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.expect("read"), 0, "the server hung up");
            if !self.last.fits(&self.buffer) {
                let Some(shape) = Shape::of(&self.buffer) else { continue };
                self.last = shape;
            }
            is_whole = self.buffer.len() >= self.last.bytes;
        }
        let status = std::str::from_utf8(&self.buffer[9..12]).expect("ASCII").parse().expect("a status");
        (status, &self.buffer[self.last.head_bytes..])
    }
}

/// The login of one after another of the people whom [`super::machine::add_crowd`] made: one person who logged in over and over
/// would have as many sessions as there can be, and each login would end one.
pub fn login_of_crowd(client: usize, number: usize) -> String {
    let number = (client * 7919 + number) % super::machine::CROWD;
    format!("{{\"identity\":\"crowd{number}@example.org\",\"password\":\"{}\",\"bearer\":true}}", super::PASSWORD)
}

/// Sessions that one account may have.
pub const SESSIONS_EACH: usize = 100;

/// Logs in `count` times, one hundred to an account at most, and gives the cookies' values.
pub fn log_in_often(port: u16, count: usize, password: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let target = Target::post(port, "/api/v1/login");
    runtime.block_on(async {
        let mut connection = Connection::open(port).await;
        let (mut tokens, mut request) = (Vec::new(), Vec::new());
        for number in 0..count {
            let body = format!(
                "{{\"identity\":\"alice{}@example.org\",\"password\":\"{password}\",\"bearer\":true}}",
                number / SESSIONS_EACH
            );
            target.write(&mut request, number, &body);
            let (status, answer) = connection.ask(&request).await;
            let text = std::str::from_utf8(answer).expect("UTF-8");
            assert_eq!(status, 200, "{text}");
            let start = text.find("gls_").expect("a token");
            tokens.push(text[start..].split('"').next().expect("an end").to_owned());
        }
        tokens
    })
}

/// Logs in as a browser does, and gives the value of the cookie for other applications.
pub fn log_in_for_door(port: u16, number: usize, password: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = Connection::open(port).await;
        let mut request = Vec::new();
        let body = format!("{{\"identity\":\"alice{number}@example.org\",\"password\":\"{password}\"}}");
        Target::post(port, "/api/v1/login").write(&mut request, 0, &body);
        assert_eq!(connection.ask(&request).await.0, 200);
        let head = String::from_utf8_lossy(&connection.buffer).into_owned();
        let start = head.find("glo_").expect("a cookie");
        head[start..].split(';').next().expect("an end").to_owned()
    })
}

/// hyper, answering a constant of the same size with the same number of threads.
pub fn serve_bare(port: u16) {
    use http_body_util::Full;
    const BODY: &[u8] = &[b'x'; 283];
    let threads = super::machine::cores().min(4);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
        println!("ready");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            tokio::spawn(async move {
                let service = hyper::service::service_fn(|_| async {
                    Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(bytes::Bytes::from_static(BODY))))
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(hyper_util::rt::TokioIo::new(stream), service)
                    .await;
            });
        }
    });
}

//! Load over keep-alive HTTP/1.1, and the bare server it is compared with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to ask for.
#[derive(Clone)]
pub struct Target {
    port: u16,
    head: String,
    tokens: Arc<Vec<String>>,
}

impl Target {
    pub fn post(port: u16, path: &str) -> Self {
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n");
        Self { port, head, tokens: Arc::default() }
    }

    pub fn get(port: u16, path: &str, tokens: &[String]) -> Self {
        Self { port, head: format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n"), tokens: Arc::new(tokens.to_vec()) }
    }

    fn request(&self, number: usize, body: &str) -> Vec<u8> {
        let cookie = if self.tokens.is_empty() {
            String::new()
        } else {
            format!("Cookie: gatelodge={}\r\n", self.tokens[number % self.tokens.len()])
        };
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        format!("{}{cookie}{length}\r\n{body}", self.head).into_bytes()
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
                    let mut count = 0;
                    while Instant::now() < end {
                        let request = target.request(client * 7919 + count, &body(client, count));
                        let (status, answer) = connection.ask(&request).await;
                        assert_eq!(status, expected, "{}", String::from_utf8_lossy(&answer));
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
        let mut times = Vec::with_capacity(count);
        for number in 0..count {
            let request = target.request(number, "");
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
}

impl Connection {
    async fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, buffer: Vec::with_capacity(8192) }
    }

    /// Sends a request and reads the answer that belongs to it.
    async fn ask(&mut self, request: &[u8]) -> (u16, Vec<u8>) {
        self.stream.write_all(request).await.expect("sent");
        self.buffer.clear();
        loop {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.expect("read"), 0, "the server hung up");
            let Some(head_end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..head_end]).expect("ASCII");
            let length: usize =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or_default();
            let status = head[9..12].parse().expect("a status");
            while self.buffer.len() < head_end + 4 + length {
                assert_ne!(self.stream.read_buf(&mut self.buffer).await.expect("read"), 0, "the server hung up");
            }
            return (status, self.buffer[head_end + 4..].to_vec());
        }
    }
}

/// Sessions that one account may have.
pub const SESSIONS_EACH: usize = 100;

/// Logs in `count` times, one hundred to an account at most, and gives the cookies' values.
pub fn log_in_often(port: u16, count: usize, password: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let target = Target::post(port, "/api/v1/login");
    runtime.block_on(async {
        let mut connection = Connection::open(port).await;
        let mut tokens = Vec::new();
        for number in 0..count {
            let body = format!(
                "{{\"identity\":\"alice{}@example.org\",\"password\":\"{password}\",\"bearer\":true}}",
                number / SESSIONS_EACH
            );
            let (status, answer) = connection.ask(&target.request(number, &body)).await;
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
            let text = String::from_utf8(answer).expect("UTF-8");
            let start = text.find("gls_").expect("a token");
            tokens.push(text[start..].split('"').next().expect("an end").to_owned());
        }
        tokens
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

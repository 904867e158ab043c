//! A mail server that follows a script: what it says to which line, byte for byte, and what it has heard.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// In place of an answer: the server ends the connection.
pub const HANGS_UP: &[u8] = b"hangs up";
/// In place of an answer: the server says nothing, and waits for more.
pub const SAYS_NOTHING: &[u8] = b"says nothing";

/// What the server says: to the lines that begin so, the answers in turn, the last of them again and again.
#[derive(Clone, Default)]
pub struct Script {
    answers: BTreeMap<&'static str, Vec<Vec<u8>>>,
    tls: Option<Arc<ServerConfig>>,
    begins_with_tls: bool,
    drips: bool,
    hesitates: Duration,
}

impl Script {
    /// That of a server without oddities.
    pub fn usual() -> Self {
        Self::default()
            .says("", b"220 mx.example.org ESMTP\r\n")
            .says("EHLO", b"250-mx.example.org\r\n250 8BITMIME\r\n")
            .says("HELO", b"250 mx.example.org\r\n")
            .says("MAIL", b"250 fine\r\n")
            .says("RCPT", b"250 fine\r\n")
            .says("NOOP", b"250 fine\r\n")
            .says("DATA", b"354 go on\r\n")
            .says(".", b"250 taken\r\n")
            .says("QUIT", b"221 bye\r\n")
            .says("STARTTLS", b"220 go on\r\n")
    }

    /// Says this to lines that begin so; the empty beginning is the greeting.
    pub fn says(self, to: &'static str, answer: &[u8]) -> Self {
        self.says_in_turn(to, &[answer])
    }

    /// Says these, one after the other.
    pub fn says_in_turn(mut self, to: &'static str, answers: &[&[u8]]) -> Self {
        self.answers.insert(to, answers.iter().map(|answer| answer.to_vec()).collect());
        self
    }

    /// Speaks TLS with this, from the first byte or when it is asked to.
    pub fn with_tls(mut self, tls: Arc<ServerConfig>, begins_with_it: bool) -> Self {
        (self.tls, self.begins_with_tls) = (Some(tls), begins_with_it);
        self
    }

    /// Sends each byte by itself.
    pub fn drips(mut self) -> Self {
        self.drips = true;
        self
    }

    /// Waits so long before it greets.
    pub fn hesitates(mut self, time: Duration) -> Self {
        self.hesitates = time;
        self
    }

    /// What it says to the line that is heard for the n-th time.
    fn answer(&self, line: &str, said: &mut BTreeMap<&'static str, usize>) -> Vec<u8> {
        let fits = |to: &&&'static str| line.starts_with(**to) && (to.is_empty() == line.is_empty());
        let Some(to) = self.answers.keys().filter(fits).max_by_key(|to| to.len()) else {
            return b"500 what?\r\n".to_vec();
        };
        let times = said.entry(to).or_default();
        let answers = &self.answers[to];
        *times += 1;
        answers[(*times - 1).min(answers.len() - 1)].clone()
    }
}

/// A server on loopback that follows a script with whoever comes, one after the other.
pub struct Scripted {
    pub port: u16,
    is_over: Arc<AtomicBool>,
    heard: Arc<Mutex<Vec<Vec<String>>>>,
    serving: JoinHandle<()>,
}

impl Scripted {
    pub fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = listener.local_addr().expect("an address").port();
        let (is_over, heard) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (over, hears) = (Arc::clone(&is_over), Arc::clone(&heard));
        let serving = std::thread::spawn(move || {
            let mut said = BTreeMap::new();
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let mut lines = Vec::new();
                converse(stream.expect("a connection"), &script, &mut said, &mut lines);
                hears.lock().expect("no panic").push(lines);
            }
        });
        Self { port, is_over, heard, serving }
    }

    /// Ends it, and gives what each who came has said, line for line. Whoever is connected has to have left.
    pub fn ends(self) -> Vec<Vec<String>> {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.serving.join().expect("no panic");
        std::mem::take(&mut self.heard.lock().expect("no panic"))
    }
}

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

fn converse(stream: TcpStream, script: &Script, said: &mut BTreeMap<&'static str, usize>, heard: &mut Vec<String>) {
    stream.set_nodelay(true).expect("a socket");
    let over_tls = |stream: TcpStream| -> Box<dyn Stream> {
        let tls = Arc::clone(script.tls.as_ref().expect("a script with TLS"));
        Box::new(StreamOwned::new(ServerConnection::new(tls).expect("a configuration"), stream))
    };
    std::thread::sleep(script.hesitates);
    let raw = stream.try_clone().expect("a socket");
    let first = if script.begins_with_tls { over_tls(stream) } else { Box::new(stream) };
    let mut lines = BufReader::new(first);
    let (mut line, mut is_data) = (String::new(), false);
    loop {
        if !is_data || line == "." {
            let answer = script.answer(&line, said);
            if answer == HANGS_UP {
                return;
            }
            let pieces = if script.drips { 1 } else { answer.len().max(1) };
            let all = if answer == SAYS_NOTHING { &[][..] } else { &answer };
            if all
                .chunks(pieces)
                .any(|piece| lines.get_mut().write_all(piece).and_then(|()| lines.get_mut().flush()).is_err())
            {
                return;
            }
            is_data = line == "DATA" && answer.starts_with(b"3");
            if line == "STARTTLS" && answer.starts_with(b"220") && script.tls.is_some() {
                lines = BufReader::new(over_tls(raw.try_clone().expect("a socket")));
            }
        }
        let mut bytes = Vec::new();
        if lines.read_until(b'\n', &mut bytes).unwrap_or_default() == 0 {
            return;
        }
        String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).clone_into(&mut line);
        heard.push(line.clone());
    }
}

//! HTTP/2 frames that no honest client sends, over real TLS: rapid resets (CVE-2023-44487), continuations without end
//! (CVE-2024-27316), and settings without end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

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

/// `GET /login` in HPACK without compression (RFC 7541, 6.2.2).
fn get() -> Vec<u8> {
    // :method GET, :scheme https; then :path and :authority as literals.
    let mut block = vec![0x82, 0x87];
    for (index, value) in [(4u8, "/login"), (1, "localhost")] {
        block.push(index);
        block.push(u8::try_from(value.len()).expect("short"));
        block.extend(value.as_bytes());
    }
    block
}

struct Flooder {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Flooder {
    fn new(server: &Server) -> Self {
        let mut config = gatelodge::tls::client::believing_anybody();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a configuration");
        let socket = TcpStream::connect(("127.0.0.1", server.port)).expect("the server listens");
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
    let folder = Folder::new();
    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let server = Server::start(&["serve", "--config", &config], port);
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

//! What Traefik asks, byte by byte, with the file of `config/proxies`; `tests/proxies/questions.py` compares it with what a
//! real one sends. What older versions send, or those with other settings, is as the source has it
//! (`pkg/middlewares/auth/forward.go` and `pkg/middlewares/forwardedheaders`; Go's client sends headers in the order of
//! their names): they left some of a client's `X-Forwarded-` headers, where 3.7 and 2.11 remove all.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;

use gatelodge::config::Config;
use gatelodge::gate::{AccessDecision, OriginalRequest, OriginalUrl, RequestMethod, decide};

use crate::process::{Server, configuration, file_mail, free_port, shown};
use crate::store::Folder;
use crate::world::{ALICE, PASSWORD};

const RULES: &str = r#"
[tls]
mode = "off"
[proxy]
trusted = ["127.0.0.1/32"]
[access]
domains = [{ cookie = "example.org", url = "https://auth.example.org" }]

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/public"]
allow = "anyone"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/private"]
allow = "nobody"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/far"]
networks = ["10.0.0.0/8"]
allow = "anyone"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/dav"]
allow = "logged-in"
basic = true

[[access.rules]]
hosts = ["wiki.example.org"]
allow = "logged-in"
"#;

/// The bytes of each question, and the answer: its status, and the page of the application that a login leads back to.
const QUESTIONS: &[(&str, &str, u16, Option<&str>)] = &[
    ("page", include_str!("traefik/page"), 302, Some("/notes?q=a%20b")),
    ("page-before-3.7", include_str!("traefik/page-before-3.7"), 302, Some("/notes?q=a%20b")),
    ("page-with-cookie", include_str!("traefik/page-with-cookie"), 200, None),
    ("page-with-cookie-before-3.7", include_str!("traefik/page-with-cookie-before-3.7"), 200, None),
    ("page-for-anyone", include_str!("traefik/page-for-anyone"), 200, None),
    ("form", include_str!("traefik/form"), 303, Some("/form")),
    ("form-with-cookie", include_str!("traefik/form-with-cookie"), 200, None),
    // With `preserveRequestMethod`.
    ("form-by-its-own-method", include_str!("traefik/form-by-its-own-method"), 200, None),
    ("websocket", include_str!("traefik/websocket"), 302, Some("/live")),
    ("websocket-with-cookie", include_str!("traefik/websocket-with-cookie"), 200, None),
    // With `trustForwardHeader`, the scheme is that of the entry point: wss.
    ("websocket-with-cookie-trusting", include_str!("traefik/websocket-with-cookie-trusting"), 200, None),
    ("program", include_str!("traefik/program"), 401, Some("/api")),
    ("program-without-agent", include_str!("traefik/program-without-agent"), 401, Some("/api")),
    ("program-with-basic", include_str!("traefik/program-with-basic"), 401, Some("/dav/")),
    // An entry point that believes everybody puts what the client said before what it sees.
    ("attacker-of-the-address", include_str!("traefik/attacker-of-the-address"), 302, Some("/far")),
    ("attacker-with-x-original-url", include_str!("traefik/attacker-with-x-original-url"), 403, None),
    ("attacker-with-prefix", include_str!("traefik/attacker-with-prefix"), 403, None),
    ("attacker-with-underscores-before-3.7", include_str!("traefik/attacker-with-underscores-before-3.7"), 403, None),
    ("attacker-with-remote-user", include_str!("traefik/attacker-with-remote-user"), 302, Some("/notes")),
    ("attacker-with-remote-user-underscored", include_str!("traefik/attacker-with-remote-user-underscored"), 403, None),
    ("attacker-of-the-path", include_str!("traefik/attacker-of-the-path"), 403, None),
];

/// Somebody who speaks to the server as a proxy on this machine does.
struct Proxy(BufReader<TcpStream>);

impl Proxy {
    fn connect(port: u16) -> Self {
        Self(BufReader::new(TcpStream::connect(("127.0.0.1", port)).expect("the server listens")))
    }

    /// Sends bytes on the connection, which stays open, and reads the head of the answer: its status, and its headers.
    fn asks(&mut self, bytes: &str) -> (u16, Vec<(String, String)>) {
        self.0.get_mut().write_all(bytes.as_bytes()).expect("sent");
        let mut lines = std::iter::from_fn(|| {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("an answer");
            Some(line.trim_end_matches(['\r', '\n']).to_owned()).filter(|line| !line.is_empty())
        });
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
        (status, lines.filter_map(|line| line.split_once(": ").map(|(a, b)| (a.to_owned(), b.to_owned()))).collect())
    }
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

fn behind_a_proxy(folder: &Path, port: u16) -> String {
    let path = configuration(folder, port, &format!("{}{RULES}", file_mail(folder)));
    let text = std::fs::read_to_string(&path).expect("read");
    let text =
        text.replace("https = [", "http = [").replace(&format!("https://localhost:{port}"), "https://auth.example.org");
    std::fs::write(&path, text).expect("written");
    path
}

/// The cookie for the applications, after a login through the proxy.
fn door(port: u16) -> String {
    let form = format!("identity={ALICE}&password={}", PASSWORD.replace(' ', "+"));
    let (status, headers) = Proxy::connect(port).asks(&format!(
        "POST /login HTTP/1.1\r\nHost: auth.example.org\r\nSec-Fetch-Site: same-origin\r\nX-Forwarded-For: 203.0.113.7\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    ));
    assert_eq!(status, 303, "{headers:?}");
    let mut cookies = headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, cookie)| cookie);
    let door = cookies.find_map(|cookie| cookie.strip_prefix("gatelodge-door=")?.split(';').next());
    door.expect("a cookie for the applications").to_owned()
}

#[test]
fn what_traefik_asks_is_answered_in_words_that_it_passes_on() {
    let folder = Folder::new();
    let port = free_port();
    let config = behind_a_proxy(&folder.0, port);
    let add = ["user", "add", ALICE, "--username", "alice", "--confirmed", "--password-stdin", "--config", &config];
    shown(&add, &format!("{PASSWORD}\n"));
    let _server = Server::start(&["serve", "--config", &config], port);
    let door = door(port);
    // It keeps its connection: what one question left in it would be part of the next one.
    let mut proxy = Proxy::connect(port);
    for (name, question, status, back) in QUESTIONS {
        let bytes = question.replace('\n', "\r\n").replace("DOOR", &door);
        let (answered, headers) = proxy.asks(&bytes);
        assert_eq!(answered, *status, "{name}: {headers:?}");
        // Traefik reads a relative place as one of the address where it asked.
        let place = back.map(|path| {
            let page = format!("https://wiki.example.org{path}");
            let page: String = form_urlencoded::byte_serialize(page.as_bytes()).collect();
            format!("https://auth.example.org/login?return_to={page}")
        });
        assert_eq!(value(&headers, "location"), place.as_deref(), "{name}");
        assert_eq!(value(&headers, "www-authenticate").is_some(), name.contains("basic"), "{name}");
        let identity =
            ["remote-user", "remote-groups", "remote-email", "remote-name"].map(|name| value(&headers, name));
        let known = question.contains("DOOR");
        let expected = match status {
            200 if known => [Some("alice"), Some(""), Some(ALICE), Some("")],
            200 => [Some(""); 4],
            _ => [None; 4],
        };
        assert_eq!(identity, expected, "{name}: a header that is missing would leave a client's own in place");
        assert_eq!(value(&headers, "set-cookie"), None, "{name}");
        assert!(matches!(value(&headers, "content-length"), None | Some("0")), "{name}: there is no body");
    }
}

/// The questions are those that the file leads to.
#[test]
fn traefiks_file_asks_so() {
    let file = include_str!("../../config/proxies/traefik-dynamic.yaml");
    for words in [
        "address: http://127.0.0.1:8080/api/authz/forward-auth\n",
        "trustForwardHeader: false ",
        "authResponseHeaders: [Remote-User, Remote-Groups, Remote-Email, Remote-Name]\n",
        "middlewares: [gatelodge-claims, gatelodge-check]\n",
    ] {
        assert!(file.contains(words), "{words}");
    }
}

/// What the page about proxies calls enough is enough.
#[test]
fn the_configuration_of_the_quick_start_is_valid() {
    let page = include_str!("../../docs/reverse-proxies.md");
    let shown = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("there is one");
    let text = format!("{shown}{}", file_mail(Path::new("/var/lib/gatelodge")));
    let config = Config::parse(&text, Path::new("reverse-proxies.md")).unwrap_or_else(|error| panic!("{error}"));
    let public = OriginalUrl::parse("https://wiki.example.org/public").expect("a URL");
    let method = RequestMethod::parse("GET").expect("a method");
    let request = OriginalRequest { url: public, method, client: None };
    assert_eq!(decide(&config.access.rules(), &request, None), AccessDecision::LetIn(1));
}

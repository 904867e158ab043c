//! Real TLS connections to the real binary.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::process::{Server, configuration, file_mail, free_port};
use crate::store::Folder;
use crate::world::{ALICE, PASSWORD};

/// A program that speaks HTTP/1.1 over TLS, one connection for each request.
pub struct Client {
    port: u16,
    host: String,
    config: Arc<ClientConfig>,
    pub cookies: BTreeMap<String, String>,
}

impl Client {
    pub fn trusting_anybody(port: u16) -> Self {
        Self {
            port,
            host: "localhost".into(),
            config: Arc::new(gatelodge::tls::client::believing_anybody()),
            cookies: BTreeMap::new(),
        }
    }

    pub fn trusting(port: u16, roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3");
        Self {
            port,
            host: "localhost".into(),
            config: Arc::new(config.with_root_certificates(roots).with_no_client_auth()),
            cookies: BTreeMap::new(),
        }
    }

    pub fn copy(&self) -> Self {
        Self {
            port: self.port,
            host: self.host.clone(),
            config: Arc::clone(&self.config),
            cookies: self.cookies.clone(),
        }
    }

    /// From now on, to the site of this name.
    pub fn going_to(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    pub fn reconnect(&mut self, port: u16) {
        self.port = port;
    }

    fn connect(&self) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::try_from(self.host.clone()).expect("a name");
        let connection = ClientConnection::new(Arc::clone(&self.config), name).expect("a configuration");
        let mut stream = StreamOwned::new(connection, TcpStream::connect(("127.0.0.1", self.port))?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    /// The certificate that the server shows.
    pub fn certificate(&self) -> std::io::Result<Vec<u8>> {
        Ok(self.connect()?.conn.peer_certificates().expect("a certificate")[0].to_vec())
    }

    /// Sends bytes and reads the one answer.
    pub fn raw(&mut self, request: &str) -> Answer {
        let mut stream = self.connect().expect("the server listens");
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(request.as_bytes());
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let answer = Answer::parse(&text);
        for cookie in answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value) {
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    pub fn request(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let length = body.len();
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}Cookie: {}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}",
            self.host,
            cookies.join("; ")
        ))
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.request("GET", path, "", "")
    }

    /// As a proxy passes it on, for somebody elsewhere.
    pub fn get_through_a_proxy(&mut self, path: &str) -> Answer {
        self.request("GET", path, "X-Forwarded-For: 192.0.2.1\r\n", "")
    }

    pub fn api(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("/api/v1{path}");
        if body.is_null() {
            return self.request(method, &path, "Sec-Fetch-Site: same-origin\r\n", "");
        }
        self.request(method, &path, "Content-Type: application/json\r\n", &body.to_string())
    }
}

/// What came back.
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status =
            lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap_or_default();
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        Self { status, headers, body: body.to_owned() }
    }

    pub fn status(&self) -> u16 {
        self.status
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    #[track_caller]
    pub fn refused(self, status: u16, code: &str) {
        let answer = self.expect(status);
        assert_eq!(answer.json()["code"], code);
    }

    pub fn body(&self) -> &str {
        &self.body
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// A private certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub certificate: CertificateDer<'static>,
    pub pem: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let (der, pem) = (certificate.der().clone(), certificate.pem());
        Self { issuer: Issuer::new(params, key), certificate: der, pem }
    }

    /// Issues for a host and writes `cert.pem` and `key.pem`.
    pub fn issue(&self, host: &str, folder: &Path) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).expect("written");
        std::fs::write(folder.join("cert.pem"), certificate.pem()).expect("written");
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a root");
        roots
    }
}

pub fn from_files(folder: &Path) -> String {
    let dir = folder.display();
    format!(
        "{}[tls]\nmode = \"files\"\ncertificate = \"{dir}/cert.pem\"\nprivate_key = \"{dir}/key.pem\"\n",
        file_mail(folder)
    )
}

#[test]
fn a_certificate_from_files_is_served_and_reread_and_a_broken_one_is_not_taken() {
    let folder = Folder::new();
    let authority = Authority::new();
    authority.issue("localhost", &folder.0);
    let port = free_port();
    let config = configuration(&folder.0, port, &from_files(&folder.0));
    let mut server = Server::start(&["serve", "--config", &config], port);
    let mut client = Client::trusting(port, authority.roots());
    assert!(client.get("/login").expect(200).header("strict-transport-security").is_some());
    let first = client.certificate().expect("trusted");

    std::fs::write(folder.join("cert.pem"), "-----BEGIN nonsense").expect("written");
    server.reads_until("the old one is served on");
    assert_eq!(client.certificate().expect("trusted"), first);

    authority.issue("localhost", &folder.0);
    server.reads_until("the certificate was read anew");
    assert_ne!(client.certificate().expect("trusted"), first);
}

#[test]
fn a_key_that_is_not_the_certificates_is_refused_at_the_start() {
    let folder = Folder::new();
    let authority = Authority::new();
    authority.issue("localhost", &folder.0);
    let certificate = std::fs::read(folder.join("cert.pem")).expect("read");
    authority.issue("localhost", &folder.0);
    std::fs::write(folder.join("cert.pem"), certificate).expect("written");
    let config = configuration(&folder.0, free_port(), &from_files(&folder.0));
    for command in ["check", "serve"] {
        let (code, message) = crate::process::refusal(&[command, "--config", &config]);
        assert_eq!(code, Some(78), "{message}");
        assert!(message.contains("is not the key of tls.certificate"), "{message}");
    }
}

#[test]
fn a_self_signed_certificate_is_kept_over_a_restart() {
    let folder = Folder::new();
    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let server = Server::start(&["serve", "--config", &config], port);
    let first = server.client().certificate().expect("served");
    assert_eq!(server.stops(), Some(0));
    let server = Server::start(&["serve", "--config", &config], port);
    assert_eq!(server.client().certificate().expect("served"), first);
}

#[test]
fn a_self_signed_certificate_is_for_the_portals_of_other_domains_too() {
    let folder = Folder::new();
    let port = free_port();
    let mail = file_mail(&folder.0);
    let names = |access: &str| {
        let config = configuration(&folder.0, port, &format!("{mail}{access}"));
        let server = Server::start(&["serve", "--config", &config], port);
        let certificate = server.client().certificate().expect("served");
        assert_eq!(server.stops(), Some(0));
        let is_for = |host: &[u8]| certificate.windows(host.len()).any(|bytes| bytes == host);
        (is_for(b"localhost"), is_for(b"auth.example.net"))
    };
    let access = "\n[access]\ndomains = [{ cookie = \"example.net\", url = \"https://auth.example.net\" }]\n";
    assert_eq!([names(""), names(access)], [(true, false), (true, true)]);
}

#[test]
fn http_2_and_http_1_are_chosen_by_alpn() {
    let folder = Folder::new();
    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let _server = Server::start(&["serve", "--config", &config], port);
    for (offered, expected) in
        [(&[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])), (&[b"http/1.1"], Some(b"http/1.1")), (&[], None)]
    {
        let mut client = Client::trusting_anybody(port);
        let mut offering = (*client.config).clone();
        offering.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        client.config = Arc::new(offering);
        assert_eq!(client.connect().expect("connects").conn.alpn_protocol(), expected);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for method in ["GET", "HEAD"] {
        let (status, length) = runtime.block_on(over_http_2(port, method));
        assert_eq!((status, length), (200, if method == "HEAD" { 0 } else { 2 }), "{method}");
    }
}

/// Status and length of the body.
pub async fn over_http_2(port: u16, method: &str) -> (u16, usize) {
    let mut config = (*Client::trusting_anybody(port).config).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream =
        connector.connect(ServerName::try_from("localhost").expect("a name"), stream).await.expect("a handshake");
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(executor, hyper_util::rt::TokioIo::new(stream)).await.expect("a preface");
    tokio::spawn(connection);
    let request = http::Request::builder().method(method).uri(format!("https://localhost:{port}/healthz"));
    let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).expect("a request");
    let answer = sender.send_request(request).await.expect("an answer");
    let status = answer.status().as_u16();
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.expect("a body that ends well").to_bytes();
    (status, body.len())
}

#[test]
fn what_browsers_will_not_like_is_told_at_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    Authority::new().issue("elsewhere.example", &folder.0);
    let set_mode = |name: &str, mode: u32| {
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    set_mode("key.pem", 0o644);
    std::fs::write(folder.join("password"), "secret\n").expect("written");
    set_mode("password", 0o604);
    let port = free_port();
    let mail = format!(
        "[mail]\nfrom = \"a@example.org\"\n[mail.smtp]\nhost = \"localhost\"\nport = {}\nsecurity = \"none\"\nusername = \"auth\"\npassword_file = \"{}\"\n",
        free_port(),
        folder.join("password").display()
    );
    let config = configuration(&folder.0, port, &from_files(&folder.0).replace(&file_mail(&folder.0), &mail));
    let server = Server::start(&["serve", "--config", &config], port);
    for told in [
        "the certificate is not for localhost, and browsers will refuse it",
        "key.pem: the certificate's private key can be read by every user",
        "password: the mail server's password can be read by every user",
    ] {
        assert!(server.log.contains(told), "{told}: {}", server.log);
    }
    server.client().get("/login").expect(200);
}

/// One request without TLS.
pub fn plain(port: u16, request: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connects");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut text = Vec::new();
    stream.read_to_end(&mut text).expect("read");
    Answer::parse(&text)
}

#[test]
fn plain_http_only_redirects_and_takes_no_forms() {
    let folder = Folder::new();
    let (port, http) = (free_port(), free_port());
    Authority::new().issue("localhost", &folder.0);
    let text = configuration(&folder.0, port, &from_files(&folder.0));
    let with_http = std::fs::read_to_string(&text)
        .expect("read")
        .replace("[listen]\n", &format!("[listen]\nhttp = [\"127.0.0.1:{http}\"]\n"));
    std::fs::write(&text, with_http).expect("written");
    let _server = Server::start(&["serve", "--config", &text], port);
    let page = plain(http, "GET /account?x=1 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").expect(308);
    assert_eq!(page.header("location"), Some(format!("https://localhost:{port}/account?x=1").as_str()));
    assert_eq!(page.header("strict-transport-security"), None, "in clear it must not be said");
    plain(http, "GET /account HTTP/1.1\r\nHost: x@localhost\r\nConnection: close\r\n\r\n").expect(400);
    for request in [
        "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "GET /api/v1/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ] {
        assert_eq!(plain(http, request).expect(404).header("strict-transport-security"), None);
    }
}

#[test]
fn behind_a_proxy_the_forwarded_address_is_believed_from_it_alone() {
    let folder = Folder::new();
    let (port, http) = (free_port(), free_port());
    let more = format!("{}[tls]\nmode = \"off\"\n[proxy]\ntrusted = [\"127.0.0.1/32\"]\n", file_mail(&folder.0));
    let path = configuration(&folder.0, port, &more);
    let with_http = std::fs::read_to_string(&path)
        .expect("read")
        .replace("https = [", "http = [")
        .replace(&format!("127.0.0.1:{port}\"]"), &format!("127.0.0.1:{http}\"]"));
    std::fs::write(&path, with_http).expect("written");
    crate::process::shown(&["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &path], PASSWORD);
    let _server = Server::start(&["serve", "--config", &path], http);
    let body = json!({"identity": ALICE, "password": PASSWORD}).to_string();
    let login = plain(
        http,
        &format!(
            "POST /api/v1/login HTTP/1.1\r\nHost: what.the.proxy.calls.it:8080\r\nX-Forwarded-For: 6.6.6.6, 198.51.100.7\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ),
    );
    let cookie =
        login.expect(200).header("set-cookie").expect("a cookie").split(';').next().expect("a value").to_owned();
    let list = plain(
        http,
        &format!(
            "GET /api/v1/account/sessions HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        ),
    )
    .expect(200);
    assert_eq!(list.json()["items"][0]["network"], "198.51.100.7");
}

#[test]
fn a_self_signed_certificate_is_renewed_before_it_expires() {
    use gatelodge::base::DAY;
    let world = crate::world::World::new();
    let certificates =
        || world.block_on(gatelodge::tls::Certificates::load(&world.app)).expect("made").expect("wanted");
    let mut watch = gatelodge::tls::Watch::new(world.app.clone(), Arc::new(certificates()));
    let first = world.records();
    certificates();
    world.advance(334 * DAY);
    world.block_on(watch.look()).expect("looked");
    assert_eq!(world.records(), first, "kept as long as it has a month to go");
    world.advance(2 * DAY);
    world.block_on(watch.look()).expect("looked");
    let second = world.records();
    assert_ne!(second, first);
    world.block_on(watch.look()).expect("looked");
    assert_eq!(world.records(), second);
}

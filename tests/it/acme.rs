//! A real certificate authority (pebble, from Debian), the real binary, and what browsers would see.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use crate::courier::Courier;
use crate::process::{Server, file_mail, free_port, refusal};
use crate::store::Folder;
use crate::tls::{Answer, Authority as Ca, Client, plain};

const HOST: &str = "lodge.example.org";

/// The authority. It looks for us at these two ports, wherever a name points. It ends with the test.
struct Authority {
    child: Child,
    port: u16,
    management: u16,
    folder: PathBuf,
    http: u16,
    https: u16,
}

impl Authority {
    /// Its certificates are good for so many seconds.
    fn start(folder: &Path, lifetime: u64) -> Self {
        let folder = folder.join("authority");
        std::fs::create_dir(&folder).expect("made");
        let ca = Ca::new();
        ca.issue("localhost", &folder);
        std::fs::write(folder.join("ca.pem"), &ca.pem).expect("written");
        let [port, management, http, https] = [free_port(), free_port(), free_port(), free_port()];
        let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
        let config = json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{port}"), "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": path("cert.pem"), "privateKey": path("key.pem"), "httpPort": http, "tlsPort": https,
            "ocspResponderURL": "", "externalAccountBindingRequired": false, "certificateValidityPeriod": lifetime,
        }});
        std::fs::write(path("pebble.json"), config.to_string()).expect("written");
        Self { child: run(&folder), port, management, folder, http, https }
    }

    fn restart(&mut self) {
        self.stop();
        self.child = run(&self.folder);
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What a browser trusts that knows this authority.
    fn roots(&self) -> RootCertStore {
        let pem = Client::trusting_anybody(self.management).get("/roots/0").expect(200).body().to_owned();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM")).expect("a root");
        roots
    }

    /// A browser that goes to the site by its name.
    fn browser(&self) -> Client {
        Client::trusting(self.https, self.roots()).going_to(HOST)
    }

    /// A configuration that asks this authority, with these lines in its `[tls.acme]`.
    fn configuration(&self, folder: &Path, listens_in_clear: bool, more: &str) -> String {
        let (dir, authority) = (folder.display(), self.folder.display());
        let http = if listens_in_clear { format!("http = [\"127.0.0.1:{}\"]\n", self.http) } else { String::new() };
        let text = format!(
            "[site]\nurl = \"https://{HOST}\"\n[listen]\nhttps = [\"127.0.0.1:{}\"]\n{http}control = \"{dir}/control.sock\"\n\
             [store]\npath = \"{dir}/gatelodge.redb\"\n{}[tls]\nmode = \"acme\"\n\
             [tls.acme]\ndirectory = \"https://localhost:{}/dir\"\nca_file = \"{authority}/ca.pem\"\n{more}",
            self.https,
            file_mail(folder),
            self.port,
        );
        let path = folder.join("gatelodge.toml");
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(folder: &Path) -> Child {
    let mut child = Command::new("pebble")
        .args(["-strict", "-config"])
        .arg(folder.join("pebble.json"))
        .args(["-dnsserver", &name_server()])
        // It takes its time on purpose, unless it is told not to.
        .env("PEBBLE_VA_NOSLEEP", "1")
        // Otherwise it refuses one nonce in twenty, and now and then three in a row, after which the library gives up.
        .env("PEBBLE_WFE_NONCEREJECT", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("pebble is there; `tests/run` installs it");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    let mut log = String::new();
    while !log.contains("ACME directory available at") {
        assert!(lines.read_line(&mut log).expect("UTF-8") > 0, "pebble ended: {log}");
    }
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    child
}

/// A name server for which every name is this machine (RFC 1035, 4.1). Its thread ends with the test.
fn name_server() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    let address = socket.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, asker)) = socket.recv_from(&mut packet) {
            let _ = socket.send_to(&answer(&packet[..length]), asker);
        }
    });
    address
}

fn answer(query: &[u8]) -> Vec<u8> {
    const HEADER: usize = 12;
    const ADDRESS: [u8; 2] = [0, 1];
    let name_end = HEADER + query[HEADER..].iter().position(|byte| *byte == 0).expect("a name") + 1;
    let (question, kind) = (&query[HEADER..name_end + 4], &query[name_end..name_end + 2]);
    let count = u8::from(kind == ADDRESS);
    let mut answer = [&query[..2], &[0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0], question].concat();
    if count == 1 {
        // The name of the question, type A, class IN, a minute, four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    answer
}

/// Asks over a connection in clear.
fn in_clear(port: u16, path: &str) -> Answer {
    plain(port, &format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"))
}

/// At the first attempt: a failure would be tried again only after minutes.
#[track_caller]
fn is_given_a_certificate(server: &mut Server) -> String {
    let said = server.reads_until_either(&["the authority gave a certificate", "what was served before is served on"]);
    assert!(said.contains("gave a certificate"), "{said}");
    said
}

const A_DAY: u64 = 86_400;

#[test]
fn over_port_80_an_authority_gives_a_certificate_that_outlives_a_restart() {
    let folder = Folder::new();
    let authority = Authority::start(&folder.0, A_DAY);
    let config = authority.configuration(&folder.0, true, "contact = \"admin@example.org\"\n");
    let mut server = Server::start(&["serve", "--config", &config], authority.https);
    let said = is_given_a_certificate(&mut server);
    assert!(said.contains("at port 80"), "{said}");
    let mut browser = authority.browser();
    browser.get("/login").expect(200);
    let certificate = browser.certificate().expect("trusted");

    // What the authority looked for is not there any more, and people are sent on as before.
    let clear = in_clear(authority.http, "/.well-known/acme-challenge/anything");
    assert_eq!(clear.status(), 308);
    let clear = in_clear(authority.http, "/login");
    assert_eq!(clear.header("location"), Some(&*format!("https://{HOST}/login")));

    assert_eq!(server.stops(), Some(0));
    let server = Server::start(&["serve", "--config", &config], authority.https);
    assert_eq!(browser.certificate().expect("trusted"), certificate);
    assert_eq!(server.stops(), Some(0));
    let issued = crate::process::shown(&["audit", "list", "--act", "certificate-issued", "--config", &config], "");
    assert_eq!(issued["items"].as_array().expect("rows").len(), 1, "{issued}");
    assert_eq!(issued["items"][0]["detail"], HOST);
}

#[test]
fn over_port_443_alone_an_authority_gives_one_too() {
    let folder = Folder::new();
    let authority = Authority::start(&folder.0, A_DAY);
    let config = authority.configuration(&folder.0, false, "hosts = [\"lodge.example.org\", \"gate.example.org\"]\n");
    let mut server = Server::start(&["serve", "--config", &config], authority.https);
    let said = is_given_a_certificate(&mut server);
    assert!(said.contains("at port 443"), "{said}");
    authority.browser().get("/login").expect(200);
    authority.browser().going_to("gate.example.org").get("/login").expect(200);
}

#[test]
fn the_courier_asks_for_a_service_that_does_not() {
    let folder = Folder::new();
    let authority = Authority::start(&folder.0, A_DAY);
    let config = authority.configuration(&folder.0, true, "");
    let socket = folder.join("courier.sock");
    let mut courier = Courier::start(&config, &socket, &folder.0, &[]);
    let arguments = ["serve", "--config", &config, "--courier", socket.to_str().expect("UTF-8")];
    let mut server = Server::start(&arguments, authority.https);
    is_given_a_certificate(&mut server);
    authority.browser().get("/login").expect(200);
    courier.reads_until(&format!("POST localhost:{}", authority.port));
}

#[test]
fn a_certificate_is_renewed_in_time_and_an_authority_that_is_gone_leaves_the_old_one() {
    let folder = Folder::new();
    let mut authority = Authority::start(&folder.0, 3);
    let config = authority.configuration(&folder.0, true, "");
    let more = format!("[metrics]\nlisten = [\"127.0.0.1:{}\"]\n", free_port());
    let text = std::fs::read_to_string(&config).expect("UTF-8");
    std::fs::write(&config, text + &more).expect("written");
    let mut server = Server::start(&["serve", "--config", &config], authority.https);
    is_given_a_certificate(&mut server);
    let mut anybody = Client::trusting_anybody(authority.https).going_to(HOST);
    let first = anybody.certificate().expect("any");
    is_given_a_certificate(&mut server);
    let second = anybody.certificate().expect("any");
    assert_ne!(first, second);

    authority.stop();
    let said = server.reads_until("what was served before is served on");
    assert!(said.contains("nothing listens there"), "{said}");
    anybody.get("/login").expect(200);
    let ready = anybody.get("/readyz").expect(200);
    assert!(ready.body().contains("nothing listens there"), "{}", ready.body());

    // When the authority is there again it does not know us any more; the pause is not waited for after a restart.
    authority.restart();
    assert_eq!(server.stops(), Some(0));
    let mut server = Server::start(&["serve", "--config", &config], authority.https);
    server.reads_until("does not know our account any more");
    is_given_a_certificate(&mut server);
}

#[test]
fn an_authority_that_does_not_find_us_says_so_and_pages_are_served_meanwhile() {
    let folder = Folder::new();
    let authority = Authority::start(&folder.0, A_DAY);
    // The world's ports lead to nobody.
    let config = authority.configuration(&folder.0, true, "");
    let elsewhere = free_port();
    let text = std::fs::read_to_string(&config).expect("UTF-8");
    let text = text.replace(&format!(":{}\"", authority.https), &format!(":{elsewhere}\""));
    let text = text.replace(
        &format!("http = [\"127.0.0.1:{}\"]", authority.http),
        &format!("http = [\"127.0.0.1:{}\"]", free_port()),
    );
    std::fs::write(&config, text).expect("written");
    let mut server = Server::start(&["serve", "--config", &config], elsewhere);
    let said = server.reads_until("what was served before is served on");
    for expected in ["did not find this server", "at port 80", "at port 443", HOST, "refused", "again in 2 minutes"] {
        assert!(said.contains(expected), "{said}");
    }
    server.client().going_to(HOST).get("/login").expect(200);
}

#[test]
fn what_no_authority_can_certify_is_refused_before_anything_starts() {
    let folder = Folder::new();
    let text = |site: &str, hosts: &str| {
        let dir = folder.0.display();
        let text = format!(
            "[site]\nurl = \"{site}\"\n[store]\npath = \"{dir}/gatelodge.redb\"\n{}[tls]\nmode = \"acme\"\n[tls.acme]\n{hosts}",
            file_mail(&folder.0)
        );
        std::fs::write(folder.join("a.toml"), text).expect("written");
        let path = folder.join("a.toml");
        refusal(&["serve", "--config", path.to_str().expect("UTF-8")])
    };
    for (site, hosts, words) in [
        ("https://192.0.2.1", "", "no authority gives a certificate for 192.0.2.1"),
        ("https://localhost", "", "no authority gives a certificate for localhost"),
        ("https://a.example.org", "hosts = [\"b.example.org\"]\n", "a.example.org is not among them"),
        ("https://a.example.org", "hosts = [\"*.example.org\"]\n", "not a host's name"),
        ("https://a.example.org", "directory = \"http://ca.example.org/\"\n", "not an https:// URL"),
        ("https://a.example.org", "ca_file = \"/nowhere.pem\"\n", "/nowhere.pem"),
    ] {
        let (code, said) = text(site, hosts);
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains(words), "{said}");
    }
    assert!(!folder.join("gatelodge.redb").exists());
}

//! The courier as a process of its own, beside a service that has no network but the sockets it is handed.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;

use serde_json::{Value, json};

use crate::process::{file_mail, next, read_on, run, shown};
use crate::smtp::{LOGIN, MailServer, SMTP_PASSWORD, mail_server, prepare, settings};
use crate::store::Folder;
use crate::supervised::Manager;
use crate::world::{ALICE, PASSWORD};

/// A running courier. It ends with the test.
pub struct Courier {
    child: Child,
    lines: Receiver<String>,
    socket: PathBuf,
}

impl Courier {
    /// With secrets in this folder, as a service manager gives them.
    pub fn start(config: &str, socket: &Path, credentials: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gatelodge"))
            .args(["courier", "--config", config, "--listen"])
            .arg(socket)
            .args(more)
            .env("CREDENTIALS_DIRECTORY", credentials)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let lines = read_on(child.stdout.take().expect("piped"));
        let mut courier = Self { child, lines, socket: socket.to_owned() };
        courier.reads_until("waiting for errands");
        courier
    }

    #[track_caller]
    pub fn reads_until(&mut self, words: &str) {
        let mut log = String::new();
        while !log.contains(words) {
            let line = next(&self.lines).unwrap_or_else(|fault| panic!("{fault} before {words:?}: {log}"));
            log.push_str(&line);
        }
    }

    /// Says a line, and gives the report.
    fn asked(&self, line: &str) -> Value {
        let stream = UnixStream::connect(&self.socket).expect("it listens");
        let mut answers = BufReader::new(&stream).lines().map(|line| line.expect("UTF-8"));
        assert_eq!(answers.next().as_deref(), Some("gatelodge-courier 1"));
        (&stream).write_all(format!("{line}\n").as_bytes()).expect("it reads");
        serde_json::from_str(&answers.next().expect("a report")).expect("JSON")
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A mail server that wants credentials, and a service without network whose courier has them.
struct Divided {
    post: MailServer,
    credentials: Folder,
    socket: PathBuf,
    service: Manager,
}

impl Divided {
    fn new() -> Self {
        let (folder, credentials) = (Folder::new(), Folder::new());
        prepare(&folder.0);
        let post = mail_server(&folder.0, "tls", LOGIN);
        let mail = "username = \"auth@example.org\"\nca_file = \"{dir}/ca.pem\"\n";
        let sections = settings(&folder.0, post.port, "tls", mail);
        let socket = folder.join("courier.sock");
        // Root can have a network of its own at once, others only with a user of their own.
        let apart: &[&str] = &["unshare", "--net", "--map-root-user"];
        let behind = ["--courier", socket.to_str().expect("UTF-8")];
        let mut service = Manager::of(folder, &sections, &[], &[apart, &behind]);
        service.starts();
        Self { post, credentials, socket, service }
    }

    fn gives_the_password(&self) {
        std::fs::write(self.credentials.join("smtp-password"), SMTP_PASSWORD).expect("written");
    }

    fn courier(&self) -> Courier {
        Courier::start(&self.service.config, &self.socket, &self.credentials.0, &[])
    }

    fn registers(&self) {
        let person = json!({"email": "new@example.org", "password": PASSWORD});
        self.service.client().api("POST", "/register", &person).expect(202);
    }

    fn waits(&self) -> Value {
        shown(&["mail", "list", "--config", &self.service.config], "")["items"][0].clone()
    }
}

#[test]
fn a_service_without_network_sends_its_mail_by_its_courier() {
    let mut divided = Divided::new();
    divided.gives_the_password();
    let mut courier = divided.courier();
    divided.registers();
    let mail = divided.post.next_mail();
    assert_eq!((&mail["to"], &mail["authenticated"]), (&json!(["new@example.org"]), &json!(true)));
    courier.reads_until("a mail was tried");
    divided.service.hears("mail delivered");
    let tested = shown(&["mail", "test", ALICE, "--config", &divided.service.config], "");
    assert_eq!((&tested["accepted"], &tested["to"]), (&json!(true), &json!(ALICE)));
    divided.post.next_mail();
}

#[test]
fn mail_waits_while_there_is_no_courier_and_while_the_courier_has_no_password() {
    let mut divided = Divided::new();
    divided.registers();
    divided.service.hears("mail not delivered");
    let reason = divided.waits()["last_error"].to_string();
    assert!(
        reason.contains("courier.sock cannot be asked") && reason.contains("gatelodge-courier.service"),
        "{reason}"
    );

    let courier = divided.courier();
    shown(&["mail", "retry", "--config", &divided.service.config], "");
    let output = run(&["mail", "test", ALICE, "--config", &divided.service.config], "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(": there is no password for this user"), "{said}");

    // It only has to be put there.
    divided.gives_the_password();
    shown(&["mail", "test", ALICE, "--config", &divided.service.config], "");
    divided.post.next_mail();
    drop(courier);
}

#[test]
fn the_courier_goes_nowhere_but_where_its_configuration_says() {
    let (folder, credentials) = (Folder::new(), Folder::new());
    let acme = "[tls]\nmode = \"acme\"\n[tls.acme]\ndirectory = \"https://ca.example.org/dir\"\n";
    let text = format!("[site]\nurl = \"https://auth.example.org\"\n{}{acme}", file_mail(&folder.0));
    let config = folder.join("gatelodge.toml");
    std::fs::write(&config, text).expect("written");
    let socket = folder.join("courier.sock");
    let courier = Courier::start(config.to_str().expect("UTF-8"), &socket, &credentials.0, &[]);
    let fetch = |url: &str| {
        json!({"fetch": {"method": "GET", "url": url, "headers": [], "body": "", "now": 0, "patience": 5}}).to_string()
    };
    for url in [
        "https://internal.example.org/",
        "http://ca.example.org/dir",
        "https://ca.example.org:8443/dir",
        "https://ca.example.org@internal.example.org/dir",
        "/etc/passwd",
    ] {
        let report = courier.asked(&fetch(url));
        let said = report["failed"].as_str().expect("a refusal");
        assert!(said.contains("is no server that the configuration names"), "{url}: {said}");
    }
    for line in ["", "nonsense", "{}", "{\"fetch\":{}}", &fetch("not a url")] {
        let report = courier.asked(line);
        assert!(report["failed"].as_str().is_some_and(|said| said.contains("does not understand")), "{report}");
    }
    // What is too long is not read to its end, and does no harm.
    let endless = UnixStream::connect(&socket).expect("it listens");
    let _ = (&endless).write_all(&vec![b'x'; 4 << 20]);
    assert!(courier.asked("{}")["failed"].is_string());
}

#[test]
fn a_broken_configuration_only_has_to_be_mended() {
    let folder = Folder::new();
    let config = folder.join("gatelodge.toml");
    std::fs::write(&config, "[site]\nurl = 3\n").expect("written");
    let courier = Courier::start(config.to_str().expect("UTF-8"), &folder.join("courier.sock"), &folder.0, &[]);
    let probe = json!({"probe": {"now": 0, "patience": 5}}).to_string();
    let report = courier.asked(&probe);
    assert!(report["later"].as_str().is_some_and(|said| said.contains("gatelodge.toml:2:7")), "{report}");
    let text = format!("[site]\nurl = \"https://auth.example.org\"\n{}", file_mail(&folder.0));
    std::fs::write(&config, text).expect("written");
    assert_eq!(courier.asked(&probe), json!("accepted"));
}

#[test]
fn a_courier_whose_places_are_all_taken_stops_when_it_is_asked_to() {
    let folder = Folder::new();
    let text = format!("[site]\nurl = \"https://auth.example.org\"\n{}", file_mail(&folder.0));
    let config = folder.join("gatelodge.toml");
    std::fs::write(&config, text).expect("written");
    let socket = folder.join("courier.sock");
    let mut courier = Courier::start(config.to_str().expect("UTF-8"), &socket, &folder.0, &[]);
    // Each has been let in: it was greeted.
    let mut taken: Vec<BufReader<UnixStream>> = (0..8)
        .map(|_| {
            let mut stream = BufReader::new(UnixStream::connect(&socket).expect("it listens"));
            stream.read_line(&mut String::new()).expect("greeted");
            stream
        })
        .collect();
    let id = courier.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill is there").success());
    courier.reads_until("no more errands are taken");
    // The eight may still say what they want, and are answered.
    for stream in &mut taken {
        stream.get_mut().write_all(b"{}\n").expect("it still reads");
        let mut report = String::new();
        stream.read_line(&mut report).expect("it answers");
        assert!(report.contains("does not understand"), "{report}");
    }
    assert!(courier.child.wait().expect("it ends").success());
}

#[test]
fn a_courier_with_nothing_to_do_ends_and_takes_its_socket_away() {
    let folder = Folder::new();
    let text = format!("[site]\nurl = \"https://auth.example.org\"\n{}", file_mail(&folder.0));
    let config = folder.join("gatelodge.toml");
    std::fs::write(&config, text).expect("written");
    let socket = folder.join("courier.sock");
    let mut courier = Courier::start(config.to_str().expect("UTF-8"), &socket, &folder.0, &["--idle", "1"]);
    assert!(courier.child.wait().expect("it ends").success());
    assert!(!socket.exists());
    let output = run(&["courier", "--config", config.to_str().expect("UTF-8")], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("hint: gatelodge courier --listen"));
}

//! The built binary, started as a process, spoken to over TLS.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::store::Folder;
use crate::tls::Client;
use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD};

/// Longer than anything takes that a test waits for, also on a machine that is busy: what waits in vain fails, and does not hang.
const PATIENCE: Duration = Duration::from_mins(3);

/// The next thing that comes, or why none does.
pub fn next<T>(from: &Receiver<T>) -> Result<T, &'static str> {
    from.recv_timeout(PATIENCE).map_err(|error| match error {
        RecvTimeoutError::Timeout => "nothing came for three minutes",
        RecvTimeoutError::Disconnected => "it ended",
    })
}

/// A port that is free. Each is given once, from below those that the kernel gives to outgoing connections: nobody else takes it before it is bound.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let port = || {
        let number = std::process::id().wrapping_mul(97).wrapping_add(GIVEN.fetch_add(1, Relaxed));
        u16::try_from(LOWEST_PORT + number % PORTS).expect("below 2^15")
    };
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(port).find(is_free).expect("one is free")
}

const LOWEST_PORT: u32 = 12_000;
const PORTS: u32 = 20_000;

/// A running server. It ends with the test.
pub struct Server {
    pub child: Child,
    pub port: u16,
    lines: Receiver<String>,
    pub log: String,
}

impl Server {
    /// Starts the binary and waits until it serves.
    pub fn start(arguments: &[&str], port: u16) -> Self {
        Self::start_by(&mut Command::new(env!("CARGO_BIN_EXE_gatelodge")), arguments, port)
    }

    /// As [`Server::start`], by a command that ends by running its arguments; they begin with the binary unless it is the
    /// command itself.
    pub fn start_by(command: &mut Command, arguments: &[&str], port: u16) -> Self {
        let binary = env!("CARGO_BIN_EXE_gatelodge");
        if command.get_program() != binary {
            command.arg(binary);
        }
        let mut child = command
            .args(arguments)
            .env("GATELODGE_LOG", "debug")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary starts");
        let lines = read_on(child.stdout.take().expect("piped"));
        let mut server = Self { child, port, lines, log: String::new() };
        server.reads_until("serving ");
        server
    }

    /// Reads the log until a line contains `words`, and gives that line.
    #[track_caller]
    pub fn reads_until(&mut self, words: &str) -> String {
        self.reads_until_either(&[words])
    }

    /// Reads the log until it says this, unless it has said so already: it may say it before it serves.
    #[track_caller]
    pub fn says(&mut self, words: &str) {
        if !self.log.contains(words) {
            self.reads_until(words);
        }
    }

    /// Reads the log until a line contains one of these, and gives that line.
    #[track_caller]
    pub fn reads_until_either(&mut self, words: &[&str]) -> String {
        loop {
            let line = next(&self.lines).unwrap_or_else(|fault| panic!("{fault} before {words:?}: {}", self.log));
            self.log.push_str(&line);
            if words.iter().any(|words| line.contains(words)) {
                return line;
            }
        }
    }

    pub fn client(&self) -> Client {
        Client::trusting_anybody(self.port)
    }

    /// The most memory that it has had resident stays below a bound; says how much it was (`--show-output` shows it).
    #[track_caller]
    pub fn stays_below(&self, mib: u64) {
        let kib = self.peak_kib();
        let flood = std::thread::current().name().unwrap_or("a test").to_owned();
        println!("RSS: {kib} KiB at most, {} let pass: {flood}", mib << 10);
        assert!(kib < mib << 10, "{kib} KiB");
    }

    fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
    }

    /// Asks it to read its configuration again.
    pub fn hangs_up(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().expect("kill is there").success());
    }

    /// Asks it to stop and gives the exit code.
    pub fn stops(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill is there").success());
        let status = self.child.wait().expect("it ends");
        self.log.extend(self.lines.iter());
        status.code()
    }

    /// Ends it as a power cut would.
    pub fn dies(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

/// Reads the log while nobody looks: a server whose log is not read waits for its reader.
pub fn read_on(stdout: ChildStdout) -> Receiver<String> {
    let (told, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        while stdout.read_line(&mut line).is_ok_and(|read| read > 0) && told.send(std::mem::take(&mut line)).is_ok() {}
        // To the end, also when nobody listens any more.
        let _ = std::io::copy(&mut stdout, &mut std::io::sink());
    });
    lines
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end.
pub fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gatelodge"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // A command that refuses its arguments does not wait for its input.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

/// What a successful command printed, as JSON.
#[track_caller]
pub fn shown(arguments: &[&str], input: &str) -> Value {
    let output = run(&[arguments, &["--json"]].concat(), input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Exit code and message of a command that was refused.
pub fn refusal(arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(arguments, "");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Writes a configuration for a server on loopback and gives its path.
pub fn configuration(folder: &Path, port: u16, more: &str) -> String {
    let path = folder.join("gatelodge.toml");
    let dir = folder.display();
    let text = format!(
        "[site]\nname = \"Hill Street\"\nurl = \"https://localhost:{port}\"\n[listen]\nhttps = [\"127.0.0.1:{port}\"]\ncontrol = \"{dir}/control.sock\"\n\
         [store]\npath = \"{dir}/gatelodge.redb\"\n[password]\nmemory_kib = 8192\niterations = 1\n{more}"
    );
    std::fs::write(&path, text).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

pub fn file_mail(folder: &Path) -> String {
    format!(
        "[mail]\nfrom = \"Hill Street <auth@example.org>\"\ntransport = \"file\"\ndirectory = \"{}/mail\"\n",
        folder.display()
    )
}

/// The token in the only mail of the folder, waiting for the worker that writes it.
pub fn mailed_token(server: &mut Server, folder: &Path) -> String {
    server.reads_until("mail delivered");
    let newest = std::fs::read_dir(folder.join("mail"))
        .expect("the folder")
        .map(|entry| entry.expect("readable").path())
        .max_by_key(|path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).expect("times"))
        .expect("a mail");
    let text = std::fs::read_to_string(newest).expect("ASCII").replace("=\r\n", "");
    let start = text.find("glt_").expect("a token");
    text[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect()
}

#[test]
fn the_demo_needs_nothing_and_does_everything() {
    let folder = Folder::new();
    let (dir, port) = (folder.join("demo"), free_port());
    let mut server = Server::start(&["demo", "--port", &port.to_string(), "--dir", dir.to_str().expect("UTF-8")], port);
    server.reads_until(&format!("runs at https://localhost:{port}"));
    let mut alice = server.client();
    alice.api("POST", "/register", &json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let link = server.reads_until("/confirm/glt_");
    assert!(std::fs::read_dir(dir.join("mail")).expect("the folder").count() == 1);
    let token = link.trim().rsplit('/').next().expect("a token");
    alice.api("POST", "/confirm", &json!({"token": token})).expect(200);
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    assert_eq!(alice.api("GET", "/session", &Value::Null).expect(200).json()["user"]["email"], ALICE);
    alice
        .api("POST", "/account/password", &json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD}))
        .expect(200);
    alice.api("POST", "/logout", &Value::Null).expect(204);
    alice.api("POST", "/forgot", &json!({"email": ALICE})).expect(202);
    let link = server.reads_until("/reset/glt_");
    let token = link.trim().rsplit('/').next().expect("a token");
    alice.api("POST", "/reset", &json!({"token": token, "password": PASSWORD})).expect(200);
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    assert_eq!(server.stops(), Some(0));
}

#[test]
fn the_demo_says_how_it_is_reached_and_administered_and_every_command_reaches_it() {
    let folder = Folder::new();
    let (dir, port) = (folder.join("a demo"), free_port().to_string());
    let dir_name = dir.to_str().expect("UTF-8");
    let words = ["demo", "--port", &port, "--dir", dir_name];
    let mut server = Server::start(&words, port.parse().expect("a port"));
    let config = dir.join("gatelodge.toml").to_str().expect("UTF-8").to_owned();
    server.reads_until(&format!("gatelodge --config '{config}' user list"));
    server.reads_until("becomes its administrator");
    let link = server.reads_until("/setup/glf_");
    let token = link.trim().rsplit('/').next().expect("a token");
    let mut root = server.client();
    root.api("POST", "/setup", &json!({"token": token, "email": ALICE, "password": PASSWORD})).expect(200);
    let listed = || shown(&["user", "list", "--config", &config], "")["items"][0]["email"].clone();
    assert_eq!(listed(), ALICE);
    // Every mail's link: of a notice too.
    root.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    root.api("POST", "/account/password", &change).expect(200);
    server.reads_until("was changed");
    server.reads_until(&format!("https://localhost:{port}/forgot"));
    // Another beside it is told which port to choose, and its configuration is not written.
    let other = folder.join("other");
    let (code, said) = refusal(&["demo", "--port", &port, "--dir", other.to_str().expect("UTF-8")]);
    assert!(code == Some(1) && said.contains("choose another with --port N") && !said.contains("[listen]"), "{said}");
    assert!(!other.join("gatelodge.toml").exists());
    assert_eq!(server.stops(), Some(0));
    assert_eq!(listed(), ALICE);
    std::fs::write(&config, "[site]\nurl = \"https://auth.example.org\"\n").expect("written");
    let (code, said) = refusal(&words);
    assert!(code == Some(1) && said.contains("is no demo's configuration"), "{said}");
}

#[test]
fn commands_work_beside_a_running_server_and_without_one() {
    let folder = Folder::new();
    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let config = ["--config", &config];
    let add = |email: &str| {
        shown(
            &[&["user", "add", email, "--admin", "--confirmed", "--password-stdin"][..], &config].concat(),
            &format!("{PASSWORD}\n"),
        )
    };
    add("first@example.org");

    let server = Server::start(&[&["serve"][..], &config].concat(), port);
    assert_eq!(add("second@example.org")["groups"], json!(["admins"]));
    assert_eq!(shown(&[&["user", "list"][..], &config].concat(), "")["items"].as_array().map(Vec::len), Some(2));
    let mut browser = server.client();
    browser.api("POST", "/login", &json!({"identity": "first@example.org", "password": PASSWORD})).expect(200);
    shown(&[&["user", "disable", "first@example.org"][..], &config].concat(), "");
    browser.api("GET", "/session", &Value::Null).expect(401);
    shown(&[&["key", "rotate"][..], &config].concat(), "");
    assert_eq!(server.stops(), Some(0));

    let alone = shown(&[&["user", "enable", "first@example.org"][..], &config].concat(), "");
    assert_eq!(alone["disabled_at"], Value::Null);
    let (code, message) = refusal(&[&["user", "show", "nobody@example.org"][..], &config].concat());
    assert_eq!(code, Some(1));
    assert!(message.starts_with("gatelodge: there is no account nobody@example.org\nhint: "), "{message}");
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = Folder::new();
    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let arguments = ["serve", "--config", &config];
    let mut server = Server::start(&arguments, port);
    let mut alice = server.client();
    alice.api("POST", "/register", &json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let token = mailed_token(&mut server, &folder.0);
    alice.api("POST", "/confirm", &json!({"token": token})).expect(200);
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    let mut ended = alice.copy();
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    server.dies();

    let server = Server::start(&arguments, port);
    alice.reconnect(server.port);
    ended.reconnect(server.port);
    alice.api("GET", "/session", &Value::Null).expect(200);
    ended.api("GET", "/session", &Value::Null).expect(401);
    alice.api("POST", "/confirm", &json!({"token": token})).expect(403);
}

#[test]
fn a_second_server_is_told_about_the_first() {
    let folder = Folder::new();
    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let server = Server::start(&["serve", "--config", &config], port);
    let (code, message) = refusal(&["serve", "--config", &config]);
    assert_eq!(code, Some(1));
    assert!(message.contains(&format!("in use by process {}", server.child.id())), "{message}");
}

#[test]
fn a_server_of_another_version_is_to_be_restarted() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    let socket = std::os::unix::net::UnixListener::bind(folder.join("control.sock")).expect("a socket");
    let other = std::thread::spawn(move || {
        socket.accept().and_then(|(mut stream, _)| stream.write_all(b"gatelodge-control 999\n"))
    });
    let (code, message) = refusal(&["user", "list", "--config", &config]);
    assert_eq!(code, Some(1));
    assert!(message.contains("restart the service"), "{message}");
    other.join().expect("no panic").expect("greeted");
}

#[test]
fn a_template_of_ones_own_is_used_and_a_broken_one_stops_the_start() {
    let folder = Folder::new();
    let port = free_port();
    let templates = folder.join("templates");
    std::fs::create_dir(&templates).expect("made");
    let path = configuration(&folder.0, port, &file_mail(&folder.0));
    let text = std::fs::read_to_string(&path).expect("read");
    std::fs::write(&path, text.replace("[site]\n", &format!("[site]\ntemplates = \"{}\"\n", templates.display())))
        .expect("written");
    std::fs::write(templates.join("forgot.html"), "<p>{{ site }}: our own</p>").expect("written");
    let server = Server::start(&["serve", "--config", &path], port);
    assert_eq!(server.client().get("/forgot").expect(200).body(), "<p>Hill Street: our own</p>");
    assert_eq!(server.stops(), Some(0));
    for broken in ["{% if %}", "Subject: x\n\n{{ nothing_of_the_kind }}"] {
        std::fs::write(templates.join("reset-password.txt"), broken).expect("written");
        let (code, message) = refusal(&["serve", "--config", &path]);
        assert_eq!((code, message.contains("reset-password.txt")), (Some(78), true), "{message}");
    }
}

#[test]
fn a_mail_server_that_says_nothing_does_not_keep_the_server_from_stopping() {
    let folder = Folder::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let mail_port = silent.local_addr().expect("an address").port();
    let mail = format!(
        "[mail]\nfrom = \"a@example.org\"\n[mail.smtp]\nhost = \"localhost\"\nport = {mail_port}\nsecurity = \"none\"\n"
    );
    let port = free_port();
    let config = configuration(&folder.0, port, &mail);
    let server = Server::start(&["serve", "--config", &config], port);
    let looking = silent.accept().expect("at the start it is looked whether it lets us in");
    server.client().api("POST", "/register", &json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let connection = silent.accept().expect("the worker connects");
    assert_eq!(server.stops(), Some(0));
    drop((looking, connection));
    assert_eq!(shown(&["mail", "list", "--config", &config], "")["items"][0]["attempts"], 1);
}

#[test]
fn exit_codes_say_what_kind_of_failure_it_was() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    assert_eq!(refusal(&["serve", "--config", "/nowhere/gatelodge.toml"]).0, Some(78));
    assert_eq!(refusal(&["check", "--config", "/nowhere/gatelodge.toml"]).0, Some(78));
    assert_eq!(refusal(&["serve", "--no-such-option"]).0, Some(2));
    assert_eq!(refusal(&["user", "add", ALICE, "--password", "on the command line", "--config", &config]).0, Some(2));
    assert_eq!(refusal(&["check", "--config", &config]).0, Some(0));
    assert_eq!(refusal(&["user", "list", "--config", &config]).0, Some(65));
    shown(&["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config], PASSWORD);

    std::fs::write(folder.join("gatelodge.redb"), vec![7; 100_000]).expect("written");
    let (code, message) = refusal(&["user", "list", "--config", &config]);
    assert_eq!((code, message.contains("damaged")), (Some(65), true), "{message}");
    std::fs::remove_file(folder.join("gatelodge.redb")).expect("removed");
    let (code, message) = refusal(&["serve", "--config", &config]);
    assert_eq!((code, message.contains("the store is missing")), (Some(65), true), "{message}");
}

#[test]
fn a_wrong_setting_is_named_with_its_place_and_a_hint() {
    let folder = Folder::new();
    let path = configuration(&folder.0, free_port(), &format!("min_lenght = 15\n{}", file_mail(&folder.0)));
    let (code, message) = refusal(&["check", "--config", &path]);
    assert_eq!(code, Some(78));
    assert!(
        message.contains("gatelodge.toml:12:1: unknown key `min_lenght`\nhint: did you mean `min_length`? known here"),
        "{message}"
    );
}

#[test]
fn help_teaches_on_every_level() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["demo", "--help"],
        &["check", "--help"],
        &["user", "--help"],
        &["user", "add", "--help"],
        &["user", "group", "--help"],
        &["mail", "--help"],
        &["mail", "test", "--help"],
        &["key", "--help"],
        &["throttle", "--help"],
        &["throttle", "lift", "--help"],
        &["audit", "--help"],
        &["audit", "list", "--help"],
        &["clock", "--help"],
        &["backup", "--help"],
        &["restore", "--help"],
        &["export", "--help"],
        &["import", "--help"],
    ] {
        let output = run(arguments, "");
        assert!(output.status.success() && output.stdout.len() > 150, "{arguments:?}");
    }
    let version = run(&["--version"], "");
    assert_eq!(String::from_utf8_lossy(&version.stdout).trim(), format!("gatelodge {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn oversized_requests_end_early_and_the_server_lives() {
    let folder = Folder::new();
    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let server = Server::start(&["serve", "--config", &config], port);
    let mut client = server.client();
    let long = "x".repeat(100_000);
    assert_eq!(
        client
            .raw(&format!("GET /login HTTP/1.1\r\nHost: localhost\r\nX-Long: {long}\r\nConnection: close\r\n\r\n"))
            .status(),
        431
    );
    assert!(matches!(
        client.raw(&format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).status(),
        414 | 431
    ));
    let body = json!({"identity": ALICE, "password": "x".repeat(1_000_000)});
    client.api("POST", "/login", &body).refused(413, "too_large");
    let chunked = format!(
        "POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
        long.len()
    );
    client.raw(&chunked).refused(413, "too_large");
    assert_eq!(client.raw("nonsense\r\n\r\n").status(), 400);
    client.api("GET", "/session", &Value::Null).refused(401, "not_logged_in");
}

#[test]
fn nothing_secret_is_logged() {
    let folder = Folder::new();
    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let mut server = Server::start(&["serve", "--config", &config], port);
    let mut alice = server.client();
    alice.api("POST", "/register", &json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let token = mailed_token(&mut server, &folder.0);
    alice.get(&format!("/confirm/{token}")).expect(200);
    alice.api("POST", "/confirm", &json!({"token": token})).expect(200);
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": OTHER_PASSWORD})).expect(401);
    alice.api("POST", "/reset", &json!({"token": "glt_garbage", "password": OTHER_PASSWORD})).expect(403);
    let cookies: Vec<String> = alice.cookies.values().cloned().collect();
    let log = {
        let id = server.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill is there");
        server.child.wait().expect("it ends");
        server.log.extend(server.lines.iter());
        server.log.clone()
    };
    assert!(log.contains("/confirm/{token}"), "the routes are logged: {log}");
    for secret in cookies.iter().map(String::as_str).chain([PASSWORD, OTHER_PASSWORD, ALICE, "glt_", "gls_"]) {
        assert!(!log.contains(secret), "{secret} is in: {log}");
    }
}

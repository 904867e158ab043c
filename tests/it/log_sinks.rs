//! A server whose log goes nowhere: to a reader who has gone or does not read, or onto a disk that is full. Nobody who logs in notices.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::process::{configuration, file_mail, free_port, run};
use crate::store::Folder;
use crate::tls::{Client, over_http_2};
use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD};

const BOB: &str = "bob@example.org";

/// It ends with the test.
struct Deaf(Child);

impl Deaf {
    /// Starts a command of the program whose words and faults go there.
    fn start(arguments: &[&str], out: Stdio, err: Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatelodge"));
        command.args(arguments).env("GATELODGE_LOG", "debug").stdin(Stdio::null()).stdout(out).stderr(err);
        Self(command.spawn().expect("the binary starts"))
    }

    fn stops(&mut self) -> Option<i32> {
        assert!(
            Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().expect("kill is there").success()
        );
        self.0.wait().expect("it ends").code()
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Longer than any answer takes: a server that waits for its log fails the test, and does not hang it.
const PATIENCE: Duration = Duration::from_mins(1);

/// Has the server say a dozen lines.
fn is_answered(port: u16) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let answered = runtime.block_on(async { tokio::time::timeout(PATIENCE, over_http_2(port, "GET")).await });
    assert_eq!(answered.expect("it waits for whoever reads its log"), (200, 2));
}

/// Reads the log until a line with these words, which it gives, and leaves the rest unread.
#[track_caller]
fn reads_until(log: &mut BufReader<PipeReader>, words: &str) -> String {
    let mut line = String::new();
    while log.read_line(&mut line).is_ok_and(|read| read > 0) {
        if line.contains(words) {
            return line;
        }
        line.clear();
    }
    panic!("the log ended before {words:?}");
}

fn logs_in(port: u16) {
    let mut alice = Client::trusting_anybody(port);
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": OTHER_PASSWORD})).expect(401);
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    // A worker has something to say as well.
    alice.api("POST", "/register", &json!({"email": BOB, "password": PASSWORD})).expect(202);
    alice.get("/healthz").expect(200);
}

fn prepared(folder: &Path, port: u16) -> String {
    let config = configuration(folder, port, &file_mail(folder));
    let add = ["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config];
    assert!(run(&add, PASSWORD).status.success());
    config
}

#[test]
fn a_reader_that_goes_away_is_not_missed() {
    let (folder, port) = (Folder::new(), free_port());
    let config = prepared(&folder.0, port);
    let dir = folder.join("demo");
    let demo_port = free_port().to_string();
    let demo: &[&str] = &["demo", "--port", &demo_port, "--dir", dir.to_str().expect("UTF-8")];
    for (arguments, port) in [(&["serve", "--config", &config][..], port), (demo, demo_port.parse().expect("a port"))] {
        let (log, end) = pipe().expect("a pipe");
        let other = end.try_clone().expect("copied");
        let mut server = Deaf::start(arguments, end.into(), other.into());
        let mut log = BufReader::new(log);
        reads_until(&mut log, "serving ");
        drop(log);
        if arguments[0] == "serve" {
            logs_in(port);
        } else {
            let mut somebody = Client::trusting_anybody(port);
            somebody.api("POST", "/register", &json!({"email": BOB, "password": PASSWORD})).expect(202);
            somebody.api("POST", "/login", &json!({"identity": BOB, "password": PASSWORD})).expect(401);
        }
        assert_eq!(server.stops(), Some(0), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_does_not_read_holds_up_nobody_and_is_told_what_it_missed() {
    let (folder, port) = (Folder::new(), free_port());
    let config = prepared(&folder.0, port);
    let (log, end) = pipe().expect("a pipe");
    let other = end.try_clone().expect("copied");
    let mut server = Deaf::start(&["serve", "--config", &config], end.into(), other.into());
    let mut log = BufReader::new(log);
    reads_until(&mut log, "serving ");
    // More lines than the pipe holds and than may wait beside it.
    for _ in 0..330 {
        is_answered(port);
    }
    logs_in(port);
    let told = reads_until(&mut log, "lines of this log are missing");
    let lost: u64 = told.trim().rsplit('=').next().and_then(|lost| lost.parse().ok()).expect("how many");
    assert!(lost > 0, "{told}");
    // And again it does not read, to the end of the server.
    for _ in 0..80 {
        is_answered(port);
    }
    assert_eq!(server.stops(), Some(0));
}

#[test]
fn a_log_on_a_full_disk_keeps_nobody_out() {
    let (folder, port) = (Folder::new(), free_port());
    let config = prepared(&folder.0, port);
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("there is one");
    let mut server = Deaf::start(&["serve", "--config", &config], full().into(), full().into());
    // Nothing tells when it is ready but that it answers.
    let is_up = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    while !is_up() {
        assert!(server.0.try_wait().expect("asked").is_none(), "it ended");
        std::thread::yield_now();
    }
    logs_in(port);
    assert_eq!(server.stops(), Some(0));
}

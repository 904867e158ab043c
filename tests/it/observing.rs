//! What those see who watch over the appliance: readiness, metrics, log lines, and the files in `config/` that read them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::process::{Server, configuration, file_mail, free_port, shown};
use crate::store::Folder;
use crate::world::{ALICE, PASSWORD};

struct Watched {
    folder: Folder,
    config: String,
    server: Server,
    metrics: u16,
}

impl Watched {
    fn new(more: &str) -> Self {
        let folder = Folder::new();
        let (port, metrics) = (free_port(), free_port());
        let more = format!("{}[metrics]\nlisten = [\"127.0.0.1:{metrics}\"]\n{more}", file_mail(&folder.0));
        let config = configuration(&folder.0, port, &more);
        shown(
            &["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config],
            &format!("{PASSWORD}\n"),
        );
        // As under systemd, where stdout goes to the journal.
        let mut command = Command::new("env");
        let server = Server::start_by(command.arg("JOURNAL_STREAM=8:1"), &["serve", "--config", &config], port);
        Self { folder, config, server, metrics }
    }

    fn logs_in(&self, password: &str) -> u16 {
        self.server.client().api("POST", "/login", &json!({"identity": ALICE, "password": password})).status()
    }

    fn scrapes(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.metrics)).expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("UTF-8");
        answer
    }
}

fn shipped(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(path)).expect("shipped")
}

/// The names in a text that begin as ours do.
fn names(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_part(c)).filter(|word| word.starts_with("gatelodge_")).map(str::to_owned).collect()
}

#[test]
fn monitoring_reads_what_happened() {
    let watched = Watched::new("");
    watched.server.client().get("/login").expect(200);
    watched.server.client().get("/nothing/here").expect(404);
    assert_eq!(watched.logs_in(PASSWORD), 200);
    assert_eq!(watched.logs_in("not the password at all"), 401);
    let answer = watched.scrapes("/metrics");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("text/plain; version=0.0.4"), "{answer}");
    for line in [
        r#"gatelodge_requests_total{method="GET",route="/login",status="200"} 1"#,
        r#"gatelodge_requests_total{method="POST",route="/api/v1/login",status="200"} 1"#,
        r#"gatelodge_requests_total{method="POST",route="/api/v1/login",status="401"} 1"#,
        r#"gatelodge_requests_total{method="",route="",status="404"} 1"#,
        r#"gatelodge_request_seconds_count{method="POST",route="/api/v1/login"} 2"#,
        r#"gatelodge_logins_total{outcome="done"} 1"#,
        r#"gatelodge_logins_total{outcome="refused"} 1"#,
        "gatelodge_hash_seconds_count 2",
        "gatelodge_hashes_waiting 0",
        r#"gatelodge_outbox_mails{state="queued"} 0"#,
        "gatelodge_clock_doubted 0",
    ] {
        assert!(answer.lines().any(|found| found == line), "{line}\n{answer}");
    }
    let value = |name: &str| -> u64 {
        let line =
            answer.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {answer}"));
        line.trim().parse().expect("a number")
    };
    assert!(value("gatelodge_commit_seconds_count") >= 2);
    assert!(value("gatelodge_store_bytes") > 10_000);
    assert!(value("gatelodge_disk_free_bytes") > 1 << 20);
    assert!(value("gatelodge_certificate_expires_timestamp_seconds") > 1_790_000_000);
    assert!(!answer.contains(ALICE));
    // Every sample has its family, and the dashboard asks for nothing that is not there.
    let known = names(&answer);
    for name in names(&shipped("grafana/gatelodge.json")) {
        assert!(known.contains(&name), "the dashboard asks for {name}");
    }
    assert!(watched.scrapes("/login").starts_with("HTTP/1.1 404"), "only metrics are served there");
    watched.server.client().get("/metrics").expect(404);
}

#[test]
fn whether_people_can_be_served_is_told_and_why_not_only_to_those_who_run_it() {
    let watched = Watched::new("");
    let here = watched.server.client().get("/readyz").expect(200).json();
    assert_eq!(here["status"], "ready");
    assert_eq!((&here["store"], &here["clock"]), (&json!("writable"), &json!("sure")));
    assert_eq!(here["stuck_workers"], json!([]));
    let mut proxied = watched.server.client();
    assert_eq!(proxied.get_through_a_proxy("/readyz").expect(200).json(), json!({"status": "ready"}));
    shown(&["user", "group", "add", ALICE, "admins", "--config", &watched.config], "");
    proxied.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    assert_eq!(proxied.get_through_a_proxy("/readyz").expect(200).json()["disk"], "plenty");
}

#[test]
fn the_journal_reads_priorities() {
    let watched = Watched::new("");
    let log = &watched.server.log;
    assert!(log.lines().any(|line| line.starts_with("<6> INFO serving https://")), "{log}");
}

#[test]
fn programs_read_json() {
    let mut watched = Watched::new("[log]\nformat = \"json\"\n");
    assert_eq!(watched.logs_in("not the password at all"), 401);
    let line = watched.server.reads_until("login refused");
    let logged: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(logged["level"], "info");
    assert_eq!(logged["message"], "login refused from 127.0.0.1");
    assert!(logged["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
}

#[test]
fn fail2ban_finds_whom_to_block() {
    for format in ["text", "json"] {
        let mut watched = Watched::new(&format!("[log]\nformat = \"{format}\"\n"));
        assert_eq!(watched.logs_in("not the password at all"), 401);
        watched.server.reads_until("login refused");
        let log = watched.folder.join("log");
        std::fs::write(&log, &watched.server.log).expect("written");
        let filter = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/fail2ban/filter.d/gatelodge.conf");
        let output = Command::new("fail2ban-regex").args(["--print-all-matched"]).arg(&log).arg(filter).output();
        let said = output.expect("fail2ban is there; `tests/run` installs it");
        let said = String::from_utf8_lossy(&said.stdout);
        assert!(said.contains(" 1 matched") && said.contains("login refused from 127.0.0.1"), "{format}: {said}");
    }
}

#[test]
fn whoever_is_refused_what_they_may_not_do_is_counted_and_told() {
    let mut watched = Watched::new("");
    let mut alice = watched.server.client();
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    let id = alice.api("GET", "/session", &Value::Null).expect(200).json()["user"]["id"].clone();
    let account = id.as_str().expect("an id");
    for _ in 0..3 {
        alice.api("GET", "/admin/users", &Value::Null).refused(403, "forbidden");
    }
    let line = watched.server.reads_until("refused from 127.0.0.1: GET /api/v1/admin/users");
    assert!(line.contains("forbidden") && line.contains(account) && !line.contains(ALICE), "{line}");
    // Who they are does not matter where another site sends them.
    alice.request("POST", "/logout", "Origin: https://evil.example\r\n", "").expect(403);
    let line = watched.server.reads_until("refused from 127.0.0.1: POST /logout");
    assert!(line.contains("cross_site") && line.contains(account), "{line}");
    let bearer = "Authorization: Bearer gla_nonsense\r\n";
    watched.server.client().request("GET", "/api/v1/session", bearer, "").expect(401);
    let line = watched.server.reads_until("refused from 127.0.0.1: GET /api/v1/session");
    assert!(line.contains("bad_token") && line.contains("nobody") && !line.contains("nonsense"), "{line}");
    // Without a session is not without a right.
    watched.server.client().request("GET", "/api/v1/session", "", "").expect(401);
    let answer = watched.scrapes("/metrics");
    for (reason, count) in [("forbidden", 3), ("insufficient_scope", 0), ("cross_site", 1), ("bad_token", 1)] {
        let line = format!("gatelodge_refusals_total{{reason=\"{reason}\"}} {count}");
        assert!(answer.lines().any(|found| found == line), "{line}\n{answer}");
    }
    assert_eq!(watched.server.log.matches("GET /api/v1/admin/users").count(), 1, "{}", watched.server.log);
}

#[test]
fn mails_that_wait_are_counted() {
    let folder = Folder::new();
    let (port, metrics) = (free_port(), free_port());
    // Nobody takes mails there.
    let more = format!(
        "[mail]\nfrom = \"a@example.org\"\n[mail.smtp]\nhost = \"localhost\"\nport = {}\nsecurity = \"none\"\n[metrics]\nlisten = [\"127.0.0.1:{metrics}\"]\n",
        free_port()
    );
    let config = configuration(&folder.0, port, &more);
    let mut server = Server::start(&["serve", "--config", &config], port);
    server.client().api("POST", "/register", &json!({"email": ALICE, "password": PASSWORD})).expect(202);
    server.reads_until("mail not delivered");
    let watched = Watched { folder, config, server, metrics };
    let answer = watched.scrapes("/metrics");
    assert!(answer.contains("gatelodge_outbox_mails{state=\"queued\"} 1\n"), "{answer}");
    assert!(answer.contains("gatelodge_mails_refused_total 1\n"), "{answer}");
}

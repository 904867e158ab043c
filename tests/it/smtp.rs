//! A real SMTP server (aiosmtpd, `tests/smtp/server.py`) and the real binary.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use gatelodge::base::{BUILD_DATE, DAY, EmailAddress, MailId, Moment, Timestamp};
use gatelodge::config::Config;
use gatelodge::courier::delivery::Outcome;
use gatelodge::courier::{CallOptions, Courier};
use gatelodge::mail::{Composer, Letter};
use gatelodge::templates::load_languages;
use serde_json::{Value, json};

use crate::process::{Server, configuration, free_port, refusal, run, shown};
use crate::scripted_mail::{Script, Scripted};
use crate::store::Folder;
use crate::tls::Authority;
use crate::world::{ALICE, PASSWORD};

/// A mail server on loopback. It ends with the test.
pub struct MailServer {
    child: Child,
    pub lines: BufReader<ChildStdout>,
    pub port: u16,
}

impl MailServer {
    pub fn start(arguments: &[&str]) -> Self {
        let python = std::env::var("GATELODGE_TEST_PYTHON")
            .unwrap_or_else(|_| format!("{}/target/test-python/bin/python", env!("CARGO_MANIFEST_DIR")));
        let mut child = Command::new(&python)
            .arg(format!("{}/tests/smtp/server.py", env!("CARGO_MANIFEST_DIR")))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python}: {error}; `tests/run` sets up what these tests need"));
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut ready = String::new();
        lines.read_line(&mut ready).expect("UTF-8");
        let port =
            ready.trim().strip_prefix("ready ").and_then(|port| port.parse().ok()).expect("the mail server is ready");
        Self { child, lines, port }
    }

    /// The next thing that happened.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        assert_ne!(self.lines.read_line(&mut line).expect("UTF-8"), 0, "the mail server ended");
        serde_json::from_str(&line).expect("JSON")
    }

    /// Ends it, and gives everything that happened since the last look.
    pub fn ends(mut self) -> Vec<Value> {
        drop(self.child.stdin.take());
        let events = self.lines.by_ref().lines().map(|line| serde_json::from_str(&line.expect("UTF-8")).expect("JSON"));
        events.collect()
    }

    pub fn next_mail(&mut self) -> Value {
        loop {
            let event = self.next();
            if event["event"] == "mail" {
                return event;
            }
        }
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const USER: &str = "auth@example.org";
pub const SMTP_PASSWORD: &str = "the mail server's own secret";

/// Certificates for a mail server called localhost, and a password file.
pub fn prepare(folder: &Path) {
    let authority = Authority::new();
    authority.issue("localhost", folder);
    std::fs::write(folder.join("ca.pem"), &authority.pem).expect("written");
    std::fs::write(folder.join("smtp-password"), format!("{SMTP_PASSWORD}\n")).expect("written");
}

pub fn mail_server(folder: &Path, security: &str, more: &[&str]) -> MailServer {
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let files = [
        "--certificate",
        certificate.to_str().expect("UTF-8"),
        "--key",
        key.to_str().expect("UTF-8"),
        "--security",
        security,
    ];
    MailServer::start(&[&files[..], more].concat())
}

pub const LOGIN: &[&str] = &["--user", USER, "--password", SMTP_PASSWORD];

pub fn settings(folder: &Path, port: u16, security: &str, more: &str) -> String {
    format!("[mail]\nfrom = \"Hill Street <auth@example.org>\"\n[mail.smtp]\nhost = \"localhost\"\nport = {port}\nsecurity = \"{security}\"\n{more}\n")
        .replace("{dir}", folder.to_str().expect("UTF-8"))
}

const TRUST: &str = "ca_file = \"{dir}/ca.pem\"\n";
const CREDENTIALS: &str =
    "username = \"auth@example.org\"\npassword_file = \"{dir}/smtp-password\"\nca_file = \"{dir}/ca.pem\"\n";

fn registers(server: &Server) {
    server.client().api("POST", "/register", &json!({"email": ALICE, "password": PASSWORD})).expect(202);
}

fn waiting(config: &str) -> Value {
    shown(&["mail", "list", "--config", config], "")["items"].clone()
}

#[test]
fn mail_leaves_by_starttls_and_by_tls_with_credentials() {
    for security in ["starttls", "tls"] {
        let folder = Folder::new();
        prepare(&folder.0);
        let mut post = mail_server(&folder.0, security, LOGIN);
        let port = free_port();
        let config = configuration(&folder.0, port, &settings(&folder.0, post.port, security, CREDENTIALS));
        let mut server = Server::start(&["serve", "--config", &config], port);
        registers(&server);
        let mail = post.next_mail();
        assert_eq!(
            (&mail["to"], &mail["sender"], &mail["tls"], &mail["authenticated"]),
            (&json!([ALICE]), &json!(USER), &json!(true), &json!(true)),
            "{security}"
        );
        let content = mail["content"].as_str().expect("text");
        assert!(
            content.contains("Subject: Confirm your address for Hill Street")
                && content.contains("Auto-Submitted: auto-generated")
        );
        server.reads_until("mail delivered");
        assert_eq!(waiting(&config), json!([]));
    }
}

#[test]
fn a_relay_on_loopback_may_be_plain() {
    let folder = Folder::new();
    let mut post = MailServer::start(&[]);
    let port = free_port();
    let config = configuration(&folder.0, port, &settings(&folder.0, post.port, "none", ""));
    let server = Server::start(&["serve", "--config", &config], port);
    registers(&server);
    assert_eq!(post.next_mail()["tls"], false);
}

#[test]
fn wrong_credentials_keep_the_mail_until_they_are_mended() {
    let folder = Folder::new();
    prepare(&folder.0);
    let mut post = mail_server(&folder.0, "starttls", LOGIN);
    std::fs::write(folder.join("smtp-password"), "another\n").expect("written");
    let port = free_port();
    let config = configuration(&folder.0, port, &settings(&folder.0, post.port, "starttls", CREDENTIALS));
    let mut server = Server::start(&["serve", "--config", &config], port);
    registers(&server);
    server.reads_until("mail not delivered");
    let mails = waiting(&config);
    assert_eq!(mails[0]["state"], "queued");
    assert!(
        mails[0]["last_error"].as_str().is_some_and(|reason| reason.contains("refused the credentials")),
        "{mails}"
    );
    assert_eq!(server.stops(), Some(0));

    std::fs::write(folder.join("smtp-password"), format!("{SMTP_PASSWORD}\n")).expect("written");
    shown(&["mail", "retry", mails[0]["id"].as_str().expect("an id"), "--config", &config], "");
    let _server = Server::start(&["serve", "--config", &config], port);
    assert_eq!(post.next_mail()["to"], json!([ALICE]));
}

#[test]
fn a_temporary_refusal_is_tried_again() {
    let folder = Folder::new();
    let mut post = MailServer::start(&["--answers", "451 4.7.1 greylisted,450 4.2.0 try later"]);
    let port = free_port();
    let config = configuration(&folder.0, port, &settings(&folder.0, post.port, "none", ""));
    let mut server = Server::start(&["serve", "--config", &config], port);
    registers(&server);
    for attempt in 1..=2 {
        assert_eq!(post.next()["event"], "refused");
        server.reads_until("it is tried again");
        let mails = waiting(&config);
        assert_eq!((&mails[0]["state"], &mails[0]["attempts"]), (&json!("queued"), &json!(attempt)));
        // Rather than wait for the pause, say that now is the time.
        shown(&["mail", "retry", mails[0]["id"].as_str().expect("an id"), "--config", &config], "");
    }
    assert_eq!(post.next_mail()["to"], json!([ALICE]));
}

#[test]
fn a_refusal_for_good_is_seen_and_can_be_queued_again() {
    let folder = Folder::new();
    let mut post = MailServer::start(&["--answers", "550 5.1.1 no such user"]);
    let port = free_port();
    let config = configuration(&folder.0, port, &settings(&folder.0, post.port, "none", ""));
    let mut server = Server::start(&["serve", "--config", &config], port);
    registers(&server);
    server.reads_until("refused for good");
    let mails = waiting(&config);
    assert_eq!(
        (&mails[0]["state"], &mails[0]["attempts"], &mails[0]["due_at"]),
        (&json!("failed"), &json!(1), &Value::Null)
    );
    assert!(mails[0]["last_error"].as_str().is_some_and(|reason| reason.contains("no such user")), "{mails}");
    assert_eq!(shown(&["mail", "retry", "--config", &config], ""), json!({"queued": 1}));
    assert_eq!(post.next_mail()["to"], json!([ALICE]));
}

#[test]
fn the_server_starts_and_serves_while_the_mail_server_is_down() {
    let folder = Folder::new();
    let (port, mail_port) = (free_port(), free_port());
    let config = configuration(&folder.0, port, &settings(&folder.0, mail_port, "none", ""));
    let mut server = Server::start(&["serve", "--config", &config], port);
    registers(&server);
    server.reads_until("nothing listens at");
    server.client().get("/login").expect(200);
    let mut post = MailServer::start(&["--port", &mail_port.to_string()]);
    let id = waiting(&config)[0]["id"].as_str().expect("an id").to_owned();
    shown(&["mail", "retry", &id, "--config", &config], "");
    let mail = post.next_mail();
    assert!(
        mail["content"].as_str().is_some_and(|content| content.contains(&format!("Message-ID: <{id}@example.org>")))
    );
}

#[test]
fn one_connection_serves_for_several_mails() {
    let folder = Folder::new();
    prepare(&folder.0);
    let mut post = mail_server(&folder.0, "starttls", LOGIN);
    let port = free_port();
    let config = configuration(&folder.0, port, &settings(&folder.0, post.port, "starttls", CREDENTIALS));
    let server = Server::start(&["serve", "--config", &config], port);
    assert_eq!(post.next()["event"], "login", "at the start it is looked whether the mail server lets us in");
    for number in 0..3 {
        server
            .client()
            .api("POST", "/register", &json!({"email": format!("person{number}@example.org"), "password": PASSWORD}))
            .expect(202);
    }
    let (mut logins, mut mails) = (0, 0);
    while mails < 3 {
        match post.next()["event"].as_str() {
            Some("login") => logins += 1,
            Some("mail") => mails += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(logins, 1);
}

#[test]
fn a_connection_that_is_kept_ends_with_a_goodbye_when_the_server_stops() {
    let folder = Folder::new();
    let post = Scripted::start(Script::usual());
    let port = free_port();
    let config = configuration(&folder.0, port, &settings(&folder.0, post.port, "none", ""));
    let mut server = Server::start(&["serve", "--config", &config], port);
    registers(&server);
    server.reads_until("mail delivered");
    // A test says goodbye by itself, on the connection that the delivery left.
    shown(&["mail", "test", ALICE, "--config", &config], "");
    registers(&server);
    server.reads_until("mail delivered");
    assert_eq!(server.stops(), Some(0));
    let heard = post.ends();
    // One more looked at the start whether it would be let in.
    let carried = heard.iter().filter(|lines| lines.iter().any(|line| line.starts_with("MAIL")));
    let last: Vec<_> = carried.filter_map(|lines| lines.last()).collect();
    assert_eq!(last, ["QUIT", "QUIT"], "{heard:?}");
}

#[test]
fn a_certificate_is_judged_by_the_time_that_is_believed() {
    let folder = Folder::new();
    prepare(&folder.0);
    let post = mail_server(&folder.0, "tls", &[]);
    let config = configuration(&folder.0, free_port(), &settings(&folder.0, post.port, "tls", TRUST));
    let config = Config::read(Path::new(&config), None).expect("valid");
    let mut moment = Moment::new(BUILD_DATE, [1; 32]);
    let (id, to) = (MailId::draw(&mut moment), EmailAddress::parse(ALICE).expect("an address"));
    let message = Composer::new(&config, load_languages(&config).languages).expect("well formed").compose(
        &Letter::Test,
        (&to).into(),
        id,
        &mut moment,
    );
    let bytes = message.expect("complete").bytes;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        // A board without a battery clock woke up in 1970.
        let courier = Courier::new(&config, Timestamp::default()).expect("the CA is there");
        let at = |now| courier.deliver(id, &to, &bytes, CallOptions::impatient(now));
        let Outcome::Later(reason) = at(Timestamp::default()).await else { panic!("not yet valid") };
        assert!(reason.contains("this machine's clock is wrong"), "{reason}");
        // The appliance knows that it is later than that.
        assert_eq!(at(BUILD_DATE.plus(DAY)).await, Outcome::Accepted);
        // And a certificate that has expired is not taken.
        let much_later = BUILD_DATE.plus(800_000 * DAY);
        let late = Courier::new(&config, much_later).expect("the CA is there");
        assert!(matches!(late.deliver(id, &to, &bytes, CallOptions::impatient(much_later)).await, Outcome::Later(_)));
    });
}

/// What `gatelodge mail test` says about a configuration.
fn tested(folder: &Path, settings: &str) -> (Option<i32>, String) {
    let config = configuration(folder, free_port(), settings);
    refusal(&["mail", "test", ALICE, "--config", &config])
}

#[test]
fn mail_test_sends_a_real_message() {
    let folder = Folder::new();
    prepare(&folder.0);
    let mut post = mail_server(&folder.0, "tls", LOGIN);
    let config = configuration(&folder.0, free_port(), &settings(&folder.0, post.port, "tls", CREDENTIALS));
    let output = run(&["mail", "test", ALICE, "--config", &config], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("accepted the mail to alice@example.org"));
    assert!(
        post.next_mail()["content"]
            .as_str()
            .is_some_and(|content| content.contains("Subject: Email from Hill Street works"))
    );
}

/// Postfix with `postscreen`, and whoever looks everybody up before a greeting, takes this long. It is the only test that waits: what
/// it is about is that the command does.
#[test]
fn mail_test_has_the_patience_of_a_delivery_and_says_that_it_waits() {
    let folder = Folder::new();
    let slow = Scripted::start(Script::usual().hesitates(Duration::from_secs(16)));
    let config = configuration(&folder.0, free_port(), &settings(&folder.0, slow.port, "none", ""));
    let output = run(&["mail", "test", ALICE, "--config", &config], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("takes its time; it has 5 minutes"), "{said}");
    assert_eq!(slow.ends()[0].last().map(String::as_str), Some("QUIT"));
}

#[track_caller]
fn explains((code, said): (Option<i32>, String), words: &str) {
    assert_eq!(code, Some(1));
    assert!(said.contains(words), "{words:?} is not in: {said}");
}

#[test]
fn mail_test_explains_tls_spoken_to_a_starttls_port() {
    let folder = Folder::new();
    prepare(&folder.0);
    let post = mail_server(&folder.0, "starttls", &[]);
    explains(tested(&folder.0, &settings(&folder.0, post.port, "tls", TRUST)), "it wants security = \"starttls\"");
}

#[test]
fn mail_test_explains_starttls_spoken_to_a_tls_port() {
    let folder = Folder::new();
    prepare(&folder.0);
    let post = mail_server(&folder.0, "tls", &[]);
    explains(tested(&folder.0, &settings(&folder.0, post.port, "starttls", TRUST)), "write security = \"tls\"");
}

#[test]
fn mail_test_explains_a_server_without_starttls() {
    let folder = Folder::new();
    let post = MailServer::start(&[]);
    explains(tested(&folder.0, &settings(&folder.0, post.port, "starttls", "")), "does not offer STARTTLS");
}

#[test]
fn mail_test_explains_refused_credentials() {
    let folder = Folder::new();
    prepare(&folder.0);
    let post = mail_server(&folder.0, "starttls", LOGIN);
    std::fs::write(folder.join("smtp-password"), "another\n").expect("written");
    explains(
        tested(&folder.0, &settings(&folder.0, post.port, "starttls", CREDENTIALS)),
        "the server refused the credentials",
    );
}

#[test]
fn mail_test_explains_missing_credentials() {
    let folder = Folder::new();
    prepare(&folder.0);
    let post = mail_server(&folder.0, "starttls", LOGIN);
    explains(tested(&folder.0, &settings(&folder.0, post.port, "starttls", TRUST)), "the server wants credentials");
}

#[test]
fn mail_test_explains_a_refused_sender_or_recipient() {
    let folder = Folder::new();
    let post = MailServer::start(&["--answers", "550 5.7.1 relaying denied"]);
    explains(
        tested(&folder.0, &settings(&folder.0, post.port, "none", "")),
        "it must accept mail.from as a sender, and relay for you",
    );
}

#[test]
fn mail_test_explains_an_unknown_name() {
    let folder = Folder::new();
    let unknown = settings(&folder.0, 587, "starttls", "").replace("localhost", "no-such-host.invalid");
    explains(tested(&folder.0, &unknown), "the name no-such-host.invalid is not known");
}

#[test]
fn mail_test_explains_an_untrusted_certificate_and_a_wrong_name() {
    let folder = Folder::new();
    prepare(&folder.0);
    let post = mail_server(&folder.0, "starttls", &[]);
    let trusted = settings(&folder.0, post.port, "starttls", TRUST);
    explains(
        tested(&folder.0, &trusted.replace("ca_file = ", "# ca_file = ")),
        "is not trusted: name its CA in mail.smtp.ca_file",
    );
    explains(
        tested(&folder.0, &trusted.replace("host = \"localhost\"", "host = \"127.0.0.1\"")),
        "is for another name",
    );
}

#[test]
fn mail_test_explains_that_nobody_listens() {
    let folder = Folder::new();
    explains(tested(&folder.0, &settings(&folder.0, free_port(), "none", "")), "nothing listens at");
}

#[test]
fn an_address_beyond_ascii_is_not_tried_for_ever_where_the_server_takes_none() {
    let folder = Folder::new();
    let post = MailServer::start(&[]);
    let config = configuration(&folder.0, free_port(), &settings(&folder.0, post.port, "none", ""));
    let (code, said) = refusal(&["mail", "test", "jürgen@example.org", "--config", &config]);
    assert_eq!((code, said.contains("refused for good")), (Some(1), true), "{said}");
    assert!(said.contains("takes no addresses with letters beyond ASCII"), "{said}");
}

#[test]
fn a_missing_password_file_is_refused_with_its_name() {
    let folder = Folder::new();
    prepare(&folder.0);
    std::fs::remove_file(folder.join("smtp-password")).expect("removed");
    let config = configuration(&folder.0, free_port(), &settings(&folder.0, 587, "starttls", CREDENTIALS));
    let (code, said) = refusal(&["serve", "--config", &config]);
    assert_eq!((code, said.contains("smtp-password")), (Some(78), true), "{said}");
}

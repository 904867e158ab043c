//! A mail server that misbehaves in every way there is: what becomes of the mail.
//!
//! Slow and silent servers, greylisting, refused credentials, wrong names and untrusted certificates are tried with a real one in
//! `smtp.rs`; odd habits in `mail_habits.rs`; crashes in the middle of a delivery in `kills.rs`.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;

use gatelodge::base::{BUILD_DATE, DAY, EmailAddress, MailId, Moment, Timestamp};
use gatelodge::config::Config;
use gatelodge::courier::delivery::Outcome;
use gatelodge::courier::{CallOptions, Courier};
use gatelodge::mail::{Composer, Letter};
use gatelodge::templates::load_languages;

/// What the server does at a step instead of going on.
#[derive(Clone, Copy)]
enum Then {
    Says(&'static str),
    HangsUp,
}

/// A server that goes through a conversation, and does something else at one step.
struct Scripted {
    port: u16,
    heard: JoinHandle<Vec<String>>,
}

const STEPS: [&str; 6] = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot"];

impl Scripted {
    fn new(step: &'static str, then: Then, offers: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = listener.local_addr().expect("an address").port();
        let heard = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("somebody connects");
            converse(&stream, step, then, offers)
        });
        Self { port, heard }
    }
}

/// Gives what was heard, byte for byte.
fn converse(mut stream: &TcpStream, step: &str, then: Then, offers: &str) -> Vec<String> {
    let mut heard = Vec::new();
    let mut lines = BufReader::new(stream);
    let mut say = |at: &str, usual: &str| {
        let text = match then {
            Then::Says(other) if at == step => other,
            Then::HangsUp if at == step => return false,
            _ => usual,
        };
        (&mut stream).write_all(format!("{text}\r\n").as_bytes()).is_ok()
    };
    if !say("greeting", "220 here") {
        return heard;
    }
    let mut is_data = false;
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line).unwrap_or_default() == 0 {
            return heard;
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        heard.push(line.clone());
        let goes_on = match line.split([' ', '\r']).next().unwrap_or_default() {
            "." if is_data => {
                is_data = false;
                say("dot", "250 taken")
            }
            _ if is_data => true,
            "EHLO" => say("EHLO", offers),
            "MAIL" => say("MAIL", "250 fine"),
            "RCPT" => say("RCPT", "250 fine"),
            "DATA" => {
                is_data = true;
                say("DATA", "354 go on")
            }
            _ => say("other", "250 fine"),
        };
        if !goes_on {
            return heard;
        }
    }
}

fn config(port: u16, security: &str) -> Config {
    let text = format!(
        "[site]\nname = \"Hill Street\"\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"auth@example.org\"\n[mail.smtp]\nhost = \"localhost\"\nport = {port}\nsecurity = \"{security}\"\n"
    );
    Config::parse(&text, Path::new("faults.toml")).expect("valid")
}

fn mail(config: &Config) -> (MailId, EmailAddress, Vec<u8>) {
    let mut moment = Moment::new(Timestamp::from_seconds(2_000_000_000), [1; 32]);
    let to = EmailAddress::parse("alice@example.org").expect("an address");
    let id = MailId::draw(&mut moment);
    let letter = Letter::PasswordChanged {
        at: moment.now(),
        by_administrator: false,
        forgot: "https://auth.example.org/forgot".into(),
    };
    let message = Composer::new(config, load_languages(config).languages)
        .map(|composer| composer.compose(&letter, (&to).into(), id, &mut moment))
        .expect("well formed");
    (id, to, message.expect("complete").bytes)
}

/// Makes one attempt.
fn deliver(config: &Config) -> Outcome {
    let (id, to, bytes) = mail(config);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let terms = CallOptions::impatient(BUILD_DATE.plus(DAY));
        Courier::new(config, terms.now).expect("it needs no file").deliver(id, &to, &bytes, terms).await
    })
}

fn meets(step: &'static str, then: Then) -> (Outcome, Vec<String>) {
    let server = Scripted::new(step, then, "250 here");
    let outcome = deliver(&config(server.port, "none"));
    (outcome, server.heard.join().expect("no panic"))
}

#[test]
fn a_server_that_takes_the_mail_gets_it_whole_and_clean() {
    let (outcome, heard) = meets("never", Then::HangsUp);
    assert_eq!(outcome, Outcome::Accepted);
    assert!(
        heard.iter().all(|line| line.ends_with("\r\n") && !line.trim_end_matches("\r\n").contains(['\r', '\n'])),
        "no bare CR or LF"
    );
    assert!(heard.iter().all(|line| line.len() <= 1000), "RFC 5321, 4.5.3.1.6");
    let text = heard.concat();
    assert!(text.contains("MAIL FROM:<auth@example.org>") && text.contains("RCPT TO:<alice@example.org>"));
    assert_eq!(text.matches("Message-ID: ").count(), 1);
}

#[test]
fn a_server_that_is_closing_or_busy_gets_the_mail_later() {
    for step in STEPS {
        for says in ["421 4.3.2 closing", "450 4.2.0 greylisted", "451 4.7.1 try later"] {
            let (outcome, _) = meets(step, Then::Says(says));
            assert!(matches!(outcome, Outcome::Later(_)), "{step}, {says}: {outcome:?}");
        }
    }
}

#[test]
fn a_refusal_for_good_means_the_mail_only_where_the_mail_is_at_fault() {
    for (step, is_at_fault) in
        [("greeting", false), ("EHLO", false), ("MAIL", false), ("RCPT", true), ("DATA", true), ("dot", true)]
    {
        let (outcome, _) = meets(step, Then::Says("550 5.7.1 not here"));
        let expected = matches!(outcome, Outcome::Never(_)) == is_at_fault && outcome != Outcome::Accepted;
        assert!(expected, "{step}: {outcome:?}");
    }
}

#[test]
fn a_full_mailbox_may_be_emptied() {
    for says in ["552 mailbox full", "550 5.2.2 over quota"] {
        for step in ["RCPT", "dot"] {
            let (outcome, _) = meets(step, Then::Says(says));
            assert!(matches!(outcome, Outcome::Later(_)), "{step}, {says}: {outcome:?}");
        }
    }
}

#[test]
fn a_connection_that_is_lost_at_any_step_is_made_again_later() {
    for step in STEPS {
        let (outcome, _) = meets(step, Then::HangsUp);
        assert!(matches!(outcome, Outcome::Later(_)), "{step}: {outcome:?}");
    }
}

#[test]
fn a_mail_whose_acceptance_was_not_heard_comes_again_with_the_same_id() {
    let id_in = |heard: &[String]| heard.iter().find(|line| line.starts_with("Message-ID: ")).cloned().expect("an id");
    let (outcome, first) = meets("dot", Then::HangsUp);
    assert!(matches!(outcome, Outcome::Later(_)));
    let (outcome, second) = meets("never", Then::HangsUp);
    assert_eq!(outcome, Outcome::Accepted);
    assert_eq!(id_in(&first), id_in(&second));
}

#[test]
fn a_server_that_does_not_talk_as_one_is_not_believed() {
    let endless: &'static str = Box::leak("x".repeat(100_000).into_boxed_str());
    for says in ["hello", "HTTP/1.1 400 Bad Request", "999", endless] {
        for security in ["none", "starttls"] {
            let server = Scripted::new("greeting", Then::Says(says), "250 here");
            let outcome = deliver(&config(server.port, security));
            assert!(matches!(outcome, Outcome::Later(_)), "{security}, {says:.20}: {outcome:?}");
        }
    }
}

#[test]
fn where_starttls_was_taken_out_nothing_is_said_in_clear() {
    let server = Scripted::new("never", Then::HangsUp, "250-here\r\n250 8BITMIME");
    let outcome = deliver(&config(server.port, "starttls"));
    let Outcome::Later(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("does not offer STARTTLS"), "{reason}");
    let heard = server.heard.join().expect("no panic").concat();
    assert!(heard.starts_with("EHLO") && !heard.contains("MAIL") && !heard.contains("AUTH"), "{heard}");
}

#[test]
fn what_is_slipped_in_before_the_handshake_does_not_count() {
    // "250 fine" to the STARTTLS is no 220; and a 220 with something behind it is not taken either.
    let server = Scripted::new("other", Then::Says("220 go on\r\n250 slipped in"), "250-here\r\n250 STARTTLS");
    let outcome = deliver(&config(server.port, "starttls"));
    let Outcome::Later(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("before the handshake"), "{reason}");
}

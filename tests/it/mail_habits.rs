//! Mail servers as they are: odd habits, each with what becomes of the mail and what is said about it.

use std::path::Path;

use gatelodge::base::{BUILD_DATE, DAY, EmailAddress, MailId, Moment};
use gatelodge::config::Config;
use gatelodge::courier::delivery::Outcome;
use gatelodge::courier::{CallOptions, Courier};

use crate::scripted_mail::{HANGS_UP, SAYS_NOTHING, Script, Scripted};
use crate::store::Folder;

const USERNAME: &str = "auth@example.org";
const PASSWORD: &str = "the mail server's own secret";
/// `USERNAME` and `PASSWORD` in base64, and both as AUTH PLAIN has them.
const NAME_64: &str = "YXV0aEBleGFtcGxlLm9yZw==";
const PASSWORD_64: &str = "dGhlIG1haWwgc2VydmVyJ3Mgb3duIHNlY3JldA==";
const BOTH_64: &str = "AGF1dGhAZXhhbXBsZS5vcmcAdGhlIG1haWwgc2VydmVyJ3Mgb3duIHNlY3JldA==";

/// How we are set up for a server.
struct Way {
    url: &'static str,
    from: &'static str,
    to: &'static str,
    logs_in: bool,
    patience: std::time::Duration,
}

impl Way {
    fn usual() -> Self {
        Self {
            url: "https://auth.example.org",
            from: "auth@example.org",
            to: "alice@example.org",
            logs_in: false,
            patience: std::time::Duration::from_secs(15),
        }
    }

    fn with_credentials() -> Self {
        Self { logs_in: true, ..Self::usual() }
    }

    /// Gives so many mails to a server one after the other, says goodbye, and tells what came of the last and what was heard.
    fn delivers(&self, script: Script, times: usize) -> (Outcome, Vec<Vec<String>>) {
        let (server, folder) = (Scripted::start(script), Folder::new());
        std::fs::write(folder.join("password"), PASSWORD).expect("written");
        let credentials = if self.logs_in {
            format!("username = \"{USERNAME}\"\npassword_file = \"{}\"", folder.join("password").display())
        } else {
            String::new()
        };
        let text = format!(
            "[site]\nurl = \"{}\"\n[mail]\nfrom = \"{}\"\n[mail.smtp]\nhost = \"localhost\"\nport = {}\nsecurity = \"none\"\n{credentials}\n",
            self.url, self.from, server.port
        );
        let config = Config::parse(&text, Path::new("habits.toml")).expect("valid");
        let terms = CallOptions { now: BUILD_DATE.plus(DAY), timeout: self.patience };
        let id = MailId::draw(&mut Moment::new(terms.now, [1; 32]));
        let to = EmailAddress::parse(self.to).expect("an address");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let outcome = runtime.block_on(async {
            let courier = Courier::new(&config, terms.now).expect("it can be set up");
            let mut outcome = None;
            for _ in 0..times {
                outcome = Some(courier.deliver(id, &to, b"Subject: x\r\n\r\n.a line with a dot\r\n", terms).await);
            }
            courier.part().await;
            outcome.expect("at least one")
        });
        drop(runtime);
        (outcome, server.ends())
    }

    #[track_caller]
    fn expects(&self, script: Script, expected: &Expected) -> Vec<Vec<String>> {
        let (outcome, heard) = self.delivers(script, 1);
        match (&outcome, expected) {
            (Outcome::Accepted, Accepted) => {}
            (Outcome::Later(reason), Later(words)) | (Outcome::Never(reason), Never(words)) => {
                assert!(reason.contains(words), "{words:?} is not in: {reason}");
            }
            _ => panic!("{outcome:?} and not {expected:?}"),
        }
        heard
    }
}

/// What becomes of a mail, and a part of what is said.
#[derive(Debug)]
enum Expected {
    Accepted,
    Later(&'static str),
    Never(&'static str),
}
use Expected::{Accepted, Later, Never};

/// With a server that says this once, and is as usual otherwise.
#[track_caller]
fn says(to: &'static str, answer: &[u8], expected: &Expected) {
    Way::usual().expects(Script::usual().says(to, answer), expected);
}

#[test]
fn the_text_of_an_answer_is_for_people_and_its_code_counts() {
    for (to, answers) in [
        ("", ["220\r\n", "220 \r\n", "220\tmx\r\n", "220 mx\n", "220-mx\r\n220\r\n", "220mx\r\n", " 220 mx\r\n"]),
        (
            "EHLO",
            [
                "250\r\n",
                "250-\r\n250\r\n",
                "250-mx\n250 SIZE\n",
                "250-mx\r\n250-\r\n250 -\r\n",
                "250-\r\n250 a\r\n",
                "250 \r\n",
                "250\tmx\r\n",
            ],
        ),
        (
            "MAIL",
            ["250\r\n", "250 2.1.0\r\n", "250-a\r\n250\r\n", "251 ok\r\n", "200 ok\r\n", "250 ok\n", "\r\n250 ok\r\n"],
        ),
        (
            "RCPT",
            [
                "250\r\n",
                "251 will forward\r\n",
                "252 cannot verify\r\n",
                "250 ok \x07\r\n",
                "250 ok\r\r\n",
                "250 \0\r\n",
                "250-\n250\n",
            ],
        ),
        (
            "DATA",
            ["354\r\n", "354 \r\n", "354-a\r\n354 b\r\n", "354\tgo\r\n", "354 go\n", "354 \u{e4}\r\n", "350 go\r\n"],
        ),
        (
            ".",
            [
                "250\r\n",
                "250 2.0.0 Ok: queued as 4ZqX\r\n",
                "250\tok\r\n",
                "250 ok\n",
                "250-a\r\n250 b\r\n",
                "250 \u{1b}[2J\r\n",
                "299 ok\r\n",
            ],
        ),
    ] {
        for answer in answers {
            says(to, answer.as_bytes(), &Accepted);
        }
    }
}

#[test]
fn texts_may_be_in_any_encoding_and_of_any_length() {
    for to in ["", "EHLO", "MAIL", "RCPT", "."] {
        let code = if to.is_empty() { "220" } else { "250" };
        let latin = [code.as_bytes(), b" mx M\xfcller \xff\xfe\r\n"].concat();
        let long = [code.as_bytes(), b" ", &b"x".repeat(70_000), b"\r\n"].concat();
        let lines = [format!("{code}-line\r\n").repeat(3000), format!("{code} end\r\n")].concat();
        for answer in [&latin, &long, &lines.into_bytes()] {
            says(to, answer, &Accepted);
        }
    }
    says("RCPT", b"550 5.1.1 Empf\xe4nger unbekannt\r\n", &Never("550 5.1.1 Empfänger unbekannt"));
    says("RCPT", b"571 5.7.1 \x1b]0;evil\x07 no\r\n", &Never("571 5.7.1 ]0;evil no"));
    says("MAIL", b"550 \x96\x97 no\r\n", &Later("it must accept mail.from as a sender"));
}

#[test]
fn a_server_that_sends_byte_by_byte_is_heard() {
    Way::usual().expects(Script::usual().drips(), &Accepted);
}

#[test]
fn what_nobody_asked_for_is_no_answer() {
    // Each answer twice, and the doubles are not taken for those to what comes after.
    says("", b"220 mx\r\n220 mx\r\n", &Accepted);
    says("MAIL", b"250 fine\r\n250 fine\r\n", &Accepted);
    says("MAIL", b"250 fine\r\n354 go on\r\n250 taken\r\n", &Accepted);
    says("DATA", b"250 taken\r\n", &Later("where 354 asks for the mail"));
    says("RCPT", b"250 fine\r\n421 4.3.2 going down\r\n", &Later("the server takes nothing now"));
}

#[test]
fn the_codes_of_an_answer_may_differ_and_the_last_one_holds() {
    says("RCPT", b"250-well\r\n550 5.1.1 no\r\n", &Never("no such recipient"));
    says("RCPT", b"550-no\r\n250 well, yes\r\n", &Accepted);
}

#[test]
fn what_does_not_talk_as_a_mail_server_is_told_as_what_it_is() {
    for (greeting, words) in [
        ("HTTP/1.1 400 Bad Request\r\n", "is a web server"),
        ("+OK Dovecot ready.\r\n", "is a POP server"),
        ("* OK [CAPABILITY IMAP4rev1] ready\r\n", "is an IMAP server"),
        ("SSH-2.0-OpenSSH_9.6\r\n", "is an SSH server"),
        ("hello\r\n", "did not greet as a mail server does"),
        ("999 what\r\n", "did not greet as a mail server does"),
        ("2200 mx\r\n", "did not greet as a mail server does"),
    ] {
        says("", greeting.as_bytes(), &Later(words));
    }
    says("MAIL", b"fine\r\n", &Later("did not answer MAIL as a mail server does (fine)"));
}

#[test]
fn a_refusal_is_explained_by_where_it_stands() {
    for (to, answer, expected) in [
        ("", "554 5.7.1 your address is on a list\r\n", Later("may be on a block list")),
        ("", "421 too many\r\n", Later("too many connections from here")),
        ("", "450 later\r\n", Later("takes no mail now")),
        ("EHLO", "504 5.5.2 need fully-qualified hostname\r\n", Later("the name we give at EHLO, auth.example.org")),
        ("EHLO", "550 bad name\r\n", Later("the name we give at EHLO")),
        ("EHLO", "451 later\r\n", Later("takes no mail now")),
        ("MAIL", "530 5.7.0 Authentication required\r\n", Later("the server wants credentials")),
        ("MAIL", "553 5.7.1 not your address\r\n", Later("it must accept mail.from as a sender")),
        ("MAIL", "452 4.3.1 disk full\r\n", Later("has no room")),
        ("MAIL", "501 5.1.7 bad sender\r\n", Later("it must accept mail.from as a sender")),
        ("RCPT", "550 5.1.1 User unknown\r\n", Never("no such recipient")),
        ("RCPT", "550 no such user here\r\n", Never("no such recipient")),
        ("RCPT", "550 5.1.10 null MX\r\n", Never("no such recipient")),
        ("RCPT", "550 5.2.1 disabled\r\n", Never("no such recipient")),
        ("RCPT", "550 5.7.1 relaying denied\r\n", Never("and relay for you")),
        ("RCPT", "554 Relay access denied\r\n", Never("and relay for you")),
        ("RCPT", "550 no\r\n", Never("there is no such address, or it does not relay for us")),
        ("RCPT", "550 5.1.8 sender domain\r\n", Never("refused the sender")),
        ("RCPT", "552 5.2.2 over quota\r\n", Later("mailbox is full")),
        ("RCPT", "550 #5.2.2 over quota\r\n", Later("mailbox is full")),
        ("RCPT", "451 4.7.1 greylisted\r\n", Later("greylisting")),
        ("RCPT", "452 4.5.3 too many\r\n", Later("too many mails from here")),
        ("DATA", "554 5.5.1 no valid recipients\r\n", Never("did not want the mail")),
        (".", "554 5.7.1 spam\r\n", Never("refused the mail itself")),
        (".", "552 5.3.4 too large\r\n", Later("too large")),
        (".", "451 4.3.0 later\r\n", Later("did not take the mail now")),
    ] {
        says(to, answer.as_bytes(), &expected);
    }
}

#[test]
fn a_connection_that_ends_is_explained_by_where_it_ends() {
    for (to, words) in [
        ("", "ended the connection without a greeting"),
        ("EHLO", "in place of an answer to EHLO"),
        ("MAIL", "in place of an answer to MAIL"),
        ("DATA", "in place of an answer to DATA"),
        (".", "in place of an answer to the mail"),
    ] {
        says(to, HANGS_UP, &Later(words));
    }
}

#[test]
fn silence_is_explained_by_where_it_falls() {
    let hurried = Way { patience: std::time::Duration::from_secs(1), ..Way::usual() };
    for (to, answer, words) in [
        ("", SAYS_NOTHING, "if it speaks TLS from the first byte"),
        ("", b"\r\n", "if it speaks TLS from the first byte"),
        ("RCPT", SAYS_NOTHING, "did not answer RCPT in time (1 s)"),
        ("RCPT", SAYS_NOTHING, "Deliveries wait longer, 5 minutes."),
        ("EHLO", b"250-mx\r\n250-SIZE\r\n", "began an answer to EHLO and did not end it in 1 s"),
        ("MAIL", b"250 no end of line", "began an answer to MAIL"),
    ] {
        hurried.expects(Script::usual().says(to, answer), &Later(words));
    }
}

#[test]
fn helo_is_said_where_ehlo_is_not_known() {
    for answer in ["500 5.5.1 unknown command\r\n", "502 not implemented\r\n", "501 syntax\r\n", "500\r\n"] {
        let heard = Way::usual().expects(Script::usual().says("EHLO", answer.as_bytes()), &Accepted);
        assert_eq!(heard[0][..2], ["EHLO auth.example.org", "HELO auth.example.org"]);
    }
    let neither = Script::usual().says("EHLO", b"500 what\r\n").says("HELO", b"504 need a full name\r\n");
    Way::usual().expects(neither, &Later("the name we give at EHLO"));
    let nowhere = Script::usual().says("EHLO", b"500 what\r\n");
    Way::with_credentials().expects(nowhere, &Later("offers no way to log in"));
}

#[test]
fn the_name_that_is_given_is_a_full_one() {
    for (url, from, name) in [
        ("https://auth.example.org", "auth@example.net", "auth.example.org"),
        ("https://gatelodge", "auth@example.net", "example.net"),
        ("https://localhost:8443", "auth@m\u{fc}nchen.example", "xn--mnchen-3ya.example"),
        ("https://localhost:8443", "auth@localhost", "["),
        ("https://192.0.2.1", "auth@example.net", "[192.0.2.1]"),
        ("https://[2001:db8::1]", "auth@example.net", "[IPv6:2001:db8::1]"),
        ("https://m\u{fc}nchen.example", "auth@example.net", "xn--mnchen-3ya.example"),
    ] {
        let heard = Way { url, from, ..Way::usual() }.expects(Script::usual(), &Accepted);
        assert!(heard[0][0].starts_with(&format!("EHLO {name}")), "{url}, {from}: {}", heard[0][0]);
    }
}

/// One that offers these ways to log in.
fn offers(mechanisms: &str) -> Script {
    Script::usual().says("EHLO", format!("250-mx\r\n250 {mechanisms}\r\n").as_bytes())
}

/// As [`offers`], and lets in whoever gives name and password to two questions.
fn asks(questions: [&[u8]; 2]) -> Script {
    let login = offers("AUTH LOGIN").says("AUTH LOGIN", questions[0]);
    login.says(NAME_64, questions[1]).says(PASSWORD_64, b"235 welcome\r\n")
}

/// The command of AUTH PLAIN with both.
const PLAIN: &str = "AUTH PLAIN AGF1dGhAZXhhbXBsZS5vcmcAdGhlIG1haWwgc2VydmVyJ3Mgb3duIHNlY3JldA==";

#[test]
fn ways_to_log_in_are_seen_in_any_case() {
    for offer in [
        "AUTH PLAIN",
        "auth plain login",
        "Auth Plain",
        "AUTH=PLAIN LOGIN",
        "AUTH CRAM-MD5 PLAIN",
        "AUTH\tPLAIN",
        "AUTH PLAIN,LOGIN",
    ] {
        let heard = Way::with_credentials().expects(offers(offer).says(PLAIN, b"235 welcome\r\n"), &Accepted);
        assert_eq!(heard[0][1], PLAIN, "{offer}");
    }
    // The only line there is.
    let alone = Script::usual().says("EHLO", b"250 AUTH PLAIN LOGIN\r\n").says(PLAIN, b"235\r\n");
    Way::with_credentials().expects(alone, &Accepted);
}

#[test]
fn each_way_to_log_in_is_tried_in_turn() {
    for refusal in [
        "504 5.5.4 not that\r\n",
        "500 what\r\n",
        "501 syntax\r\n",
        "502 no\r\n",
        "503 no\r\n",
        "535 5.7.8 no\r\n",
        "534 too weak\r\n",
        "550 no\r\n",
        "504 nicht \u{fc}berall\r\n",
    ] {
        let script = asks([b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"]);
        let script = script.says("EHLO", b"250 AUTH PLAIN LOGIN\r\n").says("AUTH PLAIN", refusal.as_bytes());
        let heard = Way::with_credentials().expects(script, &Accepted);
        assert_eq!(heard[0][1..5], [PLAIN, "AUTH LOGIN", NAME_64, PASSWORD_64], "{refusal}");
    }
    // Nothing with the command.
    let when_asked = offers("AUTH PLAIN").says_in_turn("AUTH PLAIN", &[b"501 no initial response\r\n", b"334 \r\n"]);
    Way::with_credentials().expects(when_asked.says(BOTH_64, b"235 welcome\r\n"), &Accepted);
    // It came with the command, and is asked for all the same.
    let forgetful = offers("AUTH PLAIN").says("AUTH PLAIN", b"334\r\n").says(BOTH_64, b"235 welcome\r\n");
    Way::with_credentials().expects(forgetful, &Accepted);
}

#[test]
fn whatever_the_questions_of_auth_login_say_the_first_is_for_the_name() {
    for questions in [
        [b"334 VXNlcm5hbWU6\r\n".as_slice(), b"334 UGFzc3dvcmQ6\r\n".as_slice()],
        [b"334 \r\n", b"334 \r\n"],
        [b"334\r\n", b"334\r\n"],
        [b"334 QmVudXR6ZXI=\r\n", b"334 S2VubndvcnQ=\r\n"],
        [b"334 Username:\r\n", b"334 Password:\r\n"],
        [b"334 not base64 at all!\r\n", b"334 \xff\xfe\r\n"],
        [b"334-a\r\n334 b\r\n", b"335 go on\r\n"],
    ] {
        Way::with_credentials().expects(asks(questions), &Accepted);
    }
    // One question is enough where the server says so.
    let trusting = asks([b"334 x\r\n", b"235 welcome\r\n"]);
    Way::with_credentials().expects(trusting, &Accepted);
}

#[test]
fn who_is_not_let_in_hears_why() {
    let way = Way::with_credentials();
    let refused = "the server refused the credentials";
    for (script, words) in [
        (offers("AUTH PLAIN").says("AUTH", b"535 5.7.8 no\r\n"), refused),
        (offers("AUTH PLAIN").says("AUTH", b"534 5.7.9 application-specific password required\r\n"), refused),
        // What was said of the credentials counts, not that there is no other way.
        (offers("AUTH PLAIN LOGIN").says("AUTH PLAIN", b"535 no\r\n").says("AUTH LOGIN", b"504 no\r\n"), refused),
        (offers("AUTH PLAIN LOGIN").says("AUTH PLAIN", b"504 no\r\n").says("AUTH LOGIN", b"535 no\r\n"), refused),
        (offers("AUTH PLAIN LOGIN").says("AUTH PLAIN", b"535 no\r\n").says("AUTH LOGIN", HANGS_UP), refused),
        (offers("AUTH PLAIN LOGIN").says("AUTH PLAIN", b"535 no\r\n").says("AUTH LOGIN", b"421 enough\r\n"), refused),
        (offers("AUTH PLAIN").says("AUTH", b"454 4.7.0 later\r\n"), "cannot check credentials now"),
        (offers("AUTH PLAIN").says("AUTH", b"538 encrypt\r\n"), "wants encryption before credentials"),
        (offers("AUTH PLAIN LOGIN").says("AUTH", b"504 no\r\n"), "does not let anybody log in"),
        (offers("AUTH CRAM-MD5 GSSAPI"), "that we know: that is PLAIN and LOGIN"),
        (offers("AUTH"), "offers no way to log in"),
        (offers("SIZE"), "offers no way to log in"),
        (
            asks([b"334 x\r\n", b"334 y\r\n"]).says(PASSWORD_64, b"334 and now?\r\n").says("*", b"501 off\r\n"),
            "asks for more than a name and a password",
        ),
        (offers("AUTH LOGIN").says("AUTH", b"334 x\r\n").says(NAME_64, b"535 nobody\r\n"), refused),
        (offers("AUTH PLAIN").says("AUTH", b"535 Benutzer unbekannt \xfc\r\n"), "unbekannt ü"),
    ] {
        let heard = way.expects(script, &Later(words));
        assert!(!heard[0].concat().contains("MAIL"), "nobody goes on who was not let in");
    }
}

#[test]
fn a_goodbye_is_said_on_every_path() {
    let login = || offers("AUTH PLAIN").says("AUTH", b"535 no\r\n");
    for (way, script) in [
        (Way::usual(), Script::usual()),
        (Way::usual(), Script::usual().says("", b"554 no\r\n")),
        (Way::usual(), Script::usual().says("EHLO", b"550 no\r\n")),
        (Way::usual(), Script::usual().says("MAIL", b"550 no\r\n")),
        (Way::usual(), Script::usual().says("RCPT", b"550 no\r\n")),
        (Way::usual(), Script::usual().says("RCPT", b"451 later\r\n")),
        (Way::usual(), Script::usual().says("DATA", b"554 no\r\n")),
        (Way::usual(), Script::usual().says(".", b"554 no\r\n")),
        (Way::usual(), Script::usual().says("QUIT", HANGS_UP)),
        (Way::usual(), Script::usual().says("QUIT", b"500 never heard of it\r\n")),
        (
            Way { patience: std::time::Duration::from_secs(1), ..Way::usual() },
            Script::usual().says("RCPT", SAYS_NOTHING),
        ),
        (Way { to: "j\u{fc}rgen@example.org", ..Way::usual() }, Script::usual()),
        (Way::with_credentials(), login()),
        (Way::with_credentials(), offers("SIZE")),
    ] {
        let (outcome, heard) = way.delivers(script, 1);
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].last().map(String::as_str), Some("QUIT"), "{outcome:?}: {heard:?}");
    }
    // In the middle of a mail it would be a part of it.
    let hurried = Way { patience: std::time::Duration::from_secs(1), ..Way::usual() };
    let (_, heard) = hurried.delivers(Script::usual().says(".", SAYS_NOTHING), 1);
    assert_eq!(heard[0].last().map(String::as_str), Some("."));
}

#[test]
fn a_connection_serves_for_several_mails_and_ends_with_a_goodbye() {
    let (outcome, heard) = Way::usual().delivers(Script::usual(), 3);
    assert_eq!((outcome, heard.len()), (Outcome::Accepted, 1));
    let said = heard[0].join("\n");
    assert_eq!((said.matches("MAIL FROM").count(), said.matches("NOOP").count()), (3, 2));
    assert_eq!((said.matches("QUIT").count(), said.ends_with("QUIT")), (1, true));
}

#[test]
fn a_server_that_has_had_enough_of_a_connection_gets_the_mail_over_another() {
    for script in [
        Script::usual().says("NOOP", b"421 idle for too long\r\n"),
        Script::usual().says("NOOP", HANGS_UP),
        Script::usual()
            .says_in_turn("MAIL", &[b"250 fine\r\n", b"452 4.7.0 too many on this connection\r\n", b"250 fine\r\n"]),
        Script::usual().says_in_turn("MAIL", &[b"250 fine\r\n", b"421 too many\r\n", b"250 fine\r\n"]),
        Script::usual().says_in_turn("MAIL", &[b"250 fine\r\n", HANGS_UP, b"250 fine\r\n"]),
        Script::usual().says_in_turn("RCPT", &[b"250 fine\r\n", b"421 too many\r\n", b"250 fine\r\n"]),
        Script::usual().says_in_turn(".", &[b"250 taken\r\n421 that is all\r\n", b"250 taken\r\n"]),
    ] {
        let (outcome, heard) = Way::usual().delivers(script, 2);
        assert_eq!((outcome, heard.len()), (Outcome::Accepted, 2), "{heard:?}");
    }
    // Who does not know NOOP is there all the same.
    let (outcome, heard) = Way::usual().delivers(Script::usual().says("NOOP", b"500 what\r\n"), 2);
    assert_eq!((outcome, heard.len()), (Outcome::Accepted, 1));
}

#[test]
fn a_mail_is_never_said_twice_over_for_a_refusal_behind_it() {
    let script = Script::usual().says_in_turn(".", &[b"250 taken\r\n", b"421 enough\r\n"]);
    let (outcome, heard) = Way::usual().delivers(script, 2);
    assert!(matches!(outcome, Outcome::Later(_)), "{outcome:?}");
    assert_eq!(heard.concat().iter().filter(|line| *line == "DATA").count(), 2);
}

#[test]
fn a_mail_arrives_as_it_is() {
    let heard = Way::usual().expects(Script::usual(), &Accepted);
    let at = heard[0].iter().position(|line| line == "DATA").expect("DATA");
    assert_eq!(heard[0][at + 1..], ["Subject: x", "", "..a line with a dot", ".", "QUIT"]);
}

#[test]
fn a_name_that_is_left_blank_is_not_set() {
    for blank in ["username = \"\"", "username = \"  \"\npassword_file = \"\"\nca_file = \"\""] {
        let text = format!(
            "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"auth@example.org\"\n[mail.smtp]\nhost = \"localhost\"\n{blank}\n"
        );
        let config = Config::parse(&text, Path::new("blank.toml")).expect("valid");
        assert_eq!(
            (&config.mail.smtp.username, &config.mail.smtp.password_file, &config.mail.smtp.ca_file),
            (&None, &None, &None)
        );
        assert!(Courier::new(&config, BUILD_DATE).is_ok());
    }
}

//! `gatelodge setup`, at a real terminal and without one.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::process::{Server, free_port, run, shown};
use crate::smtp::{LOGIN, SMTP_PASSWORD, mail_server, prepare};
use crate::store::Folder;
use crate::tls::Authority;
use crate::world::{ALICE, PASSWORD};

/// A place for everything that set-up writes.
struct Place(Folder);

impl Place {
    fn new() -> Self {
        Self(Folder::new())
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }

    fn arguments<'a>(&self, more: &[&'a str]) -> Vec<String>
    where
        Self: 'a,
    {
        let place =
            ["setup", "--config", &self.path("etc/gatelodge.toml"), "--state", &self.path("state")].map(str::to_owned);
        place.into_iter().chain(more.iter().map(|word| (*word).to_owned())).collect()
    }

    /// Without a terminal.
    fn runs(&self, more: &[&str]) -> Output {
        let arguments = self.arguments(more);
        run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "")
    }

    fn refuses(&self, more: &[&str]) -> String {
        let output = self.runs(more);
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(!self.0.join("state").exists() && self.written().is_empty(), "something was written");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// What is in the folder of the configuration.
    fn written(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.0.join("etc")) else { return vec![] };
        entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8")).collect()
    }

    fn config(&self) -> Value {
        shown(&["check", "--config", &self.path("etc/gatelodge.toml")], "")["configuration"].clone()
    }

    /// At a terminal: gives what was shown.
    fn converses(&self, more: &[&str], talk: &[(&str, &str)]) -> String {
        let mut child = Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminal.py"))
            .arg(env!("CARGO_BIN_EXE_gatelodge"))
            .args(self.arguments(more))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is there");
        child.stdin.take().expect("piped").write_all(json!(talk).to_string().as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{shown}");
        shown
    }
}

#[test]
fn a_person_at_a_terminal_is_asked_step_by_step_and_can_log_in_afterwards() {
    let place = Place::new();
    let port = free_port();
    let https = format!("127.0.0.1:{port}");
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let taken = taken.local_addr().expect("an address").to_string();
    let shown = place.converses(
        &[],
        &[
            ("URL", "ftp://localhost"),
            ("URL", &format!("localhost:{port}")),
            ("pages and in mails", "Hill \"Street\""),
            ("self-signed or off", "acme"),
            ("self-signed or off", "self-signed"),
            ("for HTTPS on", &taken),
            ("for HTTPS on", &https),
            ("(or none)", ""),
            ("invite or closed", "anybody"),
            ("invite or closed", ""),
            ("e-mail address", "alice"),
            ("e-mail address", ALICE),
            ("(not shown)", "short"),
            ("(not shown)", PASSWORD),
            ("Once more", "another one altogether"),
            ("(not shown)", PASSWORD),
            ("Once more", PASSWORD),
            ("Sender", ""),
            ("smtp.example.org", "none"),
            ("Write it?", ""),
        ],
    );
    for words in [
        "neither https nor http",
        "no authority gives a certificate for localhost",
        "another program listens on",
        &format!("Listen for HTTPS on [[::]:{port}]"),
        "sent on to HTTPS, on (or none) [none]",
        "write open, approval, invite or closed",
        "not an e-mail address",
        "fewer than 15 characters",
        "the two differ",
        "alice@example.org administers the site",
    ] {
        assert!(shown.contains(words), "{words:?} is not in: {shown}");
    }
    let config = place.config();
    assert_eq!((&config["site"]["name"], &config["registration"]["mode"]), (&json!("Hill \"Street\""), &json!("open")));
    let config = place.path("etc/gatelodge.toml");
    let server = Server::start(&["serve", "--config", &config], port);
    let login = json!({"identity": ALICE, "password": PASSWORD});
    let session = server.client().api("POST", "/login", &login).expect(200).json();
    assert_eq!(session["user"]["groups"], json!(["admins"]));
}

#[test]
fn without_an_administrator_a_start_prints_the_link_that_makes_one_and_later_starts_do_not() {
    let place = Place::new();
    let port = free_port();
    let (url, https) = (format!("https://localhost:{port}"), format!("127.0.0.1:{port}"));
    let given = ["--url", &url, "--tls", "self-signed", "--https", &https, "--http", "none", "--smtp-host", "none"];
    assert!(place.runs(&given).status.success());
    let config = place.path("etc/gatelodge.toml");
    let mut server = Server::start(&["serve", "--config", &config], port);
    let line = server.reads_until("this makes the first administrator: ");
    let token = line.trim_end().rsplit('/').next().expect("a link").to_owned();
    let first = json!({"token": token, "email": ALICE, "password": PASSWORD});
    let mut client = server.client();
    client.api("POST", "/setup", &first).expect(200);
    let login = json!({"identity": ALICE, "password": PASSWORD});
    let session = client.api("POST", "/login", &login).expect(200).json();
    assert_eq!(session["user"]["groups"], json!(["admins"]));
    client.api("POST", "/setup", &first).refused(403, "token_used");
    assert_eq!(server.stops(), Some(0));
    let mut server = Server::start(&["serve", "--config", &config], port);
    server.client().get("/login").expect(200);
    let id = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill is there").success());
    server.reads_until("asked to stop");
    assert!(!server.log.contains("/setup/"), "{}", server.log);
}

#[test]
fn whoever_says_no_at_the_end_has_written_nothing() {
    let place = Place::new();
    let given = [
        "--url",
        "https://localhost",
        "--tls",
        "off",
        "--smtp-host",
        "none",
        "--admin",
        "none",
        "--http",
        "127.0.0.1:0",
        "--registration",
        "open",
    ];
    let output = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminal.py"))
        .arg(env!("CARGO_BIN_EXE_gatelodge"))
        .args(place.arguments(&given))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            let talk =
                json!([["pages and in mails", ""], ["proxy comes from", ""], ["Sender", ""], ["Write it?", "no"]]);
            child.stdin.take().expect("piped").write_all(talk.to_string().as_bytes())?;
            child.wait_with_output()
        })
        .expect("python3 is there");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("nothing was written"));
    assert!(place.written().is_empty());
}

#[test]
fn what_the_flags_say_is_not_asked_for() {
    let place = Place::new();
    let folder = &place.0.0;
    prepare(folder);
    let mut post = mail_server(folder, "tls", LOGIN);
    let authority = Authority::new();
    authority.issue("auth.example.org", folder);
    std::fs::write(place.0.join("admin"), format!("{PASSWORD}\n")).expect("written");
    let answers = format!(
        "url = \"https://auth.example.org\"\nname = \"Somewhere\"\ntls = \"files\"\ncertificate = \"{0}/cert.pem\"\nprivate-key = \"{0}/key.pem\"\n\
         https = \"127.0.0.1:{1}\"\nhttp = \"none\"\nsmtp_host = \"localhost\"\nsmtp-port = {2}\nsmtp-security = \"tls\"\nsmtp-username = \"auth@example.org\"\n\
         smtp-password-file = \"{0}/smtp-password\"\nsmtp-ca-file = \"{0}/ca.pem\"\nadmin = \"{ALICE}\"\nadmin-password-file = \"{0}/admin\"\n",
        folder.display(),
        free_port(),
        post.port,
    );
    std::fs::write(place.0.join("answers.toml"), answers).expect("written");
    let file = place.path("answers.toml");
    let output = place.runs(&["--answers", &file, "--name", "Hill Street", "--test-mail", "alice@example.org"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mail = post.next_mail();
    assert_eq!((&mail["sender"], &mail["authenticated"]), (&json!("auth@example.org"), &json!(true)));
    let config = place.config();
    assert_eq!((&config["site"]["name"], &config["tls"]["mode"]), (&json!("Hill Street"), &json!("files")));
    let secret = std::fs::read_to_string(place.0.join("etc/smtp-password")).expect("written");
    assert_eq!(secret.trim_end(), SMTP_PASSWORD);
    let users = shown(&["user", "list", "--config", &place.path("etc/gatelodge.toml")], "");
    assert_eq!(users["items"][0]["groups"], json!(["admins"]));
}

const ENOUGH: [&str; 10] = [
    "--url",
    "https://localhost",
    "--tls",
    "self-signed",
    "--https",
    "127.0.0.1:0",
    "--http",
    "none",
    "--smtp-host",
    "none",
];

#[test]
fn everything_that_is_missing_is_named_at_once_and_what_is_wrong_by_its_flag() {
    let place = Place::new();
    let said = place.refuses(&["--name", "Hill Street"]);
    assert!(said.contains("--url") && said.contains("--smtp-host") && said.contains("hint: "), "{said}");
    let with = |more: &[&'static str]| place.refuses(&[&ENOUGH[..], more].concat());
    let cases: [(&[&str], &str); 5] = [
        (&["--sender", "nobody"], "--sender: not a sender"),
        (&["--admin", "alice"], "--admin: not an e-mail address"),
        (&["--admin", "alice@example.org"], "--admin needs --admin-password-file"),
        (&["--admin", "alice@example.org", "--admin-password-file", "/nowhere"], "/nowhere: there is no such file"),
        (&["--name", ""], "--name: write 1 to 100"),
    ];
    for (more, words) in cases {
        let said = with(more);
        assert!(said.contains(words), "{said}");
    }
    for (flag, value, words) in [
        ("--tls", "acme", "--tls: no authority gives a certificate for localhost"),
        ("--tls", "yes", "--tls: write acme, files, self-signed or off"),
        ("--https", "443", "is no address and port"),
        ("--https", "192.0.2.1:443", "is no address of this machine"),
        ("--http", "127.0.0.1:PORT", "--http: HTTPS comes in by 127.0.0.1:"),
        ("--http", "0.0.0.0:PORT", "a port speaks one protocol: choose another, or none"),
        ("--url", "http://localhost", "--tls: an http:// site serves no TLS"),
        ("--smtp-host", "a|b:c", "these answers do not go together: \"a|b:c\" is no host's name; nothing was written"),
        ("--url", "https://a.example/login", "--url: a site's URL has no path"),
    ] {
        let mut arguments = ENOUGH.to_vec();
        let at = arguments.iter().position(|word| *word == flag).expect("it is among them");
        let port = free_port().to_string();
        let (value, https) = (value.replace("PORT", &port), format!("127.0.0.1:{port}"));
        arguments[5] = &https;
        arguments[at + 1] = &value;
        let said = place.refuses(&arguments);
        assert!(said.contains(words), "{said}");
    }
    let said = String::from_utf8_lossy(&place.runs(&["--answers", "/nowhere.toml"]).stderr).into_owned();
    assert!(said.contains("/nowhere.toml: cannot be read: there is no such file"), "{said}");
    std::fs::write(place.0.join("answers.toml"), "url = [\"https://localhost\"]\nurls = 1\nsmtp-hots = 2\n")
        .expect("written");
    let said = String::from_utf8_lossy(&place.runs(&["--answers", &place.path("answers.toml")]).stderr).into_owned();
    assert!(said.contains("answers.toml:1:7: [\"https://localhost\"]: `url` is a text in quotation marks"), "{said}");
    assert!(said.contains("answers.toml:2:1: unknown answer `urls`\nhint: did you mean `url`?"), "{said}");
    assert!(said.contains("answers.toml:3:1: unknown answer `smtp-hots`\nhint: did you mean `smtp-host`?"), "{said}");
}

/// A file of answers is told about as the configuration is: by line, with what was meant, and with its status.
#[test]
fn what_is_wrong_in_a_file_of_answers_is_told_by_its_line() {
    let place = Place::new();
    let file = place.path("answers.toml");
    for (text, words) in [
        (
            "[site]\nurl = \"https://localhost\"\nname = \"x\"\n",
            ":1:2: answers have no sections\nhint: delete the heading",
        ),
        ("[[site]]\nurl = \"https://localhost\"\n", ":1:3: answers have no sections"),
        ("smtp-port = 25.5\n", ":1:13: 25.5: no whole number\nhint: write a whole number"),
        ("smtp-host = \"a\"\nsmtp_host = \"b\"\n", ":2:1: `smtp_host` stands here a second time\nhint: keep one"),
        (
            "tls = \"selfsigned\"\n",
            ":1:7: \"selfsigned\" is nothing that `tls` can be\nhint: did you mean \"self-signed\"? write one of \"acme\"",
        ),
        (
            "registration = \"invitation\"\n",
            ":1:16: \"invitation\" is nothing that `registration` can be\nhint: did you mean \"invite\"?",
        ),
        ("smtp_security = \"starttsl\"\n", "hint: did you mean \"starttls\"?"),
        ("name: \"x\"\n", ":1:7: `=` stands between a key and its value"),
    ] {
        std::fs::write(&file, text).expect("written");
        let output = place.runs(&["--answers", &file]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(said.contains(words) && said.matches("answers.toml").count() == 1, "{text}\n{said}");
    }
    for missing in ["/nowhere.toml", "-"] {
        let said = String::from_utf8_lossy(&place.runs(&["--answers", missing]).stderr).into_owned();
        assert!(said.contains("hint: name another file with --answers FILE\n") && !said.contains("--config"), "{said}");
    }
}

#[test]
fn where_things_go_is_tried_before_anything_is_asked() {
    let place = Place::new();
    std::fs::write(place.0.join("words"), "words\n").expect("written");
    let (file, below) = (place.path("words"), place.path("words/below"));
    let (config, in_config) = (place.path("etc/gatelodge.toml"), place.path("etc/gatelodge.toml/store"));
    for (state, words) in [
        ("", "--state: write a folder's name"),
        (&*file, "is no folder"),
        (&*below, "is no folder"),
        ("/proc/x", "nothing can be made in /proc/x"),
        (&*config, "is where the configuration goes"),
        (&*in_config, "is where the configuration goes"),
    ] {
        let output = run(&[&["setup", "--config", &config, "--state", state][..], &ENOUGH].concat(), "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{state}");
        assert!(said.contains(words), "{state}: {said}");
        assert!(!place.0.join("etc").exists(), "{state}: something was left");
    }
    let output = run(&[&["setup", "--config", &below][..], &ENOUGH].concat(), "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--config: ") && said.contains("is no folder"), "{said}");
}

#[test]
fn what_does_not_go_together_is_asked_for_again_and_nothing_is_lost() {
    let place = Place::new();
    let port = free_port();
    let https = format!("127.0.0.1:{port}");
    let shown = place.converses(
        &["--registration", "open", "--admin", "none", "--test-mail", "none"],
        &[
            ("URL", &format!("https://localhost:{port}")),
            ("pages and in mails", "Hill Street"),
            ("self-signed or off", ""),
            ("for HTTPS on", &https),
            ("(or none)", &https),
            ("a port speaks one protocol", ""),
            ("Sender", ""),
            ("smtp.example.org", "a|b:c"),
            ("Its port", ""),
            ("encrypted", ""),
            ("User name", ""),
            ("is no host's name", ""),
            ("[Hill Street]", ""),
            ("self-signed or off", ""),
            (&format!("for HTTPS on [{https}]"), ""),
            ("(or none) [none]", ""),
            ("invite or closed [open]", ""),
            ("Sender", ""),
            ("[a|b:c]", "none"),
            ("Write it?", ""),
        ],
    );
    // No line of a file is named: there is none yet.
    assert!(shown.lines().any(|line| line.trim_end() == "  \"a|b:c\" is no host's name"), "{shown}");
    assert_eq!(place.config()["site"]["name"], "Hill Street");
}

#[test]
fn a_certificate_is_tried_before_it_is_taken() {
    let place = Place::new();
    let folder: &Path = &place.0.0;
    let authority = Authority::new();
    authority.issue("other.example.org", folder);
    let (certificate, key) = (place.path("cert.pem"), place.path("key.pem"));
    let base = [
        "--url",
        "https://auth.example.org",
        "--tls",
        "files",
        "--certificate",
        &certificate,
        "--https",
        "127.0.0.1:0",
        "--http",
        "none",
        "--smtp-host",
        "none",
        "--private-key",
    ];
    std::fs::create_dir(folder.join("new")).expect("made");
    authority.issue("auth.example.org", &folder.join("new"));
    let said = place.refuses(&[&base[..], &[&place.path("new/key.pem")]].concat());
    assert!(said.contains("tls.private_key is not the key of tls.certificate"), "{said}");
    let said = place.refuses(&[&base[..], &[&place.path("nowhere")]].concat());
    assert!(said.contains("nowhere: No such file"), "{said}");
    let output = place.runs(&[&base[..], &[&key]].concat());
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the certificate is not for auth.example.org"), "{said}");
}

#[test]
fn of_certificate_and_key_the_wrong_one_is_asked_for_again() {
    let place = Place::new();
    let folder: &Path = &place.0.0;
    let authority = Authority::new();
    authority.issue("auth.example.org", folder);
    std::fs::create_dir(folder.join("new")).expect("made");
    authority.issue("auth.example.org", &folder.join("new"));
    std::fs::write(folder.join("words"), "words\n").expect("written");
    let path = |name: &str| place.path(name);
    let given = [
        "--url",
        "https://auth.example.org",
        "--tls",
        "files",
        "--http",
        "none",
        "--smtp-host",
        "none",
        "--admin",
        "none",
    ];
    let shown = place.converses(
        &[&given[..], &["--https", "127.0.0.1:0", "--sender", "auth@example.org"]].concat(),
        &[
            ("pages and in mails", ""),
            ("with its chain, PEM: ", &path("words")),
            ("there is no certificate in it", ""),
            ("with its chain, PEM: ", &path("cert.pem")),
            ("key, PEM: ", &path("new/key.pem")),
            ("is not the key of", ""),
            (&format!("PEM [{}]: ", path("new/key.pem")), &path("words")),
            (&format!("PEM [{}]: ", path("words")), &path("key.pem")),
            ("invite or closed", "closed"),
            ("Write it?", ""),
        ],
    );
    let config = place.config();
    assert_eq!(config["tls"]["certificate"], json!(path("cert.pem")), "{shown}");
    assert_eq!(config["tls"]["private_key"], json!(path("key.pem")));
    assert_eq!(config["registration"]["mode"], "closed");
}

#[test]
fn who_may_register_depends_on_who_reaches_the_site() {
    for (url, more, mode) in [
        ("https://auth.example.org", &[][..], "invite"),
        ("https://198.51.100.7", &[], "invite"),
        ("https://10.0.0.7", &[], "open"),
        ("https://[fd00::7]", &[], "open"),
        ("https://auth.lan", &[], "open"),
        ("https://attic", &[], "open"),
        ("https://localhost:9443", &[], "open"),
        ("https://auth.example.org", &["--registration", "approval"], "approval"),
    ] {
        let place = Place::new();
        let mut arguments = ENOUGH.to_vec();
        arguments[1] = url;
        let output = place.runs(&[&arguments[..], &["--sender", "auth@example.org"], more].concat());
        assert!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(place.config()["registration"]["mode"], mode, "{url}");
    }
}

/// However a password comes in: by the same rules, and refused in the same words.
#[test]
fn every_password_of_the_command_line_meets_the_rules() {
    let place = Place::new();
    let site = place.path("site.toml");
    let text = "[site]\nname = \"Hill Street\"\nurl = \"https://localhost\"\n[listen]\ncontrol = \"c\"\n[store]\npath = \"s\"\n[mail]\n\
                from = \"a@example.org\"\ntransport = \"file\"\ndirectory = \"m\"\n";
    std::fs::write(&site, text).expect("written");
    std::fs::create_dir(place.0.join("m")).expect("made");
    let add = |name: &str, password: &str| {
        run(&["user", "add", name, "--confirmed", "--password-stdin", "--config", &site], password)
    };
    assert!(add("bob@example.org", PASSWORD).status.success());
    let file = place.path("password");
    for (password, words) in [
        ("short", "fewer than 15 characters"),
        ("aaaaaaaaaaaaaaaaaaaa", "the password "),
        ("hillstreet alice@example.org", "the names of the person and the site too little"),
        ("tab\tin the middle of it", "cannot be printed"),
    ] {
        std::fs::write(&file, format!("\u{feff}{password}\n")).expect("written");
        let setup = ["--name", "Hill Street", "--admin", ALICE, "--admin-password-file", &file];
        let passwd = ["user", "passwd", "bob@example.org", "--password-stdin", "--config", &site];
        let refused = place.refuses(&[&ENOUGH[..], &setup].concat());
        assert!(refused.contains(words), "{password}: {refused}");
        let of = |output: Output| String::from_utf8_lossy(&output.stderr).into_owned();
        let added = of(add(ALICE, &format!("{password}\n")));
        assert_eq!(added, refused.replace("--admin-password-file: ", ""));
        if !password.contains("alice") {
            assert_eq!(of(run(&passwd, &format!("{password}\n"))), added);
        }
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_password() {
    let place = Place::new();
    let file = place.path("password");
    std::fs::write(&file, format!("\u{feff}{PASSWORD}\r\n")).expect("written");
    let port = free_port();
    let (url, https) = (format!("https://localhost:{port}"), format!("127.0.0.1:{port}"));
    let mut given = ENOUGH.to_vec();
    (given[1], given[5]) = (&url, &https);
    let output = place.runs(&[&given[..], &["--admin", ALICE, "--admin-password-file", &file]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let config = place.path("etc/gatelodge.toml");
    let add = ["user", "add", "bob@example.org", "--confirmed", "--password-stdin", "--config", &config];
    shown(&add, &format!("\u{feff}{PASSWORD}\r\n"));
    let server = Server::start(&["serve", "--config", &config], port);
    for identity in [ALICE, "bob@example.org"] {
        server.client().api("POST", "/login", &json!({"identity": identity, "password": PASSWORD})).expect(200);
    }
    std::fs::write(&file, PASSWORD.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).expect("written");
    let other = Place::new();
    let said = other.refuses(&[&ENOUGH[..], &["--admin", ALICE, "--admin-password-file", &file]].concat());
    assert!(said.contains("is UTF-16") && said.contains("save it as UTF-8"), "{said}");
}

#[test]
fn a_configuration_that_is_there_stays_unless_it_is_to_be_replaced() {
    let place = Place::new();
    assert!(place.runs(&ENOUGH).status.success());
    let path = place.0.join("etc/gatelodge.toml");
    let before = std::fs::read_to_string(&path).expect("written");
    let output = place.runs(&[&ENOUGH[..], &["--name", "Another"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is there already: nothing was changed"));
    assert_eq!(std::fs::read_to_string(&path).expect("still there"), before);
    assert!(place.runs(&[&ENOUGH[..], &["--name", "Another", "--force"]].concat()).status.success());
    assert_eq!(place.config()["site"]["name"], "Another");
    assert_eq!(std::fs::read_to_string(place.0.join("etc/gatelodge.toml.old")).expect("kept"), before);
}

#[test]
fn a_test_mail_that_is_not_accepted_stops_it() {
    let place = Place::new();
    let port = free_port().to_string();
    let mut given = ENOUGH.to_vec();
    given[9] = "localhost";
    let said = place.refuses(&[&given[..], &["--smtp-port", &port, "--test-mail", "alice@example.org"]].concat());
    assert!(said.contains("nothing listens at localhost") && said.contains("--test-mail none skips this"), "{said}");
}

//! What administrators do at the command line, with the real binary beside a running server.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::process::{Server, configuration, file_mail, free_port, mailed_token, refusal, run, shown};
use crate::store::Folder;
use crate::stories::read_key;
use crate::world::{ALICE, PASSWORD};

/// A server, and how its commands are typed.
struct House {
    folder: Folder,
    config: String,
    server: Server,
}

impl House {
    fn with(settings: &str) -> Self {
        let (folder, port) = (Folder::new(), free_port());
        let config = configuration(&folder.0, port, &format!("{}{settings}", file_mail(&folder.0)));
        let server = Server::start(&["serve", "--config", &config], port);
        Self { folder, config, server }
    }

    /// What a command shows.
    #[track_caller]
    fn types(&self, words: &[&str]) -> Value {
        shown(&[words, &["--config", &self.config]].concat(), "")
    }

    /// The same as people read it.
    fn reads(&self, words: &[&str]) -> String {
        let output = run(&[words, &["--config", &self.config]].concat(), "");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn is_refused(&self, words: &[&str]) -> String {
        let (code, said) = refusal(&[words, &["--config", &self.config]].concat());
        assert_eq!(code, Some(1), "{said}");
        said
    }
}

fn id(shown: &Value) -> &str {
    shown["id"].as_str().expect("an id")
}

#[test]
fn an_invitation_is_made_listed_and_taken_back() {
    let house = House::with("[registration]\nmode = \"invite\"\n");
    let made = house.types(&["invite", "add", "--uses", "3", "--group", "guests", "--within", "2d"]);
    let token = made["link"].as_str().and_then(|link| link.rsplit('/').next()).expect("a link").to_owned();
    let register = json!({"email": ALICE, "password": PASSWORD, "invitation": token});
    let mut browser = house.server.client();
    browser.api("POST", "/register", &register).expect(202);
    let listed = house.reads(&["invite", "list"]);
    assert!(listed.starts_with("ID") && listed.contains("guests") && !listed.contains(&token), "{listed}");
    house.types(&["invite", "revoke", id(&made)]);
    browser.api("POST", "/register", &register).expect(403);
    assert!(house.is_refused(&["invite", "revoke", id(&made)]).contains("see `gatelodge invite list`"));
}

#[test]
fn registrations_are_approved_and_declined() {
    let mut house = House::with("[registration]\nmode = \"approval\"\n");
    let waiting = |house: &House| house.types(&["approval", "list"])["items"].clone();
    for (email, word) in [(ALICE, "approve"), ("bob@example.org", "decline")] {
        let mut browser = house.server.client();
        browser.api("POST", "/register", &json!({"email": email, "password": PASSWORD})).expect(202);
        let token = mailed_token(&mut house.server, &house.folder.0);
        browser.api("POST", "/confirm", &json!({"token": token})).expect(200);
        let rows = waiting(&house);
        assert_eq!((rows.as_array().map(Vec::len), &rows[0]["email"]), (Some(1), &json!(email)));
        match word {
            "approve" => house.types(&["approval", "approve", id(&rows[0])]),
            _ => house.types(&["approval", "decline", id(&rows[0])]),
        };
        house.server.reads_until("mail delivered");
        assert_eq!(waiting(&house), json!([]));
        let log_in = json!({"identity": email, "password": PASSWORD});
        browser.api("POST", "/login", &log_in).expect(if word == "approve" { 200 } else { 401 });
    }
}

#[test]
fn lost_factors_are_taken_away() {
    let mut house = House::with("");
    let add = ["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &house.config];
    shown(&add, &format!("{PASSWORD}\n"));
    assert!(house.is_refused(&["user", "reset-factors", ALICE]).contains("has no second factor"));
    let mut browser = house.server.client();
    browser.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    let begun = browser.api("POST", "/account/factors/totp", &json!({})).expect(200).json();
    let code = code_now(begun["key"].as_str().expect("a key"));
    browser.api("POST", "/account/factors/totp/confirm", &json!({"id": begun["id"], "code": code})).expect(200);
    house.server.reads_until("mail delivered");
    let login = json!({"identity": ALICE, "password": PASSWORD});
    let mut other = house.server.client();
    other.api("POST", "/login", &login).expect(401);
    assert_eq!(house.types(&["user", "show", ALICE])["second_factors"][0]["kind"], "totp");
    house.types(&["user", "reset-factors", ALICE]);
    other.api("POST", "/login", &login).expect(200);
}

/// What an authenticator app shows at this moment.
#[expect(clippy::disallowed_methods, reason = "a phone goes by its own clock")]
fn code_now(key: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    read_key(key).shown_at(gatelodge::base::Timestamp::from_seconds(now))
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let house = House::with("");
    let add = ["user", "add", "--username", "wiki", "--group", "apps", "--password-stdin", "--config", &house.config];
    shown(&add, &format!("{PASSWORD}\n"));
    house.types(&["group", "permit", "apps", "gatelodge:ask"]);
    let made = house.types(&["token", "add", "wiki", "--name", "Wiki", "--scope", "ask", "--within", "7d"]);
    let token = made["token"].as_str().expect("a token").to_owned();
    let asks = || {
        let (path, close) = ("/api/v1/users/wiki/may/read", "Connection: close\r\n\r\n");
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{close}");
        house.server.client().raw(&head).status()
    };
    assert_eq!(asks(), 200);
    let listed = house.reads(&["token", "list", "wiki"]);
    assert!(listed.contains("Wiki") && listed.contains("ask") && !listed.contains(&token), "{listed}");
    house.types(&["token", "revoke", "wiki", id(&made)]);
    assert_eq!(asks(), 401);
    assert!(house.is_refused(&["token", "revoke", "wiki", id(&made)]).contains("see `gatelodge token list USER`"));
    let unknown = house.is_refused(&["token", "add", "wiki", "--name", "x", "--scope", "all"]);
    assert!(unknown.contains("there are profile, ask"), "{unknown}");
}

#[test]
fn application_passwords_are_made_listed_and_revoked() {
    let house = House::with("");
    let add = ["user", "add", "--username", "bob", "--password-stdin", "--config", &house.config];
    shown(&add, &format!("{PASSWORD}\n"));
    let calendar = [
        "app-password",
        "add",
        "bob",
        "--name",
        "Calendar",
        "--host",
        "Cal.Example.org",
        "--host",
        "*.lab.example.org",
    ];
    let made = house.types(&[&calendar[..], &["--expires-at", "2100-01-31"]].concat());
    let password = made["password"].as_str().expect("a password").to_owned();
    assert!(password.starts_with("glk_"), "{password}");
    assert_eq!(made["hosts"], json!(["cal.example.org", "*.lab.example.org"]));
    assert_eq!(made["expires_at"], "2100-01-31T00:00:00Z");
    let listed = house.reads(&["app-password", "list", "bob"]);
    assert!(listed.contains("Calendar") && listed.contains("*.lab.example.org"), "{listed}");
    assert!(!listed.contains(&password), "it is shown once");
    assert!(!house.reads(&["token", "list", "bob"]).contains("Calendar"), "it is no API token");
    let exported = house.reads(&["export", "-"]);
    assert!(exported.contains("\"app-password\"") && exported.contains("cal.example.org"), "{exported}");
    assert!(house.is_refused(&["token", "revoke", "bob", id(&made)]).contains("there is no token"));
    house.types(&["app-password", "revoke", "bob", id(&made)]);
    let again = house.is_refused(&["app-password", "revoke", "bob", id(&made)]);
    assert!(again.contains("see `gatelodge app-password list USER`"), "{again}");
    let malformed =
        house.is_refused(&["app-password", "add", "bob", "--name", "x", "--host", "https://cal.example.org"]);
    assert!(malformed.contains("is no host") && malformed.contains("without https://"), "{malformed}");
    let past = house.is_refused(&["app-password", "add", "bob", "--name", "x", "--expires-at", "2001-01-31"]);
    assert!(past.contains("in the past"), "{past}");
}

#[test]
fn sessions_are_ended_beside_a_running_server_and_without_one() {
    let house = House::with("");
    for name in [ALICE, "bob@example.org"] {
        let add = ["user", "add", name, "--confirmed", "--password-stdin", "--config", &house.config];
        shown(&add, &format!("{PASSWORD}\n"));
    }
    let log_in = |name: &str| {
        let mut browser = house.server.client();
        browser.api("POST", "/login", &json!({"identity": name, "password": PASSWORD})).expect(200);
        browser
    };
    let (mut alice, mut bob) = (log_in(ALICE), log_in("bob@example.org"));
    assert_eq!(house.types(&["session", "end", ALICE]), json!({"ended": 1}));
    alice.api("GET", "/session", &Value::Null).expect(401);
    bob.api("GET", "/session", &Value::Null).expect(200);
    assert!(house.is_refused(&["session", "end", "nobody"]).contains("there is no account nobody"));
    let (code, _) = refusal(&["session", "end", "--config", &house.config]);
    assert_eq!(code, Some(2), "whose, is not said");
    assert_eq!(house.reads(&["session", "end", "--all"]), "1 session has ended.\n");
    bob.api("GET", "/session", &Value::Null).expect(401);
    log_in(ALICE);
    let House { folder: _folder, config, server } = house;
    assert_eq!(server.stops(), Some(0));
    assert_eq!(shown(&["session", "end", "--all", "--config", &config], ""), json!({"ended": 1}));
}

/// What a command at a terminal shows that is answered so, and how it ends.
fn at_a_terminal(house: &House, words: &[&str], talk: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut child = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminal.py"))
        .arg(env!("CARGO_BIN_EXE_gatelodge"))
        .args(words)
        .args(["--config", &house.config])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    child.stdin.take().expect("piped").write_all(json!(talk).to_string().as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn what_ends_for_good_is_asked_for_at_a_terminal_and_done_at_once_by_scripts() {
    let house = House::with("");
    let add = |name: &str| {
        let add = ["user", "add", name, "--confirmed", "--name", "Bob Brown", "--group", "staff"];
        shown(&[&add[..], &["--password-stdin", "--config", &house.config]].concat(), &format!("{PASSWORD}\n"));
    };
    add("bob@example.org");
    let delete = ["user", "delete", "bob@example.org"];
    for answer in ["", "no", "maybe"] {
        let (code, said) = at_a_terminal(&house, &delete, &[("Go on? [no]", answer)]);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains("bob@example.org (Bob Brown) is deleted with all that is kept about it, for good"),
            "{said}"
        );
        assert!(said.contains("nothing was changed") && said.contains("--yes"), "{said}");
    }
    house.types(&["user", "show", "bob@example.org"]);
    // Before anybody is asked: there is none of this name.
    let (code, said) = at_a_terminal(&house, &["user", "delete", "bib"], &[]);
    assert!(code == Some(1) && said.contains("there is no account bib"), "{said}");
    let (code, said) = at_a_terminal(&house, &delete, &[("Go on? [no]", "yes")]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("bob@example.org was deleted"), "{said}");
    add("bob@example.org");
    let (code, said) = at_a_terminal(&house, &[&delete[..], &["--yes"]].concat(), &[]);
    assert!(code == Some(0) && !said.contains("Go on?"), "{said}");
    add("bob@example.org");
    house.types(&delete);
    add("bob@example.org");
    let token = house.types(&["token", "add", "bob@example.org", "--name", "x", "--scope", "profile"]);
    let password = house.types(&["app-password", "add", "bob@example.org", "--name", "x"]);
    let invitation = house.types(&["invite", "add"]);
    for words in [
        &["user", "reset-factors", "bob@example.org"][..],
        &["user", "free-username", "bob"],
        &["group", "disband", "staff"],
        &["session", "end", "--all"],
        &["token", "revoke", "bob@example.org", id(&token)],
        &["app-password", "revoke", "bob@example.org", id(&password)],
        &["invite", "revoke", id(&invitation)],
        &["approval", "decline", "0123456789abcdef0123456789abcdef"],
        &["key", "rotate", "--revoke"],
        &["clock", "reset"],
    ] {
        let (code, said) = at_a_terminal(&house, words, &[("Go on? [no]", "no")]);
        assert!(code == Some(1) && said.contains("nothing was changed"), "{words:?}: {said}");
    }
}

#[test]
fn an_address_is_looked_at_before_a_password_is_asked_for() {
    let house = House::with("");
    for (words, hint) in [
        (&["user", "add", "bob"][..], "gatelodge user add --username bob"),
        (&["user", "add", "b@example.org", "--group", "Staff Room"], "begins with a letter"),
        (&["user", "add", "b@example.org", "--phone", "12"], "with its country"),
        (&["user", "passwd", "nobody"], "gatelodge user list"),
    ] {
        let (code, said) = at_a_terminal(&house, words, &[]);
        assert!(code == Some(1) && said.contains(hint) && !said.contains("password:"), "{words:?}: {said}");
    }
}

#[test]
fn what_is_refused_is_named_and_how_to_do_it_is_said() {
    let house = House::with("");
    house.types(&["user", "add", ALICE, "--no-password"]);
    for (words, said) in [
        (&["invite", "add", "nonsense"][..], "\"nonsense\" is not an e-mail address\nhint: write it like "),
        (&["invite", "add", ALICE], "alice@example.org has an account already\nhint: "),
        (&["mail", "retry", "zzz"], "\"zzz\" is not a mail's id\nhint: `gatelodge mail list`"),
        (&["user", "add", ALICE, "--no-password"], "another account has the address alice@example.org\nhint: "),
        (&["user", "phone", ALICE, "none"], "\"none\" is no telephone number\nhint: to take the number"),
        (&["user", "phone", ALICE, "n"], "\"n\" is no telephone number\nhint: write it with its country"),
    ] {
        let message = house.is_refused(words);
        assert!(message.contains(said), "{words:?}: {message}");
    }
}

#[test]
fn what_was_done_is_said_in_a_sentence() {
    let house = House::with("");
    let types = |words: &[&str], input: &str| {
        let output = run(&[words, &["--config", &house.config]].concat(), input);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let bob = "bob@example.org";
    for (words, said) in [
        (
            &["user", "add", bob, "--password-stdin"][..],
            "bob@example.org has an account now; a mail to confirm it is on its way.\n",
        ),
        (&["user", "confirm", bob], "bob@example.org counts as confirmed, and may log in.\n"),
        (
            &["user", "group", "add", bob, "staff"],
            "bob@example.org is in the group staff; the groups are now: staff.\nstaff is a new group: nobody was in it before.\n",
        ),
        (
            &["user", "group", "add", bob, "staff"],
            "bob@example.org is in the group staff; the groups are now: staff.\n",
        ),
        (
            &["user", "passwd", bob, "--password-stdin"],
            "bob@example.org has a new password; the sessions of before have ended.\n",
        ),
        (&["user", "phone", bob, "+49 30 123456"], "bob@example.org may log in by +4930123456.\n"),
        (
            &["group", "permit", "staff", "lamp:switch"],
            "The members of staff may lamp:switch; all they may do: lamp:switch.\n",
        ),
        (
            &["group", "permit", "staf", "lamp:switch"],
            "The members of the new group staf may lamp:switch; all they may do: lamp:switch.\n",
        ),
        (&["group", "disband", "staff"], "There is no group staff any more.\n"),
        (&["user", "disable", bob], "bob@example.org is locked out, and the sessions have ended.\n"),
        (&["user", "enable", bob], "bob@example.org may log in again.\n"),
        (&["session", "end", bob], "0 sessions have ended.\n"),
        (&["mail", "retry"], "0 mails are queued again.\n"),
        (&["user", "delete", bob], "bob@example.org was deleted, with all that was kept about it.\n"),
        (
            &["user", "add", bob, "--no-password"],
            "bob@example.org has an account now; a mail to choose a password is on its way.\n",
        ),
        (&["user", "add", "--username", "wiki", "--password-stdin"], "wiki has an account now, and may log in.\n"),
    ] {
        assert_eq!(types(words, &format!("{PASSWORD}\n")), said, "{words:?}");
    }
    let token = types(&["token", "add", "wiki", "--name", "Wiki", "--scope", "profile"], "");
    assert!(token.contains("shown once") && token.contains("gla_"), "{token}");
    let password = types(&["app-password", "add", "wiki", "--name", "Calendar"], "");
    assert!(password.contains("is good for every application:") && password.contains("glk_"), "{password}");
    let invitation = types(&["invite", "add", "--uses", "3"], "");
    assert!(invitation.contains("3 people may register") && invitation.contains("/invite/gli_"), "{invitation}");
}

#[test]
fn the_audit_log_names_people_beside_their_ids() {
    let house = House::with("");
    let add = ["user", "add", "bob@example.org", "--confirmed", "--password-stdin", "--config", &house.config];
    let bob = shown(&add, &format!("{PASSWORD}\n"))["id"].clone();
    let mut browser = house.server.client();
    browser.api("POST", "/login", &json!({"identity": "bob@example.org", "password": PASSWORD})).expect(200);
    let row = house.types(&["audit", "list", "--act", "login"])["items"][0].clone();
    assert_eq!((&row["actor_name"], &row["subject_name"]), (&json!("bob@example.org"), &json!("bob@example.org")));
    assert_eq!(row["subject"], bob);
    let listed = house.reads(&["audit", "list", "--act", "login"]);
    let beside = format!("bob@example.org {}", bob.as_str().expect("an id"));
    assert_eq!(listed.matches(&beside).count(), 2, "{listed}");
}

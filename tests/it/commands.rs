//! What administrators do at the command line, with the real binary beside a running server.

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

/// What an authenticator program shows at this moment.
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
    assert_eq!(house.reads(&["session", "end", "--all"]), "1 sessions have ended.\n");
    bob.api("GET", "/session", &Value::Null).expect(401);
    log_in(ALICE);
    let House { folder: _folder, config, server } = house;
    assert_eq!(server.stops(), Some(0));
    assert_eq!(shown(&["session", "end", "--all", "--config", &config], ""), json!({"ended": 1}));
}

//! Webhooks: the real binary, and a server that takes what is told, or does not.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatelodge::base::Timestamp;
use gatelodge::webhooks::{Signer, WebhookEvent};
use serde_json::{Value, json};

use crate::process::{Server, configuration, file_mail, free_port, mailed_token, next, refusal, run, shown};
use crate::store::Folder;
use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What came, with the headers that prove it.
pub struct Told {
    id: String,
    timestamp: u64,
    signature: String,
    pub headers: Vec<String>,
    pub body: String,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    fn event(&self) -> String {
        self.json()["event"].as_str().expect("a word").to_owned()
    }

    fn is_signed(&self) -> bool {
        let event = WebhookEvent { number: 0, id: self.id.clone(), at: Timestamp::default(), body: self.body.clone() };
        let signer = Signer::parse(SECRET).expect("a secret");
        STANDARD.decode(&self.signature[3..]).is_ok_and(|code| code.len() == 32)
            && signer.sign(&event, Timestamp::from_seconds(self.timestamp)) == self.signature
    }
}

/// A server that answers each request with the next of the statuses it is given, and 200 after them.
pub struct Ear {
    pub port: u16,
    told: Receiver<Told>,
    pub answers: Sender<u16>,
}

impl Ear {
    pub fn listens() -> Self {
        Self::answering(|next| Some(next.try_recv().unwrap_or(200)))
    }

    fn answering(answer: impl Fn(&Receiver<u16>) -> Option<u16> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let ((tell, told), (answers, next)) = (channel(), channel::<u16>());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let told = read_request(&mut reader);
                if tell.send(told).is_err() {
                    return;
                }
                let Some(status) = answer(&next) else { return };
                let answer =
                    format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nlocation: http://127.0.0.1:1/\r\n\r\n");
                let _ = reader.get_mut().write_all(answer.as_bytes());
            }
        });
        Self { port, told, answers }
    }

    /// One that answers a request only when it is told what.
    fn waits() -> Self {
        Self::answering(|next| next.recv().ok())
    }

    pub fn hears(&self) -> Told {
        next(&self.told).expect("something is told")
    }
}

fn read_request(reader: &mut impl BufRead) -> Told {
    let mut headers = Vec::new();
    for line in reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        headers.push(line);
    }
    let header = |name: &str| {
        let found =
            headers.iter().find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let mut body = vec![0; header("content-length").parse().unwrap_or_default()];
    let _ = reader.read_exact(&mut body);
    Told {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp").parse().unwrap_or_default(),
        signature: header("webhook-signature"),
        body: String::from_utf8(body).expect("UTF-8"),
        headers: headers.clone(),
    }
}

/// A server with a webhook, and how its commands are typed.
struct House {
    folder: Folder,
    config: String,
    server: Server,
}

impl House {
    fn with(hook: &str) -> Self {
        let (folder, port) = (Folder::new(), free_port());
        let secret = folder.0.join("secret");
        std::fs::write(&secret, format!("{SECRET}\n")).expect("written");
        let hook = format!("[webhooks.ear]\nsecret_file = \"{}\"\n{hook}", secret.display());
        let config = configuration(&folder.0, port, &format!("{}{hook}", file_mail(&folder.0)));
        let server = Server::start(&["serve", "--config", &config], port);
        Self { folder, config, server }
    }

    fn types(&self, words: &[&str]) -> Value {
        shown(&[words, &["--config", &self.config]].concat(), "")
    }

    fn listed(&self) -> Value {
        self.types(&["webhook", "list"])["items"][0].clone()
    }

    fn registers(&mut self) {
        let mut browser = self.server.client();
        browser.api("POST", "/register", &json!({"email": ALICE, "password": PASSWORD})).expect(202);
        let token = mailed_token(&mut self.server, &self.folder.0);
        browser.api("POST", "/confirm", &json!({"token": token})).expect(200);
    }
}

fn at(ear: &Ear) -> String {
    format!("url = \"http://127.0.0.1:{}/hook\"\nprivate = true\n", ear.port)
}

#[test]
fn what_happens_is_told_in_order_and_signed() {
    let ear = Ear::listens();
    let mut house = House::with(&at(&ear));
    house.registers();
    let mut browser = house.server.client();
    browser.api("POST", "/login", &json!({"identity": ALICE, "password": OTHER_PASSWORD})).expect(401);
    browser.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    browser.api("POST", "/account/password", &change).expect(200);
    house.types(&["user", "group", "add", ALICE, "staff"]);
    browser.api("POST", "/account/delete", &json!({"current_password": OTHER_PASSWORD})).expect(204);
    let expected = [
        "registered",
        "confirmed",
        "login-refused",
        "logged-in",
        "password-changed",
        "group-joined",
        "account-deleted",
    ];
    let told: Vec<Told> = expected.iter().map(|_| ear.hears()).collect();
    assert_eq!(told.iter().map(Told::event).collect::<Vec<_>>(), expected);
    assert!(told.iter().all(Told::is_signed));
    assert!(told.iter().all(|told| told.json()["id"] == json!(told.id) && told.id.len() >= 16));
    let mut ids: Vec<&str> = told.iter().map(|told| told.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), told.len());
    assert!(told.iter().all(|told| !told.body.contains("glt_") && !told.body.contains(PASSWORD)));
    assert_eq!(told[5].json()["group"], "staff");
    assert!(told[6].json()["user"]["email"].is_null(), "nothing is left but the id");
}

#[test]
fn what_is_not_taken_is_told_again_with_the_same_id() {
    let ear = Ear::listens();
    let mut house = House::with(&format!("{}events = [\"confirmed\"]\n", at(&ear)));
    ear.answers.send(503).expect("it listens");
    ear.answers.send(307).expect("it listens");
    house.registers();
    let first = ear.hears();
    assert_eq!(first.event(), "confirmed", "nothing else was asked for");
    house.server.reads_until("it is tried again");
    let listed = house.listed();
    assert_eq!((&listed["waiting"], &listed["attempts"], &listed["delivered"]), (&json!(1), &json!(1), &json!(0)));
    assert!(listed["last_error"].as_str().is_some_and(|error| error.contains("503")), "{listed}");
    let doctor = run(&["doctor", "--config", &house.config], "");
    let doctor = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.contains("ear was not told") && doctor.contains("503"), "{doctor}");
    house.types(&["webhook", "retry", "ear"]);
    let second = ear.hears();
    house.server.reads_until("redirects are not followed");
    house.types(&["webhook", "retry", "ear"]);
    let third = ear.hears();
    assert_eq!((&first.id, &first.body), (&second.id, &second.body));
    assert_eq!((&first.id, third.is_signed()), (&third.id, true));
    let port = house.server.port;
    house.server.dies();
    house.server = Server::start(&["serve", "--config", &house.config], port);
    let mut browser = house.server.client();
    browser.api("POST", "/register", &json!({"email": "bob@example.org", "password": PASSWORD})).expect(202);
    let token = mailed_token(&mut house.server, &house.folder.0);
    browser.api("POST", "/confirm", &json!({"token": token})).expect(200);
    let heard = ear.hears();
    // At least once: the crash may have come before the third answer was noted.
    let next = if heard.id == first.id { ear.hears() } else { heard };
    assert_eq!(next.json()["user"]["email"], "bob@example.org", "it goes on where it was");
}

/// As each is alone with its server: neither one that never answers nor one that takes its time holds up another.
#[test]
fn each_webhook_goes_at_its_own_pace() {
    let [ear, slow, silent] = [Ear::listens(), Ear::waits(), Ear::waits()];
    let other = |name: &str, ear: &Ear| format!("[webhooks.{name}]\nsecret_file = \"secret\"\n{}", at(ear));
    let mut house = House::with(&[at(&ear), other("slow", &slow), other("silent", &silent)].concat());
    house.registers();
    let groups: Vec<String> = (1..=5).map(|number| format!("group-{number}")).collect();
    for group in &groups {
        house.types(&["user", "group", "add", ALICE, group]);
    }
    let expected: Vec<Option<&str>> =
        [None, None].into_iter().chain(groups.iter().map(|group| Some(&**group))).collect();
    let hears = |ear: &Ear| {
        expected.iter().map(|_| ear.hears().json()["group"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(hears(&ear).iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    // The others have not answered the first yet, and were not given up either.
    assert_eq!(silent.hears().event(), "registered");
    assert!(silent.told.try_recv().is_err(), "one at a time");
    let attempts: Vec<Value> = house.types(&["webhook", "list"])["items"].as_array().expect("a list").clone();
    assert!(attempts.iter().all(|hook| hook["attempts"] == 0), "{attempts:?}");
    for _ in &expected {
        slow.answers.send(200).expect("it listens");
    }
    assert_eq!(hears(&slow).iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    assert!(silent.told.try_recv().is_err(), "still at the first");
    assert_eq!(house.server.stops(), Some(0));
}

#[test]
fn what_will_never_be_taken_holds_nothing_up() {
    let ear = Ear::listens();
    let mut house = House::with(&format!("{}events = [\"registered\", \"confirmed\"]\n", at(&ear)));
    ear.answers.send(422).expect("it listens");
    house.registers();
    assert_eq!((ear.hears().event(), ear.hears().event()), ("registered".into(), "confirmed".into()));
    let rows = house.types(&["audit", "list", "--act", "webhook-given-up"]);
    assert_eq!(rows["items"].as_array().map(Vec::len), Some(1), "{rows}");
}

#[test]
fn a_private_target_that_is_not_named_as_one_is_refused() {
    let ear = Ear::listens();
    let house = House::with(&format!("url = \"https://127.0.0.1:{}/hook\"\n", ear.port));
    let (code, said) = refusal(&["webhook", "test", "ear", "--config", &house.config]);
    assert!(code == Some(1) && said.contains("allow that with private = true"), "{said}");
    assert!(ear.told.try_recv().is_err(), "not one byte was sent");
}

#[test]
fn a_test_event_says_what_the_server_made_of_it() {
    let ear = Ear::listens();
    let house = House::with(&at(&ear));
    ear.answers.send(401).expect("it listens");
    let (code, said) = refusal(&["webhook", "test", "ear", "--config", &house.config]);
    assert!(code == Some(1) && said.contains("401"), "{said}");
    house.types(&["webhook", "test", "ear"]);
    let told = [ear.hears(), ear.hears()];
    assert!(told.iter().all(|told| told.event() == "test" && told.is_signed()));
    std::fs::write(house.folder.0.join("secret"), "short\n").expect("written");
    let (_, said) = refusal(&["webhook", "test", "ear", "--config", &house.config]);
    assert!(said.contains("it has less than 16 bytes"), "{said}");
    let (_, said) = refusal(&["webhook", "test", "nobody", "--config", &house.config]);
    assert!(said.contains("there is no webhook nobody") && said.contains("hint: there "), "{said}");
}

#[test]
fn a_server_whose_certificate_nobody_vouches_for_is_told_nothing() {
    let ear = Ear::listens();
    let stranger = House::with(&at(&ear));
    let hook = format!("url = \"https://localhost:{}/hook\"\nprivate = true\n", stranger.server.port);
    let house = House::with(&hook);
    let (code, said) = refusal(&["webhook", "test", "ear", "--config", &house.config]);
    assert!(code == Some(1) && said.contains("ear was not told") && said.contains("certificate"), "{said}");
}

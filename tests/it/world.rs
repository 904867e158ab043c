//! The places and people of the stories: an appliance in memory, browsers, programs, and a postman.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use gatelodge::accounts::administer;
use gatelodge::accounts::standing::Needs;
use gatelodge::admin::{Command, Refusal, execute};
use gatelodge::app::{App, Caller, Hasher, Principal};
use gatelodge::audit::{self, Source};
use gatelodge::base::{Clock, ManualClock, Moment, NodeId, Seconds, Timestamp};
use gatelodge::config::Config;
use gatelodge::crypto::{Cost, Digest};
use gatelodge::store::{Direction, Engine, KeySpan, MemoryEngine, Pair, open_over, schema};
use gatelodge::web::Service;
use serde_json::{Value, json};

/// Where nobody else is.
pub const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub const ALICE: &str = "alice@example.org";
pub const PASSWORD: &str = "correct horse battery staple";
pub const OTHER_PASSWORD: &str = "seven geese over the moor";
/// In 2033: later than this program is built, so that the clock is believed.
pub const START: Timestamp = Timestamp::from_seconds(2_000_000_000);
const CHEAP: Cost = Cost { memory_kib: 8, iterations: 1, lanes: 1 };

/// An appliance with everything but network and disk.
pub struct World {
    pub app: Arc<App>,
    pub web: Service,
    pub clock: Arc<ManualClock>,
    runtime: tokio::runtime::Runtime,
    post: RefCell<Vec<Letter>>,
}

/// A mail that left.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: String,
    pub subject: String,
    pub text: String,
}

impl Letter {
    /// The one link in it that carries a token.
    pub fn link(&self) -> String {
        let start = self.text.find("https://auth.example.org/").expect("the mail has a link");
        self.text[start..].split_whitespace().next().expect("a link has an end").to_owned()
    }

    /// The path of the link.
    pub fn path(&self) -> String {
        self.link().trim_start_matches("https://auth.example.org").to_owned()
    }

    /// The token in the link.
    pub fn token(&self) -> String {
        self.link().rsplit('/').next().expect("a link has segments").to_owned()
    }
}

impl World {
    pub fn new() -> Self {
        Self::with("")
    }

    fn settings(settings: &str) -> Config {
        Self::settings_of("Hill Street", settings)
    }

    fn settings_of(name: &str, settings: &str) -> Config {
        Self::settings_within(name, "", settings)
    }

    fn settings_within(name: &str, site: &str, settings: &str) -> Config {
        let text = format!(
            "[mail]\nfrom = \"Hill Street <auth@example.org>\"\ntransport = \"file\"\n\
             [password]\nmemory_kib = {}\niterations = {}\n[site]\nname = \"{name}\"\nurl = \"https://auth.example.org\"\n{site}\n{settings}\n",
            CHEAP.memory_kib, CHEAP.iterations
        );
        Config::parse(&text, Path::new("story.toml")).expect("the settings are valid")
    }

    /// With further settings, in TOML; those before the first section are of `[site]`.
    pub fn with(settings: &str) -> Self {
        Self::over(Box::new(MemoryEngine::default()), settings)
    }

    /// With an engine of one's own.
    pub fn over(engine: Box<dyn Engine>, settings: &str) -> Self {
        Self::of(engine, Self::settings(settings))
    }

    /// With further settings of the section `[site]`, in TOML, and others.
    pub fn within_site(site: &str, settings: &str) -> Self {
        Self::of(Box::new(MemoryEngine::default()), Self::settings_within("Hill Street", site, settings))
    }

    fn of(engine: Box<dyn Engine>, config: Config) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let opened = open_over(engine, &mut Moment::new(START, [9; 32])).expect("memory opens");
        let cost = config.password.cost();
        let hasher = Hasher::start(cost).expect("threads start");
        let app = Arc::new(
            App::new(config, opened, Arc::clone(&clock) as Arc<dyn Clock>, hasher)
                .expect("the templates are well formed"),
        );
        let web = Service::new(Arc::clone(&app)).expect("the templates are well formed");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        Self { app, web, clock, runtime, post: RefCell::default() }
    }

    /// Has `act` pass the door and wait for its turn, a password's hash or the writer, while `first` is done. What both came to.
    pub fn overtake<T>(&self, first: impl Future<Output = T>, act: impl Future<Output = Reply>) -> (T, Reply) {
        let (begun, begins) = std::sync::mpsc::channel();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = std::sync::Mutex::new(held);
        self.block_on(async {
            let held_up = self.app.write(move |_| {
                let _ = begun.send(());
                let _ = held.lock().map(|held| held.recv());
                Ok(())
            });
            begins.recv().expect("the writer is held up");
            let (mut first, mut act) = (pin!(first), pin!(act));
            assert!(poll_once(first.as_mut()).await.is_none(), "it waits for the writer");
            let at_once = poll_once(act.as_mut()).await.map(|reply| (reply.status(), reply.text()));
            assert_eq!(at_once, None, "it waits for a hash or the writer");
            drop(release);
            held_up.await.expect("memory does not fail");
            (first.await, act.await)
        })
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Calls the site otherwise from now on.
    pub fn rename(&self, name: &str) {
        self.app.reconfigure(Self::settings_of(name, "")).expect("the templates are well formed");
    }

    /// Takes other settings from now on.
    pub fn reconfigure(&self, settings: &str) {
        self.web.reconfigure(Self::settings(settings)).expect("the templates are well formed");
    }

    pub fn advance(&self, seconds: Seconds) {
        self.clock.advance(seconds);
    }

    /// A browser without cookies.
    pub fn visitor(&self) -> Visitor<'_> {
        self.visitor_from("127.0.0.1")
    }

    /// A browser without cookies, somewhere else.
    pub fn visitor_from(&self, address: &str) -> Visitor<'_> {
        Visitor { world: self, cookies: RefCell::default(), address: address.parse().expect("an address") }
    }

    /// Somebody with a confirmed account.
    pub fn member(&self, email: &str, password: &str) {
        let browser = self.visitor();
        browser.api("POST", "/register", json!({"email": email, "password": password})).expect(202);
        let letter = self.only_letter_to(email);
        browser.api("POST", "/confirm", json!({"token": letter.token()})).expect(200);
    }

    /// A browser of somebody with a confirmed account, logged in.
    pub fn logged_in(&self, email: &str, password: &str) -> Visitor<'_> {
        self.member(email, password);
        let browser = self.visitor();
        browser.log_in(email, password).expect(200);
        browser
    }

    /// A browser of an administrator, logged in.
    pub fn administrator(&self, email: &str) -> Visitor<'_> {
        let browser = self.logged_in(email, PASSWORD);
        self.command(json!({"command": "user-group", "user": email, "group": "admins", "member": true})).expect("done");
        browser
    }

    /// Lets the workers decide who is mailed, and takes everything from the outbox.
    pub fn deliver_mail(&self) -> Vec<Letter> {
        self.block_on(async {
            while self.app.process_mail_requests().await.expect("memory does not fail") {}
            while let Some((id, to, bytes)) = self.app.claim_mail().await.expect("memory does not fail") {
                self.post.borrow_mut().push(read_mail(to.as_str(), &bytes));
                self.app
                    .write(move |work| gatelodge::mail::delivered(work.tx, id))
                    .await
                    .expect("memory does not fail");
            }
        });
        self.post.take()
    }

    /// Takes the text messages from the outbox: number and text.
    pub fn texts(&self) -> Vec<(String, String)> {
        self.block_on(async {
            let mut texts = Vec::new();
            while let Some((id, to, text)) = self.app.claim_text().await.expect("memory does not fail") {
                texts.push((to.to_string(), text));
                let sent = self.app.write(move |work| gatelodge::mail::delivered(work.tx, id));
                sent.await.expect("memory does not fail");
            }
            texts
        })
    }

    /// The only mail that left since the last look, which went to this address.
    pub fn only_letter_to(&self, address: &str) -> Letter {
        let mut letters = self.deliver_mail();
        assert_eq!(letters.len(), 1, "one mail: {letters:?}");
        let letter = letters.remove(0);
        assert_eq!(letter.to, address);
        letter
    }

    /// Carries out an administrator's command: its name and, beside it, what belongs to it.
    pub fn command(&self, command: Value) -> Result<Value, String> {
        self.asks(command).map_err(|refusal| refusal.message.in_english())
    }

    /// Why a command is not carried out.
    #[track_caller]
    pub fn refusal(&self, command: Value) -> Refusal {
        self.asks(command).expect_err("it is not carried out")
    }

    fn asks(&self, mut command: Value) -> Result<Value, Refusal> {
        let members = command.as_object_mut().expect("an object");
        let name = members.remove("command").and_then(|name| name.as_str().map(str::to_owned)).expect("a name");
        let command = if members.is_empty() { json!(name) } else { json!({name: members}) };
        let command: Command = serde_json::from_value(command).expect("a command");
        let by = Principal::CommandLine(Source::command_line(0));
        self.block_on(execute(&self.app, command, &by))
    }

    /// What the audit log says, oldest first: act, outcome and detail of each row.
    pub fn audit(&self) -> Vec<(String, String, String)> {
        let rows = self
            .app
            .read_blocking(|view| audit::page(view, NodeId::ONE, None, Direction::Up, 10_000))
            .expect("memory does not fail");
        let words = |(_, row): (u64, audit::Row)| {
            (row.entry.act.as_str().to_owned(), row.entry.outcome.as_str().to_owned(), row.entry.detail)
        };
        rows.into_iter().map(words).collect()
    }

    /// Disables somebody's account.
    pub fn disable(&self, email: &'static str) {
        let disabled = self.app.write(move |work| {
            let mut person = administer::find(work.tx, email)?.expect("a member");
            administer::set_disabled(work, &Source::appliance(), &mut person, true)
        });
        self.block_on(disabled).expect("memory does not fail");
    }

    pub fn expect_no_post(&self) {
        let letters = self.deliver_mail();
        assert!(letters.is_empty(), "no mail: {letters:?}");
    }

    /// Every record in the store, but for the time floor and what limits count: what a refusal may change.
    pub fn records_but_counts(&self) -> Vec<Pair> {
        let mut records = self.records();
        records.retain(|(key, _)| key[0] != schema::BUCKETS.prefix);
        records
    }

    /// Every record in the store, but for the time floor.
    pub fn records(&self) -> Vec<Pair> {
        let everything = KeySpan::prefix(&[]);
        let pairs = self
            .app
            .read_blocking(|view| view.scan(&everything, Direction::Up, usize::MAX))
            .expect("memory does not fail");
        pairs.into_iter().filter(|(key, _)| key[0] != schema::FLOORS.prefix).collect()
    }
}

/// Polls a future once, with nothing left of what tokio lets one task do at a time: whatever it waits for is not ready yet.
async fn poll_once<T>(mut future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    std::future::poll_fn(|context| {
        while tokio::task::coop::has_budget_remaining() {
            let _ = pin!(tokio::task::consume_budget()).poll(context);
        }
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}

fn read_mail(to: &str, bytes: &[u8]) -> Letter {
    let text = String::from_utf8(bytes.to_vec()).expect("mails are ASCII").replace("=\r\n", "").replace("=3D", "=");
    let subject =
        text.lines().find_map(|line| line.strip_prefix("Subject: ")).expect("a mail has a subject").to_owned();
    Letter { to: to.to_owned(), subject, text }
}

/// A browser, or a program with a cookie jar.
pub struct Visitor<'a> {
    pub world: &'a World,
    pub cookies: RefCell<BTreeMap<String, String>>,
    pub address: IpAddr,
}

impl Visitor<'_> {
    /// Another browser with the same cookies: somebody copied them.
    pub fn copy(&self) -> Self {
        Self { world: self.world, cookies: self.cookies.clone(), address: self.address }
    }

    /// Sends anything.
    pub fn send(&self, request: http::request::Builder, body: impl Into<Bytes>) -> Reply {
        self.world.block_on(self.sends(request, body))
    }

    /// As [`Visitor::send`], for what happens beside something else.
    pub async fn sends(&self, request: http::request::Builder, body: impl Into<Bytes>) -> Reply {
        let cookies: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        let request = request.body(body.into()).expect("a request");
        let response = self.world.web.answer(request, self.address).await;
        let (head, body) = response.into_parts();
        let reply = Reply { head, body };
        for cookie in reply.head.headers.get_all("set-cookie") {
            self.keep(cookie.to_str().expect("ASCII"));
        }
        reply
    }

    fn keep(&self, cookie: &str) {
        let (pair, attributes) = cookie.split_once("; ").expect("attributes");
        let (name, value) = pair.split_once('=').expect("a value");
        if attributes.contains("Max-Age=0") {
            self.cookies.borrow_mut().remove(name);
        } else {
            self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
        }
    }

    /// Opens a page.
    pub fn opens(&self, path: &str) -> Reply {
        self.send(http::Request::builder().uri(path), "")
    }

    /// Posts a form of this site.
    pub fn posts(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = http::Request::builder().method("POST").uri(path).header("sec-fetch-site", "same-origin");
        self.send(request.header("content-type", "application/x-www-form-urlencoded"), body)
    }

    /// Calls the API: with JSON, or, where there is no body, as a script of this site would.
    pub fn api(&self, method: &str, path: &str, body: impl Into<Value>) -> Reply {
        let body: Value = body.into();
        let request = http::Request::builder().method(method).uri(format!("/api/v1{path}"));
        if body.is_null() {
            return self.send(request.header("sec-fetch-site", "same-origin"), "");
        }
        self.send(request.header("content-type", "application/json"), body.to_string())
    }

    /// Calls the API with a token, and no cookie.
    pub fn by_token(&self, token: &str, method: &str, path: &str, body: impl Into<Value>) -> Reply {
        let (body, program): (Value, _) = (body.into(), self.world.visitor_from(&self.address.to_string()));
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        program.send(request, if body.is_null() { String::new() } else { body.to_string() })
    }

    /// Whoever is logged in here, as somebody who has passed the door.
    pub fn caller(&self) -> Caller {
        let digest = Digest::of(self.cookies.borrow()["__Host-gatelodge"].as_bytes());
        let who = self
            .world
            .runtime
            .block_on(self.world.app.find_caller(digest))
            .expect("memory does not fail")
            .expect("logged in");
        who.let_in(Needs::default(), self.address).expect("they may")
    }

    pub fn log_in(&self, identity: &str, password: &str) -> Reply {
        self.api("POST", "/login", json!({"identity": identity, "password": password}))
    }

    pub fn is_logged_in(&self) -> bool {
        let reply = self.api("GET", "/session", Value::Null);
        assert!(matches!(reply.status(), 200 | 401), "{}", reply.text());
        reply.status() == 200
    }
}

/// What came back.
pub struct Reply {
    pub head: http::response::Parts,
    pub body: Bytes,
}

impl Reply {
    pub fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// Ends the story if the status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status(), status, "{}", self.text());
        self
    }

    /// Ends the story if status or code are others.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let reply = self.expect(status);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        assert_eq!(reply.json()["code"], code);
        assert_eq!(reply.json()["status"], status);
        reply
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// Where it sends the browser.
    #[track_caller]
    pub fn leads_to(&self, path: &str) {
        assert_eq!((self.status(), self.header("location")), (303, Some(path)), "{}", self.text());
    }

    #[track_caller]
    pub fn says(&self, words: &str) {
        assert!(self.text().contains(words), "{words:?} is not in: {}", self.text());
    }
}

//! The real binary, killed at any time under load, again and again: at the end everything that was acknowledged is as it was
//! told, and each mail has left exactly once, or once more for a kill, with the same Message-ID.
//!
//! `GATELODGE_KILLS=5000 tests/run --test it kills` makes more rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Server, free_port, shown};
use crate::smtp::MailServer;
use crate::store::Folder;

const ROUNDS_IN_AN_ORDINARY_RUN: u64 = 200;
const MEMBERS: u64 = 4;
/// People who ask for a link now and then, and whose link anybody uses.
const FORGETFUL: u64 = 30;
/// How many wrong passwords the limit lets pass, and no more within this test.
const GUESSES: u64 = 5;
const VICTIM: &str = "victim@example.org";
/// Promise P9: answering again after a crash, without anybody's help.
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// What was acknowledged, and what nobody was told of.
#[derive(Default)]
struct Told {
    registered: BTreeSet<String>,
    asked_to_register: u64,
    /// The password of each member, and what may have become of it.
    passwords: BTreeMap<u64, String>,
    perhaps: BTreeMap<u64, Vec<String>>,
    ended: Vec<String>,
    used_tokens: Vec<String>,
    guesses: u64,
    answers: u64,
}

type Shared = Arc<Mutex<Told>>;

fn lock(told: &Shared) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One request on a connection of its own; none if the answer did not come whole.
fn ask(port: u16, method: &str, path: &str, cookie: &str, body: &Value) -> Option<(u16, String, Value)> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let length = body.len();
    let request = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nSec-Fetch-Site: same-origin\r\nCookie: gatelodge={cookie}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let header = |name: &str| {
        head.lines().find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)))
    };
    let whole = header("content-length").is_none_or(|(_, length)| length.parse() == Ok(body.len()));
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let session = header("set-cookie").and_then(|(_, value)| value.strip_prefix("gatelodge=")?.split(';').next());
    whole.then(|| (status, session.unwrap_or_default().to_owned(), serde_json::from_str(body).unwrap_or_default()))
}

fn forgetful(number: u64) -> String {
    format!("forgetful{number}@example.org")
}

fn name_of(member: u64) -> String {
    format!("member{member}")
}

/// Somebody who does one thing after another until the server is gone. Each has a member of their own.
fn be_busy(port: u16, number: u64, told: &Shared, counter: &AtomicU64, links: &Mutex<Receiver<String>>) {
    loop {
        let turn = counter.fetch_add(1, Ordering::Relaxed);
        let went_on = match turn % 5 {
            0 => register(port, turn, told),
            1 => change_password(port, number, turn, told),
            2 => log_in_and_out(port, number, told),
            3 => reset(port, turn, told, links),
            _ => guess(port, told),
        };
        if went_on.is_none() {
            return;
        }
        lock(told).answers += 1;
    }
}

fn register(port: u16, turn: u64, told: &Shared) -> Option<()> {
    let email = format!("person{turn}@example.org");
    lock(told).asked_to_register += 1;
    let (status, ..) =
        ask(port, "POST", "/register", "", &json!({"email": email, "password": "correct horse battery staple"}))?;
    if status == 202 {
        lock(told).registered.insert(email);
    }
    Some(())
}

/// Logs in with whatever the password may be now.
fn log_in(port: u16, member: u64, told: &Shared) -> Option<(String, String)> {
    let candidates: Vec<String> = {
        let told = lock(told);
        told.perhaps.get(&member).into_iter().flatten().rev().chain(told.passwords.get(&member)).cloned().collect()
    };
    for password in candidates {
        let body = json!({"identity": name_of(member), "password": password});
        let (status, cookie, _) = ask(port, "POST", "/login", "", &body)?;
        if status == 200 {
            let mut told = lock(told);
            told.passwords.insert(member, password.clone());
            told.perhaps.remove(&member);
            return Some((cookie, password));
        }
        assert!(matches!(status, 401 | 503), "{status}");
    }
    None
}

fn change_password(port: u16, member: u64, turn: u64, told: &Shared) -> Option<()> {
    let (cookie, password) = log_in(port, member, told)?;
    let new = format!("a rather long password, number {turn}");
    lock(told).perhaps.entry(member).or_default().push(new.clone());
    let body = json!({"current_password": password, "new_password": new});
    let (status, ..) = ask(port, "POST", "/account/password", &cookie, &body)?;
    if status == 200 {
        let mut told = lock(told);
        told.passwords.insert(member, new);
        told.perhaps.remove(&member);
    }
    Some(())
}

fn log_in_and_out(port: u16, member: u64, told: &Shared) -> Option<()> {
    let (cookie, _) = log_in(port, member, told)?;
    let (status, ..) = ask(port, "POST", "/logout", &cookie, &Value::Null)?;
    if status == 204 {
        lock(told).ended.push(cookie);
    }
    Some(())
}

/// Asks for a link for somebody whom nobody else touches, and uses one that has arrived.
fn reset(port: u16, turn: u64, told: &Shared, links: &Mutex<Receiver<String>>) -> Option<()> {
    ask(port, "POST", "/forgot", "", &json!({"email": forgetful(turn % FORGETFUL)}))?;
    let Ok(token) = links.lock().unwrap_or_else(PoisonError::into_inner).try_recv() else { return Some(()) };
    let body = json!({"token": token, "password": format!("another long password, number {turn}")});
    let (status, ..) = ask(port, "POST", "/reset", "", &body)?;
    if status == 200 {
        lock(told).used_tokens.push(token);
    }
    Some(())
}

fn guess(port: u16, told: &Shared) -> Option<()> {
    let body = json!({"identity": VICTIM, "password": "a guess that is wrong"});
    let (status, ..) = ask(port, "POST", "/login", "", &body)?;
    lock(told).guesses += u64::from(status == 401);
    Some(())
}

/// Reads what the mail server prints, for as long as it runs: the links, and in the end everything.
fn read_post(mut post: MailServer) -> (Receiver<String>, std::thread::JoinHandle<Vec<Value>>, Arc<AtomicBool>) {
    let (found, links) = channel();
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let reading = std::thread::spawn(move || {
        use std::io::BufRead;
        let mut mails = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let mut line = String::new();
            if post.lines.read_line(&mut line).expect("UTF-8") == 0 {
                break;
            }
            let event: Value = serde_json::from_str(&line).expect("JSON");
            let text = event["content"].as_str().unwrap_or_default().replace("=\r\n", "").replace("=\n", "");
            if let Some(at) = text.find("/reset/glt_") {
                let token = text[at + 7..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c));
                let _ = found.send(token.collect());
            }
            mails.push(event);
        }
        mails.extend(post.ends());
        mails
    });
    (links, reading, is_over)
}

/// A server that is killed and started again, with people it knows.
struct Place {
    _folder: Folder,
    config: String,
    port: u16,
    told: Shared,
}

impl Place {
    fn new(mail_port: u16) -> Self {
        let folder = Folder::new();
        let (port, dir) = (free_port(), folder.0.display().to_string());
        let text = format!(
            "[site]\nurl = \"http://localhost:{port}\"\n[tls]\nmode = \"off\"\n[listen]\nhttp = [\"127.0.0.1:{port}\"]\ncontrol = \"{dir}/control.sock\"\n\
             [store]\npath = \"{dir}/gatelodge.redb\"\nballast_mib = 0\n[password]\nmemory_kib = 64\niterations = 1\n\
             [mail]\nfrom = \"auth@example.org\"\n[mail.smtp]\nhost = \"localhost\"\nport = {mail_port}\nsecurity = \"none\"\n\
             [throttle]\nname = \"{GUESSES}, then one every 365d\"\nnetwork = \"1000000, then one every 1s\"\neverybody = \"1000000, then one every 1s\"\n\
             mail_network = \"1000000, then one every 1s\"\nmail_everybody = \"1000000, then one every 1s\"\nmail_address = \"1000000, then one every 1s\"\n"
        );
        let config = folder.join("gatelodge.toml");
        std::fs::write(&config, text).expect("written");
        let config = config.to_str().expect("UTF-8").to_owned();
        let place = Self { _folder: folder, config, port, told: Arc::default() };
        for member in 0..MEMBERS {
            let password = format!("the first long password of {member}");
            place.add(&["--username", &name_of(member)], &password);
            lock(&place.told).passwords.insert(member, password);
        }
        place.add(&[VICTIM], "nobody will ever guess this");
        for number in 0..FORGETFUL {
            place.add(&[&forgetful(number)], "this one will be forgotten");
        }
        place
    }

    fn command(&self, arguments: &[&str]) -> Value {
        shown(&[arguments, &["--config", &self.config]].concat(), "")
    }

    fn add(&self, arguments: &[&str], password: &str) {
        let add =
            [&["user", "add"], arguments, &["--confirmed", "--password-stdin", "--config", &self.config]].concat();
        shown(&add, &format!("{password}\n"));
    }

    /// Whoever tries what the password may be by now gets it wrong now and then.
    fn forgive_members(&self) {
        for member in 0..MEMBERS {
            self.command(&["throttle", "lift", &name_of(member)]);
        }
    }

    fn serve(&self) -> Server {
        Server::start(&["serve", "--config", &self.config], self.port)
    }

    /// Serves people for a while and is killed in the middle of it. Gives how long it took to answer.
    fn kill_once(&self, round: u64, counter: &Arc<AtomicU64>, links: &Arc<Mutex<Receiver<String>>>) -> Duration {
        self.forgive_members();
        let started = Instant::now();
        let server = self.serve();
        let took = started.elapsed();
        let port = self.port;
        let busy: Vec<_> = (0..MEMBERS)
            .map(|number| {
                let (told, counter, links) = (Arc::clone(&self.told), Arc::clone(counter), Arc::clone(links));
                std::thread::spawn(move || be_busy(port, number, &told, &counter, &links))
            })
            .collect();
        // splitmix64 over the round.
        let mut mixed = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        // The kill is what is waited for: by time, because it may come at any.
        std::thread::park_timeout(Duration::from_millis(mixed >> 32 & 0xff));
        server.dies();
        for person in busy {
            person.join().expect("nobody was told anything wrong");
        }
        took
    }

    /// P5: whatever waits leaves.
    fn empty_the_outbox(&self) {
        let started = Instant::now();
        while self.command(&["mail", "list"])["items"] != json!([]) {
            assert!(started.elapsed() < Duration::from_mins(2), "P5: the outbox does not empty");
            self.command(&["mail", "retry"]);
        }
    }

    fn check_promises(&self) {
        self.forgive_members();
        let told = lock(&self.told);
        let status = |method: &str, path: &str, cookie: &str, body: &Value| {
            ask(self.port, method, path, cookie, body).expect("it runs").0
        };
        for (member, old) in &told.passwords {
            let works = |password: &&String| {
                status("POST", "/login", "", &json!({"identity": name_of(*member), "password": password})) == 200
            };
            let perhaps = told.perhaps.get(member).into_iter().flatten();
            let working = perhaps.chain([old]).filter(works).count();
            assert_eq!(working, 1, "P2: member {member} has {working} passwords that work");
        }
        for cookie in &told.ended {
            assert_eq!(status("GET", "/session", cookie, &Value::Null), 401, "P3: an ended session lives");
        }
        for token in told.used_tokens.iter().rev().take(50) {
            let body = json!({"token": token});
            assert_eq!(status("POST", "/reset/check", "", &body), 403, "P4: a used link works");
        }
        assert!(told.guesses <= GUESSES, "P7: {} guesses were let pass", told.guesses);
    }

    /// P6: no gap, and a row for each act.
    fn check_audit(&self) {
        self.command(&["audit", "verify"]);
        let (mut rows, mut after) = (0, None::<String>);
        loop {
            let mut list = vec!["audit", "list", "--act", "registered", "--limit", "1000"];
            list.extend(after.as_deref().map(|after| ["--after", after]).into_iter().flatten());
            let page = self.command(&list);
            rows += page["items"].as_array().map_or(0, Vec::len) as u64;
            match page["next"].as_u64() {
                Some(next) => after = Some(next.to_string()),
                None => break,
            }
        }
        let told = lock(&self.told);
        let acknowledged = told.registered.len() as u64;
        assert!(
            (acknowledged..=told.asked_to_register).contains(&rows),
            "P6: {acknowledged} acknowledged, {rows} rows"
        );
    }

    /// P1 and P5: everybody was mailed, and what came again was the same mail. Gives how many there were, and how many again.
    fn check_mails(&self, mails: &[Value], rounds: u64) -> (u64, u64) {
        let (mut by_id, mut reached) = (BTreeMap::<String, u64>::new(), BTreeSet::new());
        for mail in mails.iter().filter(|event| event["event"] == "mail") {
            let content = mail["content"].as_str().expect("text");
            let id = content.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("an id");
            *by_id.entry(id.trim().to_owned()).or_default() += 1;
            reached.extend(mail["to"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
        }
        let told = lock(&self.told);
        let lost: Vec<_> = told.registered.difference(&reached).collect();
        assert!(lost.is_empty(), "P1, P5: nobody was mailed at {lost:?}");
        let again = by_id.values().map(|count| count - 1).sum();
        assert!(again <= rounds, "P5: {again} mails came again in {rounds} kills");
        (by_id.len() as u64, again)
    }
}

#[test]
fn killed_again_and_again_it_keeps_every_promise() {
    let rounds = std::env::var("GATELODGE_KILLS").ok().and_then(|count| count.parse().ok());
    let rounds = rounds.unwrap_or(ROUNDS_IN_AN_ORDINARY_RUN);
    let post = MailServer::start(&[]);
    let place = Place::new(post.port);
    let (links, reading, is_over) = read_post(post);
    let (links, counter) = (Arc::new(Mutex::new(links)), Arc::default());
    let slowest = (0..rounds).map(|round| place.kill_once(round, &counter, &links)).max().unwrap_or_default();
    assert!(slowest < BACK_WITHIN, "P9: it took {slowest:?} to answer again");
    assert!(lock(&place.told).answers > rounds * 5, "hardly anything was answered");

    let server = place.serve();
    place.empty_the_outbox();
    place.check_promises();
    place.check_audit();
    assert_eq!(server.stops(), Some(0));
    is_over.store(true, Ordering::Relaxed);
    // One more event, so that whoever reads sees that it is over.
    assert!(shown_mail_test(&place.config));
    let mails = reading.join().expect("no panic");
    let (sent, again) = place.check_mails(&mails, rounds);
    let told = lock(&place.told);
    println!(
        "{rounds} kills: {} answers, {} registrations, {sent} mails, {again} of them again, {} logouts, {} resets, slowest start {slowest:?}",
        told.answers,
        told.registered.len(),
        told.ended.len(),
        told.used_tokens.len()
    );
}

fn shown_mail_test(config: &str) -> bool {
    shown(&["mail", "test", "last@example.org", "--config", config], "")["accepted"] == true
}

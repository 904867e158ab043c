//! Under a service manager: sockets that are handed over and outlive the service, what it is told, and the watchdog.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};

use serde_json::json;

use crate::process::{configuration, file_mail, free_port, next, shown};
use crate::store::Folder;
use crate::tls::{Client, plain};
use crate::world::{ALICE, PASSWORD};

/// A service manager (`tests/systemd/manager.py`) with the service in its hands.
pub struct Manager {
    child: Child,
    orders: Option<ChildStdin>,
    lines: Receiver<String>,
    folder: Folder,
    pub config: String,
    https: u16,
    http: u16,
}

impl Manager {
    fn new(environment: &[(&str, &Path)]) -> Self {
        let folder = Folder::new();
        let mail = file_mail(&folder.0);
        Self::of(folder, &mail, environment, &[])
    }

    /// With these sections in the configuration and these words between `env` and the binary, and behind it.
    pub fn of(folder: Folder, sections: &str, environment: &[(&str, &Path)], words: &[&[&str]]) -> Self {
        let (https, http) = (free_port(), free_port());
        let [before, behind] = [words.first().copied().unwrap_or_default(), words.get(1).copied().unwrap_or_default()];
        // The configured addresses could not be had: ports below 1024 belong to root, and these are in use.
        let config = configuration(&folder.0, https, sections);
        shown(
            &["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config],
            &format!("{PASSWORD}\n"),
        );
        let notify = folder.join("notify");
        let mut child = Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/systemd/manager.py"))
            .args([https.to_string(), http.to_string()])
            .arg(&notify)
            .arg("3")
            .arg("env")
            .args(environment.iter().map(|(name, path)| format!("{name}={}", path.display())))
            .args(before)
            .args([env!("CARGO_BIN_EXE_gatelodge"), "serve", "--config", &config])
            .args(behind)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is there");
        let (send, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let orders = child.stdin.take();
        Self { child, orders, lines, folder, config, https, http }
    }

    fn orders(&mut self, word: &str) {
        writeln!(self.orders.as_ref().expect("until it is dropped"), "{word}").expect("it listens");
    }

    /// Reads on until a line contains this.
    #[track_caller]
    pub fn hears(&self, words: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let line = next(&self.lines).unwrap_or_else(|fault| panic!("{fault} before {words:?}: {heard:#?}"));
            let is_it = line.contains(words);
            heard.push(line);
            if is_it {
                return heard;
            }
        }
    }

    /// Reads on until each of these was in a line. What the service tells its manager and what it logs go two ways, in any order.
    #[track_caller]
    fn hears_all(&self, words: &[&str]) -> String {
        let mut heard = String::new();
        while !words.iter().all(|words| heard.contains(words)) {
            heard += &next(&self.lines).unwrap_or_else(|fault| panic!("{fault} before {words:?}: {heard}"));
            heard.push('\n');
        }
        heard
    }

    pub fn starts(&mut self) {
        self.orders("start");
        self.hears("notify READY=1");
    }

    pub fn client(&self) -> Client {
        Client::trusting_anybody(self.https)
    }
}

impl Drop for Manager {
    /// Without orders it ends, and the service with it.
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

#[test]
fn sockets_are_taken_over_and_the_manager_is_told() {
    let mut manager = Manager::new(&[]);
    manager.starts();
    manager.client().get("/login").expect(200);
    plain(manager.http, "GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect(308);
    manager.hears("notify WATCHDOG=1");
    manager.hears("notify WATCHDOG=1");
    manager.orders("stop");
    let last_words = manager.hears("exited ");
    assert!(last_words.iter().any(|line| line == "notify STOPPING=1"), "{last_words:#?}");
    assert_eq!(last_words.last().map(String::as_str), Some("exited 0"));
}

#[test]
fn nobody_is_turned_away_while_the_service_restarts() {
    const RESTARTS: usize = 5;
    let mut manager = Manager::new(&[]);
    manager.starts();
    let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let port = manager.https;
    std::thread::scope(|scope| {
        let visit = || {
            while !is_over.load(Ordering::Relaxed) {
                // A connection of its own for each request, as most visitors have.
                Client::trusting_anybody(port).get("/login").expect(200);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        };
        let visitors: Vec<_> = (0..3).map(|_| scope.spawn(visit)).collect();
        for _ in 0..RESTARTS {
            let before = answered.load(Ordering::Relaxed);
            let is_served = || visitors.iter().all(|visitor| !visitor.is_finished());
            while is_served() && answered.load(Ordering::Relaxed) < before + 30 {
                std::thread::yield_now();
            }
            manager.orders("stop");
            manager.hears("exited 0");
            manager.starts();
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(visitors.into_iter().all(|visitor| visitor.join().is_ok()), "somebody was turned away");
    });
    assert!(answered.into_inner() > RESTARTS * 30);
}

#[test]
fn the_watchdog_hears_nothing_while_the_store_hangs() {
    let shims = Folder::new();
    let (shim, sign) = (shims.join("stuck.so"), shims.join("is-stuck"));
    crate::disk::compile("stuck.c", &shim);
    let mut manager = Manager::new(&[("LD_PRELOAD", &shim), ("STUCK_WHILE", &sign)]);
    manager.starts();
    manager.hears("notify WATCHDOG=1");
    std::fs::write(&sign, "").expect("written");
    let port = manager.https;
    let login = std::thread::spawn(move || {
        Client::trusting_anybody(port).api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).status()
    });
    manager.hears("the store does not answer");
    let heard = manager.hears("the store does not answer");
    assert!(!heard.iter().any(|line| line.contains("WATCHDOG=1")), "{heard:#?}");
    // What hangs is not lost: it goes on.
    std::fs::remove_file(&sign).expect("removed");
    assert_eq!(login.join().expect("no panic"), 200);
    manager.hears("notify WATCHDOG=1");
    assert!(manager.folder.join("gatelodge.redb").exists());
}

#[test]
fn the_configuration_is_read_again_without_a_restart() {
    let mut manager = Manager::new(&[]);
    manager.starts();
    let first = std::fs::read_to_string(&manager.config).expect("written");
    let elsewhere = manager.folder.join("elsewhere");
    let second = first
        .replace("Hill Street\"\nurl", "Mill Lane\"\nurl")
        .replace(&format!("{}/mail", manager.folder.0.display()), elsewhere.to_str().expect("UTF-8"))
        .replace("gatelodge.redb\"", "gatelodge.redb\"\ncache_mib = 6");
    std::fs::write(&manager.config, &second).expect("written");
    manager.orders("hup");
    let heard = manager.hears_all(&["notify READY=1", "changed: mail.directory, site.name"]);
    assert!(heard.contains("notify RELOADING=1") && heard.contains("notify MONOTONIC_USEC="), "{heard}");
    assert!(heard.contains("wait for a restart: store.cache_mib"), "{heard}");
    assert!(manager.client().get("/login").expect(200).body().contains("Mill Lane"));
    manager.client().api("POST", "/forgot", &json!({"email": ALICE})).expect(202);
    manager.hears("mail delivered");
    assert_eq!(std::fs::read_dir(&elsewhere).expect("made").count(), 1, "mails go where they should now");

    // Whatever is wrong changes nothing, and is named with its place.
    let templates = manager.folder.join("templates");
    std::fs::create_dir(&templates).expect("made");
    std::fs::write(templates.join("login.html"), "{% if %}").expect("written");
    let lost = second.replace("Mill Lane\"", &format!("Lost Lane\"\ntemplates = \"{}\"", templates.display()));
    for (broken, reason) in [(lost.clone() + "[sesion]\n", "unknown key `sesion`"), (lost, "login.html")] {
        std::fs::write(&manager.config, broken).expect("written");
        manager.orders("hup");
        let heard = manager.hears_all(&["notify READY=1", reason]);
        assert!(heard.contains("is not taken, and nothing changes"), "{heard}");
        assert!(manager.client().get("/login").expect(200).body().contains("Mill Lane"));
    }
    std::fs::write(&manager.config, second).expect("written");
    let rows = shown(&["audit", "list", "--act", "reconfigured", "--config", &manager.config], "");
    assert_eq!(rows["items"][0]["detail"], "mail.directory, site.name");
}

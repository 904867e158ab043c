//! An hour of mixed load: what a day brings, in an hour, and how much memory it leaves taken.

use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::PASSWORD;
use super::load::{self, Load, SESSIONS_EACH, Target};
use super::machine::{self, Disk, Server, median};

const AN_HOUR: Duration = Duration::from_hours(1);
/// Memory is looked at so often.
const LOOK: Duration = Duration::from_secs(5);
/// What the figures are told for: the last is compared with the second, because the first fills caches.
const PARTS: u32 = 6;
const SESSIONS: usize = 1000;
/// Addresses that are asked for again and again.
const ADDRESSES: usize = 200;

/// Sessions are looked at, pages opened; people log in with real hashes, register and forget, all at once and for an hour.
pub fn soak(folder: &Path) {
    println!("\n## An hour of mixed load, 1,000 sessions");
    let config = Server::configure(folder, "");
    let people = SESSIONS / SESSIONS_EACH;
    (0..people).for_each(|number| machine::add_account(&config, &format!("alice{number}@example.org"), PASSWORD));
    machine::add_crowd(&config, PASSWORD);
    let server = Server::start_plain(folder, "", Disk::as_it_is());
    let tokens = load::log_in_often(server.port, SESSIONS, PASSWORD);
    let began = Instant::now();
    let get = |path: &str, tokens: &[String]| Target::get(server.port, path, tokens);
    let post = |path: &str| Target::post(server.port, path);
    let body = |_: usize, _: usize| String::new();
    let wrong = |_: usize, _: usize| "{\"identity\":\"nobody@example.org\",\"password\":\"a wrong one\"}".to_owned();
    let register = |client: usize, number: usize| {
        let number = (client * 7919 + number) % ADDRESSES;
        format!("{{\"email\":\"person{number}@example.org\",\"password\":\"{PASSWORD}\"}}")
    };
    let forgot = |_: usize, number: usize| format!("{{\"email\":\"person{}@example.org\"}}", number % ADDRESSES);
    let threads = [
        spawn(get("/api/v1/session", &tokens), (40, Duration::from_millis(100)), body, 200),
        spawn(get("/login", &[]), (5, Duration::from_millis(500)), body, 200),
        spawn(post("/api/v1/login"), (4, Duration::from_secs(2)), load::login_of_crowd, 200),
        spawn(post("/api/v1/login"), (2, Duration::from_secs(4)), wrong, 401),
        spawn(post("/api/v1/register"), (2, Duration::from_secs(1)), register, 202),
        spawn(post("/api/v1/forgot"), (1, Duration::from_secs(1)), forgot, 202),
    ];
    let mut medians = Vec::new();
    for part in 1..=PARTS {
        let mut resident = Vec::new();
        while began.elapsed() < AN_HOUR * part / PARTS {
            std::thread::sleep(LOOK);
            resident.push(server.resident_kib() as f64 * 1024.0 / 1e6);
        }
        let most = resident.iter().copied().fold(0.0, f64::max);
        medians.push(median(&mut resident));
        println!("minutes to {}: RSS {:.2} MB, {most:.2} at most", 60 * part / PARTS, medians[medians.len() - 1]);
    }
    let answered: usize = threads.into_iter().map(|thread| thread.join().expect("no panic").count).sum();
    println!(
        "{answered} answers; RSS from the second part to the last: {:+.2} MB",
        medians[medians.len() - 1] - medians[1]
    );
}

fn spawn(
    target: Target,
    (clients, pause): (usize, Duration),
    body: impl Fn(usize, usize) -> String + Copy + Send + 'static,
    expected: u16,
) -> JoinHandle<load::Result> {
    let load = Load { target, clients, time: AN_HOUR }.paced(pause);
    std::thread::spawn(move || load.run(body, expected))
}

//! The figures of docs/figures.md, measured: `tests/cross x86_64`, then `cargo bench`.
//!
//! What is measured is the static build that people install, or the program that `GATELODGE_BENCH_BINARY` names. Whatever is compared
//! runs in turns in the same run, because machines are noisy: the ratios are the result. Load comes from this process, on the
//! same cores as the server, over loopback; every loop is bounded. `cargo bench --bench figures -- sessions` measures one part
//! alone. `soak`, which takes an hour, runs only when it is named, and so does `rehearsal`, which measures nothing: it is what
//! `tests/profile` looks at.

#![allow(unreachable_pub, reason = "nothing of a test is reached from outside")]
#![allow(clippy::cast_precision_loss, reason = "figures are rounded anyway")]

mod checks;
mod filled;
mod load;
mod machine;
mod rehearsal;
mod soak;

use std::path::Path;
use std::time::{Duration, Instant};

use gatelodge::base::{Moment, Timestamp};
use gatelodge::crypto::{Cost, Memory, Password, PasswordHash};

use load::{Load, Target};
use machine::{Disk, Server, binary, free_port, median};

const PASSWORD: &str = "correct horse battery staple";
const ROUNDS: usize = 5;

fn main() {
    // `cargo bench` passes --bench; with other arguments this program is its own baseline, or makes the store of `tests/board`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["bare-hyper", port] => return load::serve_bare(port.parse().expect("a port")),
        ["fill", folder] => {
            filled::fill(&Server::configure(Path::new(folder), CHEAP), filled::SESSIONS);
            return;
        }
        ["fdatasync", folder] => {
            return println!("{}", machine::fdatasync_rate(Path::new(folder), Duration::from_secs(1)));
        }
        _ => {}
    }
    let unknown = arguments.iter().find(|argument| PARTS.iter().all(|(name, _)| name != argument));
    if let Some(unknown) = unknown {
        let known = PARTS.map(|(name, _)| name).join(", ");
        eprintln!("there is no part `{unknown}`; there are: {known}");
        std::process::exit(2);
    }
    machine::describe();
    let folder = std::env::temp_dir().join(format!("gatelodge-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    for (name, measure) in PARTS {
        if arguments.iter().any(|argument| argument == name) || (arguments.is_empty() && !ONLY_BY_NAME.contains(&name))
        {
            measure(&folder.join(name));
        }
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}

type Measure = fn(&Path);

/// What does not run unasked.
const ONLY_BY_NAME: [&str; 2] = ["soak", "rehearsal"];

const PARTS: [(&str, Measure); 11] = [
    ("footprint", footprint),
    ("registrations", registrations),
    ("logins", logins),
    ("sessions", sessions),
    ("beside", sessions_beside_logins),
    ("checks", checks::checks),
    ("checks_beside", checks::checks_beside_logins),
    ("nginx", checks::behind_nginx),
    ("wear", wear),
    ("soak", soak::soak),
    ("rehearsal", rehearsal::rehearsal),
];

const CHEAP: &str = "[password]\nmemory_kib = 8\niterations = 1\n";

/// Size, memory and start.
fn footprint(folder: &Path) {
    println!("\n## Footprint");
    let empty = folder.join("empty");
    let full = folder.join("full");
    filled::fill(&Server::configure(&full, CHEAP), filled::SESSIONS);
    let size = std::fs::metadata(full.join("gatelodge.redb")).map_or(0, |found| found.len());
    println!("a store of {} accounts and {} sessions: {} MiB", filled::ACCOUNTS, filled::SESSIONS, size >> 20);
    let binary = binary();
    let size = std::fs::metadata(&binary).expect("the binary").len();
    println!("{:.2} MB ({size} bytes)", size as f64 / 1e6);
    let mut figures = [(&empty, vec![], vec![]), (&full, vec![], vec![])];
    for _ in 0..20 {
        for (store, starts, resident) in &mut figures {
            let started = Instant::now();
            let server = Server::start_tls(store, &binary);
            server.answers_over_tls();
            starts.push(started.elapsed().as_secs_f64() * 1e3);
            std::thread::sleep(Duration::from_millis(500));
            resident.push(server.resident_kib() as f64 * 1024.0 / 1e6);
            server.stops();
        }
    }
    for (what, (_, starts, resident)) in ["nobody in the store", "the store filled"].into_iter().zip(&mut figures) {
        println!(
            "{what}: exec to first HTTPS answer {:.1} ms, idle RSS {:.2} MB (medians of {})",
            median(starts),
            median(resident),
            starts.len()
        );
    }
}

/// Durable registrations at 64 clients against the disk's own rate: on this disk, and on one that is as slow as an SD card, there
/// also beside 1,000 people who are logged in and whose sessions are looked at.
fn registrations(folder: &Path) {
    println!("\n## Durable registrations, 64 clients, until the 202 (hash made cheap)");
    measure_registrations(folder, Disk::as_it_is(), 0);
    let Some(disk) = Disk::slower() else {
        return println!("(no figures for a slow disk: tests/bench/slow_disk.py does not work here)");
    };
    println!("every fdatasync 2 ms slower:");
    measure_registrations(&folder.join("slow"), disk, 0);
    println!("the same beside 1,000 people who are logged in, whose sessions are looked at 1,000 times a second:");
    measure_registrations(&folder.join("beside"), disk, 1000);
}

fn measure_registrations(folder: &Path, disk: Disk, logged_in: usize) {
    let config = Server::configure(folder, CHEAP);
    let people = logged_in.div_ceil(load::SESSIONS_EACH);
    (0..people).for_each(|number| machine::add_account(&config, &format!("alice{number}@example.org"), PASSWORD));
    let server = Server::start_plain(folder, CHEAP, disk);
    let tokens = load::log_in_often(server.port, logged_in, PASSWORD);
    let (mut rates, mut syncs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let sync = disk.fdatasync_rate(folder);
        let body = move |client: usize, number: usize| {
            format!("{{\"email\":\"person{round}-{client}-{number}@example.org\",\"password\":\"{PASSWORD}\"}}")
        };
        let time = Duration::from_secs(3);
        let looks = (!tokens.is_empty()).then(|| {
            let target = Target::get(server.port, "/api/v1/session", &tokens);
            let looks = Load { target, clients: 50, time }.paced(Duration::from_millis(50));
            std::thread::spawn(move || looks.run(|_, _| String::new(), 200))
        });
        let target = Target::post(server.port, "/api/v1/register");
        let rate = Load { target, clients: 64, time }.run(body, 202).rate;
        let looks = looks.map(|looks| format!(", beside {:.0} looks/s", looks.join().expect("no panic").rate));
        println!(
            "round {round}: {rate:.0}/s, fdatasync {sync:.0}/s ({:.2} ms), ratio {:.1}{}",
            1e3 / sync,
            rate / sync,
            looks.unwrap_or_default()
        );
        rates.push(rate);
        syncs.push(sync);
        ratios.push(rate / sync);
    }
    let [rate, sync, ratio] = [&mut rates, &mut syncs, &mut ratios].map(|values| median(values));
    println!("median: {rate:.0} registrations/s, {sync:.0} fdatasync/s, ratio {ratio:.1}");
}

/// Logins of so many people, over and over, against the bare hash rate; memory under a flood of them.
fn logins(folder: &Path) {
    println!("\n## Logins (argon2id, 19 MiB, 2 passes)");
    let config = Server::configure(folder, "");
    machine::add_crowd(&config, PASSWORD);
    let server = Server::start_plain(folder, "", Disk::as_it_is());
    let attempt = |clients: usize, seconds: u64| {
        Load { target: Target::post(server.port, "/api/v1/login"), clients, time: Duration::from_secs(seconds) }
            .run(load::login_of_crowd, 200)
    };
    attempt(8, 1);
    let (mut rates, mut bares, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let bare = bare_hash_rate(Duration::from_secs(3));
        let rate = attempt(8, 3).rate;
        println!("round {round}: {rate:.1}/s, bare hashes {bare:.1}/s, ratio {:.2}", rate / bare);
        rates.push(rate);
        bares.push(bare);
        ratios.push(rate / bare);
    }
    println!(
        "median: {:.1} logins/s, {:.1} bare hashes/s, ratio {:.2}",
        median(&mut rates),
        median(&mut bares),
        median(&mut ratios)
    );

    let before = server.resident_kib();
    let peak = server.watch_resident(|| {
        attempt(200, 5);
    });
    println!(
        "RSS: {:.1} MiB before, {:.1} MiB at most during 200 concurrent logins",
        before as f64 / 1024.0,
        peak as f64 / 1024.0
    );
    let pool = machine::cores().min(4) * 19;
    println!("bound: {pool} MiB of argon2 memory + 20 MB = {:.1} MiB", pool as f64 + 20e6 / 1_048_576.0);
}

/// As many threads as the server has for hashing, each with memory that it uses again.
fn bare_hash_rate(time: Duration) -> f64 {
    let cost = Cost { memory_kib: 19456, iterations: 2, lanes: 1 };
    let started = Instant::now();
    let threads: Vec<_> = (0..machine::cores().min(4))
        .map(|_| {
            std::thread::spawn(move || {
                let password = Password::parse(PASSWORD).expect("printable");
                let mut moment = Moment::new(Timestamp::default(), [1; 32]);
                let mut memory = Memory::default();
                let mut count = 0u32;
                while started.elapsed() < time {
                    std::hint::black_box(PasswordHash::make(&password, cost, &mut moment, &mut memory));
                    count += 1;
                }
                count
            })
        })
        .collect();
    let count: u32 = threads.into_iter().map(|thread| thread.join().expect("no panic")).sum();
    f64::from(count) / started.elapsed().as_secs_f64()
}

/// `GET /api/v1/session` against a bare hyper server that answers a constant: of one session, which every cache holds, and of many.
fn sessions(folder: &Path) {
    println!("\n## GET /api/v1/session over keep-alive, 64 connections");
    let config = Server::configure(folder, CHEAP);
    for number in 0..10 {
        machine::add_account(&config, &format!("alice{number}@example.org"), PASSWORD);
    }
    let server = Server::start_plain(folder, CHEAP, Disk::as_it_is());
    let tokens = load::log_in_often(server.port, 1000, PASSWORD);
    let bare = Server::start_bare(free_port());
    for tokens in [&tokens[..1], &tokens] {
        println!("sessions: {}", tokens.len());
        let (mut rates, mut cpus) = (Vec::new(), Vec::new());
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS + 2 {
            let measure = |server: &Server, target: Target| {
                let cpu = server.cpu_seconds();
                let result = Load { target, clients: 64, time: Duration::from_secs(2) }.run(|_, _| String::new(), 200);
                (result.rate, (server.cpu_seconds() - cpu) / result.count as f64 * 1e6)
            };
            let (rate, cpu) = measure(&server, Target::get(server.port, "/api/v1/session", tokens));
            let (bare_rate, bare_cpu) = measure(&bare, Target::get(bare.port, "/", tokens));
            println!(
                "round {round}: {rate:.0}/s ({cpu:.1} µs CPU each), bare hyper {bare_rate:.0}/s ({bare_cpu:.1} µs), ratio {:.2} ({:.2} by CPU)",
                rate / bare_rate,
                bare_cpu / cpu
            );
            rates.push(rate / bare_rate);
            cpus.push(bare_cpu / cpu);
            ours.push(rate);
            theirs.push(bare_rate);
        }
        println!(
            "median: {:.0}/s, bare hyper {:.0}/s, ratio {:.2} ({:.2} by CPU)",
            median(&mut ours),
            median(&mut theirs),
            median(&mut rates),
            median(&mut cpus)
        );
    }
}

/// How long somebody who is logged in waits while 200 people log in.
fn sessions_beside_logins(folder: &Path) {
    println!("\n## GET /api/v1/session, one after another, while 200 logins are under way");
    let config = Server::configure(folder, "");
    machine::add_account(&config, "alice0@example.org", PASSWORD);
    machine::add_crowd(&config, PASSWORD);
    let server = Server::start_plain(folder, "", Disk::as_it_is());
    let tokens = load::log_in_often(server.port, 1, PASSWORD);
    let target = Target::get(server.port, "/api/v1/session", &tokens);
    let p99 = |times: &[f64]| times[times.len() * 99 / 100];
    let (mut ratios, mut alones, mut besides, mut rates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let alone = p99(&load::latencies(&target, 1000, Duration::from_millis(2)));
        let logins =
            Load { target: Target::post(server.port, "/api/v1/login"), clients: 200, time: Duration::from_secs(4) };
        let flood = std::thread::spawn(move || logins.run(load::login_of_crowd, 200));
        std::thread::sleep(Duration::from_millis(300));
        let beside = p99(&load::latencies(&target, 1000, Duration::from_millis(2)));
        let rate = flood.join().expect("no panic").rate;
        println!(
            "round {round}: p99 {alone:.2} ms alone, {beside:.2} ms beside {rate:.1} logins/s, ratio {:.1}",
            beside / alone
        );
        ratios.push(beside / alone);
        alones.push(alone);
        besides.push(beside);
        rates.push(rate);
    }
    println!(
        "median: p99 {:.2} ms alone, {:.2} ms beside {:.1} logins/s, ratio {:.1}",
        median(&mut alones),
        median(&mut besides),
        median(&mut rates),
        median(&mut ratios)
    );
}

/// What is written to the disk for each act.
fn wear(folder: &Path) {
    println!("\n## Bytes written to the store, acts one by one");
    let config = Server::configure(folder, CHEAP);
    for number in 0..10 {
        machine::add_account(&config, &format!("alice{number}@example.org"), PASSWORD);
    }
    let server = Server::start_plain(folder, CHEAP, Disk::as_it_is());
    std::thread::sleep(Duration::from_secs(3));
    let measure = |what: &str, count: usize, work: &mut dyn FnMut()| {
        let before = server.written_bytes();
        work();
        let each = (server.written_bytes() - before) as f64 / count as f64 / 1024.0;
        println!("{what}: {each:.1} KiB");
    };
    let mut tokens = Vec::new();
    measure("a login", 200, &mut || tokens = load::log_in_often(server.port, 200, PASSWORD));
    let one = |path: &str| Load { target: Target::post(server.port, path), clients: 1, time: Duration::from_secs(2) };
    let (before, registered) = (
        server.written_bytes(),
        one("/api/v1/register")
            .run(|_, number| format!("{{\"email\":\"person{number}@example.org\",\"password\":\"{PASSWORD}\"}}"), 202),
    );
    // Its mail is written, claimed and wiped beside it.
    std::thread::sleep(Duration::from_secs(2));
    let each = (server.written_bytes() - before) as f64 / registered.count as f64 / 1024.0;
    println!("a registration, with what its mail takes: {each:.1} KiB");
    let target = Target::get(server.port, "/api/v1/session", &tokens);
    let measure = |what: &str, count: usize, work: &mut dyn FnMut()| {
        let before = server.written_bytes();
        work();
        let each = (server.written_bytes() - before) as f64 / count as f64;
        println!("{what}: {each:.1} bytes");
    };
    std::thread::sleep(Duration::from_secs(20));
    measure("a session check", 10_000, &mut || drop(load::latencies(&target, 10_000, Duration::ZERO)));
    measure("a second without anybody (30 were waited for)", 30, &mut || std::thread::sleep(Duration::from_secs(30)));
}

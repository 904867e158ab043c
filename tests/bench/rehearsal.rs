//! What the program does all day, once: by this it is compiled (`tests/profile`).

use std::path::Path;
use std::time::Duration;

use super::checks;
use super::load::{self, Load, Target};
use super::machine::{self, Disk, Server, binary};
use super::{CHEAP, PASSWORD};

/// Looks at sessions and answers a proxy, most of the time; opens pages, logs people in, registers them, mails them links, all without TLS, as behind a
/// proxy, and with hashes made cheap; then hashes in earnest, and starts with TLS. Each server ends as it is asked to, because that
/// is when it writes down how often it ran what.
pub fn rehearsal(folder: &Path) {
    println!("\n## A rehearsal");
    let plain = folder.join("plain");
    let more = format!("{CHEAP}{}", checks::rules());
    let config = Server::configure(&plain, &more);
    // The first ten have as many sessions as one can have: a login more would end one of them.
    for number in 0..20 {
        machine::add_account(&config, &format!("alice{number}@example.org"), PASSWORD);
    }
    let server = Server::start_plain(&plain, &more, Disk::as_it_is());
    let tokens = load::log_in_often(server.port, 1000, PASSWORD);
    let get = |path: &str, tokens: &[String]| Target::get(server.port, path, tokens);
    let post = |path: &str| Target::post(server.port, path);
    let run =
        |target: Target, clients: usize, seconds: u64| Load { target, clients, time: Duration::from_secs(seconds) };
    let nothing = |_: usize, _: usize| String::new();
    run(get("/api/v1/session", &tokens), 64, 10).run(nothing, 200);
    let doors: Vec<String> = (10..20).map(|number| load::log_in_for_door(server.port, number, PASSWORD)).collect();
    run(checks::questions(server.port, &doors), 64, 6).run(nothing, 200);
    run(checks::questions(server.port, &[String::new()]), 8, 1).run(nothing, 401);
    run(get("/api/v1/session", &[]), 8, 1).run(nothing, 401);
    run(get("/account", &tokens), 8, 1).run(nothing, 200);
    for path in ["/login", "/register", "/forgot", "/healthz", "/assets/style.css"] {
        run(get(path, &[]), 8, 1).run(nothing, 200);
    }
    let person = |client: usize, number: usize| format!("\"person{client}-{number}@example.org\"");
    let register = move |client: usize, number: usize| {
        format!("{{\"email\":{},\"password\":\"{PASSWORD}\"}}", person(client, number))
    };
    run(post("/api/v1/register"), 16, 2).run(register, 202);
    let forgot = move |client: usize, number: usize| format!("{{\"email\":{}}}", person(client, number));
    run(post("/api/v1/forgot"), 4, 1).run(forgot, 202);
    let wrong = |_: usize, _: usize| "{\"identity\":\"nobody@example.org\",\"password\":\"a wrong one\"}".to_owned();
    run(post("/api/v1/login"), 4, 1).run(wrong, 401);
    server.stops();
    let earnest = folder.join("earnest");
    machine::add_crowd(&Server::configure(&earnest, ""), PASSWORD);
    let server = Server::start_plain(&earnest, "", Disk::as_it_is());
    run(Target::post(server.port, "/api/v1/login"), 8, 4).run(load::login_of_crowd, 200);
    server.stops();
    let encrypted = folder.join("encrypted");
    for _ in 0..3 {
        let server = Server::start_tls(&encrypted, &binary());
        (0..20).for_each(|_| server.answers_over_tls());
        server.stops();
    }
}

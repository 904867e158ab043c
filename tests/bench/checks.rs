//! Forward auth: what it costs to ask about each request of other applications.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::load::{self, Load, Target};
use super::machine::{self, Disk, Server, free_port, median};
use super::{CHEAP, PASSWORD, ROUNDS, filled};

const SESSIONS: usize = 100_000;

const RULES: usize = 50;

/// So many rules, the last of which is the one that is asked about.
pub fn rules() -> String {
    let mut text =
        String::from("[access]\ndomains = [{ cookie = \"example.org\", url = \"https://auth.example.org\" }]\n");
    for number in 1..RULES {
        let _ = write!(
            text,
            "[[access.rules]]\nhosts = [\"app{number}.example.org\"]\npaths = [\"/public\"]\nallow = \"anyone\"\n"
        );
    }
    text + "[[access.rules]]\nhosts = [\"*.example.org\"]\nallow = \"logged-in\"\n"
}

/// The questions of nginx about the visitors with these cookies.
pub fn questions(port: u16, doors: &[String]) -> Target {
    let question = |(number, door): (usize, &String)| {
        format!(
            "GET /api/authz/auth-request HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Original-Method: GET\r\nX-Original-URL: https://app{}.example.org/page/{number}?a=b\r\n\
             X-Forwarded-For: 203.0.113.7\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
             Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en\r\nCookie: lang=en; gatelodge-door={door}\r\n",
            number % RULES
        )
    };
    Target::of(port, doors.iter().enumerate().map(question).collect())
}

/// Checks against a bare hyper server that answers a constant to the same questions.
pub fn checks(folder: &Path) {
    println!("\n## Forward auth as nginx asks, 64 connections: {SESSIONS} sessions in the store, {RULES} rules");
    let more = format!("{CHEAP}{}", rules());
    let doors = filled::fill(&Server::configure(folder, &more), SESSIONS);
    // The store's writer gives the file up a moment after the last of its holders is gone.
    std::thread::sleep(Duration::from_secs(2));
    let server = Server::start_plain(folder, &more, Disk::as_it_is());
    let bare = Server::start_bare(free_port());
    let nothing = |_: usize, _: usize| String::new();
    let mut half = 0.0;
    for count in [1, 1000, SESSIONS] {
        println!("visitors: {count}");
        let doors = &doors[..count];
        let (mut rates, mut cpus, mut ours, mut theirs) = (vec![], vec![], vec![], vec![]);
        for round in 0..ROUNDS + 2 {
            let measure = |server: &Server| {
                let cpu = server.cpu_seconds();
                let target = questions(server.port, doors);
                let result = Load { target, clients: 64, time: Duration::from_secs(2) }.run(nothing, 200);
                (result.rate, (server.cpu_seconds() - cpu) / result.count as f64 * 1e6)
            };
            let ((rate, cpu), (bare_rate, bare_cpu)) = (measure(&server), measure(&bare));
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
        let [ours, theirs, ratio, by_cpu] =
            [&mut ours, &mut theirs, &mut rates, &mut cpus].map(|values| median(values));
        println!("median: {ours:.0}/s, bare hyper {theirs:.0}/s, ratio {ratio:.2} ({by_cpu:.2} by CPU)");
        if count == 1000 {
            half = ours / 2.0;
        }
    }
    println!("RSS: {:.1} MB", server.resident_kib() as f64 * 1024.0 / 1e6);
    let target = questions(server.port, &doors[..1000]);
    // All of them are remembered again; and so many clients that the pause of each is longer than what a timer can tell apart.
    load::latencies(&target, 2000, Duration::ZERO);
    let clients = 512;
    let pause = Duration::from_secs_f64(clients as f64 / half);
    let background = Load { target: target.clone(), clients, time: Duration::from_secs(8) }.paced(pause);
    let background = std::thread::spawn(move || background.run(nothing, 200).rate);
    std::thread::sleep(Duration::from_millis(300));
    let times = load::latencies(&target, 5000, Duration::from_millis(1));
    let rate = background.join().expect("no panic");
    println!(
        "beside {rate:.0} checks/s ({:.0} % of the most): median {:.2} ms, p99 {:.2} ms",
        rate / half * 50.0,
        times[times.len() / 2],
        times[times.len() * 99 / 100]
    );
    // What is noted of the sessions' last use is written now and then, whoever asks.
    std::thread::sleep(Duration::from_secs(20));
    let before = server.written_bytes();
    load::latencies(&target, 10_000, Duration::ZERO);
    println!("written for 10,000 checks: {} bytes", server.written_bytes() - before);
}

/// How long a check takes while 200 people log in.
pub fn checks_beside_logins(folder: &Path) {
    println!("\n## Forward auth, one check after another, while 200 logins are under way");
    let more = rules();
    let config = Server::configure(folder, &more);
    machine::add_account(&config, "alice0@example.org", PASSWORD);
    machine::add_crowd(&config, PASSWORD);
    let server = Server::start_plain(folder, &more, Disk::as_it_is());
    let target = questions(server.port, &[load::log_in_for_door(server.port, 0, PASSWORD)]);
    let p99 = |times: &[f64]| times[times.len() * 99 / 100];
    let (mut ratios, mut alones, mut besides) = (vec![], vec![], vec![]);
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
    }
    let [alone, beside, ratio] = [&mut alones, &mut besides, &mut ratios].map(|values| median(values));
    println!("median: p99 {alone:.2} ms alone, {beside:.2} ms beside logins, ratio {ratio:.1}");
}

/// nginx, in the foreground, which ends with this value.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// What `auth_request` adds to a static page of nginx.
pub fn behind_nginx(folder: &Path) {
    println!("\n## A static page of nginx, without and with auth_request");
    let nginx = ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| Path::new(path).exists());
    let Some(nginx) = nginx else { return println!("(no figures: nginx is not there)") };
    let more = format!("{CHEAP}{}", rules());
    machine::add_account(&Server::configure(folder, &more), "alice0@example.org", PASSWORD);
    let server = Server::start_plain(folder, &more, Disk::as_it_is());
    let door = load::log_in_for_door(server.port, 0, PASSWORD);
    let (dir, port) = (folder.display(), free_port());
    let config = format!(
        "daemon off; pid {dir}/nginx.pid; error_log {dir}/nginx.log; worker_processes 1; events {{}}\n\
         http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3; \
         uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;\n\
         upstream gatelodge {{ server 127.0.0.1:{}; keepalive 16; }}\n\
         server {{ listen 127.0.0.1:{port}; root {dir}/pages;\n\
         location /open/ {{ }}\n location /guarded/ {{ auth_request /check; }}\n\
         location = /check {{ internal; proxy_pass http://gatelodge/api/authz/auth-request; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
         proxy_set_header X-Original-Method $request_method; proxy_set_header X-Original-URL https://app1.example.org$request_uri; \
         proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header Content-Length \"\"; proxy_pass_request_body off; }} }} }}\n",
        server.port
    );
    for place in ["open", "guarded"] {
        std::fs::create_dir_all(folder.join("pages").join(place)).expect("a folder");
        std::fs::write(folder.join("pages").join(place).join("page"), vec![b'x'; 4096]).expect("written");
    }
    let path = folder.join("nginx.conf");
    std::fs::File::create(&path).and_then(|mut file| file.write_all(config.as_bytes())).expect("written");
    let started = Command::new(nginx).arg("-c").arg(&path).arg("-p").arg(folder).stderr(Stdio::null()).spawn();
    let _nginx = Nginx(started.expect("nginx starts"));
    machine::until_it_listens(port);
    let page = |place: &str| {
        Target::of(
            port,
            vec![format!("GET /{place}/page HTTP/1.1\r\nHost: app1.example.org\r\nCookie: gatelodge-door={door}\r\n")],
        )
    };
    let (mut opens, mut guardeds, mut rates) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let [open, guarded] = ["open", "guarded"].map(|place| load::latencies(&page(place), 2000, Duration::ZERO));
        let rate = |place: &str| {
            Load { target: page(place), clients: 32, time: Duration::from_secs(2) }.run(|_, _| String::new(), 200).rate
        };
        opens.push(open[open.len() / 2] * 1e3);
        guardeds.push(guarded[guarded.len() / 2] * 1e3);
        rates.push((rate("open"), rate("guarded")));
    }
    rates.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (open, guarded) = (median(&mut opens), median(&mut guardeds));
    let (open_rate, guarded_rate) = rates[rates.len() / 2];
    println!(
        "median: {open:.0} µs without, {guarded:.0} µs with: {:.0} µs more; {open_rate:.0}/s and {guarded_rate:.0}/s with 32 connections",
        guarded - open
    );
}

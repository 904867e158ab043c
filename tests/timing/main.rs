//! Does the time of an answer tell whether somebody has an account? `cargo bench --bench timing`
//!
//! Requests about somebody who is known and about nobody are made in pairs, in random order, and their times compared: by a sign
//! test over the pairs, and by a bootstrap interval (over blocks, because neighbours are alike) of the median difference
//! (Kario, "Out of the Box Testing", eprint 2023/1441). With the cheapest hash, so that its jitter hides nothing. A delay that is put in
//! must be found, and nobody against nobody must not: otherwise the run says nothing.
//!
//! `-- --pairs N` for another number of pairs, `-- --disk` for a store on disk, against the time of a commit.

#![allow(unreachable_pub, reason = "nothing of a test is reached from outside")]
#![allow(clippy::cast_precision_loss, reason = "figures are rounded anyway")]

mod statistics;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatelodge::accounts::create_account::{Added, NewAccount};
use gatelodge::accounts::{administer, hash_costs, identity, keyring, person, registration};
use gatelodge::app::{App, Hasher};
use gatelodge::audit::Source;
use gatelodge::base::{Clock, EmailAddress, Identity, ManualClock, Moment, RegistrationId, Timestamp};
use gatelodge::config::Config;
use gatelodge::crypto::{Cost, PasswordHash, Purpose, Ticket};
use gatelodge::store::{Ballast, open_file, open_memory};
use gatelodge::web::Service;
use serde_json::json;

use statistics::{Chance, Compared, compare};

const PASSWORD: &str = "correct horse battery staple";
/// Of each class, so that caches and the depth of a tree do not decide.
const PEOPLE: u64 = 200;
const PAIRS: usize = 10_000;
const WARM_UP: usize = 200;
/// What may be left of a difference on the engine in memory.
const TOLERANCE: Duration = Duration::from_micros(5);
const NOW: Timestamp = Timestamp::from_seconds(2_000_000_000);

/// What somebody is to the appliance. Every address has the same length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    Nobody,
    /// Nobody, with a delay put in: must be found.
    NobodyDelayed,
    Member,
    Pending,
    Disabled,
    OlderHash,
}

const KNOWN: [Class; 4] = [Class::Member, Class::Pending, Class::Disabled, Class::OlderHash];

impl Class {
    /// The address of one of this class. They are spread evenly, whatever the class: neighbours in the store share pages, and
    /// what is next to something that is written anyway is written faster.
    fn member(self, number: u64) -> String {
        format!("{:016x}@example.org", Chance((self as u64) << 32 | number).next())
    }

    fn address(self, chance: &mut Chance) -> String {
        match self {
            Self::Nobody | Self::NobodyDelayed => format!("{:016x}@example.org", chance.next()),
            _ => self.member(chance.next() % PEOPLE),
        }
    }

    /// What a link would do for somebody of this class.
    fn purpose(self) -> Purpose {
        if self == Self::Pending { Purpose::ConfirmRegistration } else { Purpose::ConfirmAddress }
    }

    /// What the hashes of this class cost.
    fn cost(self, today: Cost) -> Cost {
        if self == Self::OlderHash { Cost { iterations: 2, ..today } } else { today }
    }
}

struct Place {
    app: Arc<App>,
    web: Service,
    runtime: tokio::runtime::Runtime,
}

impl Place {
    fn new(disk: Option<&Path>) -> Self {
        let text = "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"auth@example.org\"\ntransport = \"file\"\n\
                    [password]\nmemory_kib = 8\niterations = 1\n[throttle]\nenabled = false\n";
        let config = Config::parse(text, Path::new("timing.toml")).expect("valid");
        let moment = &mut Moment::new(NOW, [5; 32]);
        let opened = match disk {
            None => open_memory(moment).expect("memory opens"),
            Some(folder) => {
                let path = folder.join("gatelodge.redb");
                let ballast = Ballast::beside(&path, 0);
                open_file(&path, &folder.join("sealing-key"), (4 << 20, ballast), moment).expect("opens")
            }
        };
        let hasher = Hasher::start(config.password.cost()).expect("threads start");
        let clock = Arc::new(ManualClock::at(NOW)) as Arc<dyn Clock>;
        let app = Arc::new(App::new(config, opened, clock, hasher).expect("well formed"));
        let web = Service::new(Arc::clone(&app)).expect("well formed");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let place = Self { app, web, runtime };
        place.populate();
        place
    }

    fn populate(&self) {
        // The cost of a decoy is drawn from those in use; all hashes but the older ones have today's.
        let today = self.app.env().config.password.cost();
        for class in [Class::Member, Class::Disabled, Class::OlderHash] {
            for number in 0..PEOPLE {
                let email = EmailAddress::parse(&class.member(number)).expect("an address");
                let cost = class.cost(today);
                let add = self.app.write(move |work| {
                    let new = NewAccount {
                        phone: None,
                        email: Some(email.clone()),
                        password: Some(PasswordHash::decoy(cost)),
                        confirmed: true,
                        ..NewAccount::default()
                    };
                    let added = administer::add(work, &Source::appliance(), &new)?;
                    if let (Added::Done(mut person), Class::Disabled) = (added, class) {
                        person.account.disabled_at = Some(work.now());
                        person::save(work.tx, person.id, &person.account)?;
                    }
                    Ok(())
                });
                self.runtime.block_on(add).expect("stored");
            }
        }
        for number in 0..PEOPLE {
            self.request("/register", &Class::Pending.member(number));
        }
        self.tidy();
    }

    /// What workers do beside the requests: it is not measured.
    fn tidy(&self) {
        self.runtime.block_on(async {
            while self.app.process_mail_requests().await.expect("stored") {}
            while let Some((id, ..)) = self.app.claim_mail().await.expect("stored") {
                self.app.write(move |work| gatelodge::mail::delivered(work.tx, id)).await.expect("stored");
            }
        });
    }

    fn request(&self, path: &str, address: &str) -> (u16, usize) {
        let body = match path {
            "/login" => json!({"identity": address, "password": PASSWORD}),
            "/register" => json!({"email": address, "password": PASSWORD}),
            "/confirm" => json!({"token": address, "password": PASSWORD}),
            _ => json!({"email": address}),
        };
        let request = http::Request::builder()
            .method("POST")
            .uri(format!("/api/v1{path}"))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .expect("a request");
        self.runtime.block_on(async {
            let response = self.web.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
            let (head, body) = response.into_parts();
            (head.status.as_u16(), body.len() + head.headers.len())
        })
    }

    /// How long an answer takes, in nanoseconds; and what it looks like.
    fn time(&self, path: &str, address: &str, delay: Duration) -> (f64, (u16, usize)) {
        let started = Instant::now();
        let answer = self.request(path, address);
        if !delay.is_zero() {
            let until = started.elapsed() + delay;
            while started.elapsed() < until {
                std::hint::spin_loop();
            }
        }
        (started.elapsed().as_nanos() as f64, answer)
    }

    /// Somebody of a class, and nobody to compare them with. A name that nobody has is given one of the costs in use, always the
    /// same for the same name: whoever compares compares those of the same cost.
    fn pair(&self, class: Class, chance: &mut Chance) -> (String, String) {
        let cost = class.cost(self.app.env().config.password.cost());
        let mut nobody = || {
            loop {
                let address = Class::Nobody.address(chance);
                if self.cost_of(&address) == cost {
                    return address;
                }
            }
        };
        let compared = nobody();
        let somebody = match class {
            Class::Nobody | Class::NobodyDelayed => nobody(),
            _ => class.address(chance),
        };
        (somebody, compared)
    }

    fn cost_of(&self, address: &str) -> Cost {
        let name = Identity::parse(address).canonical().expect("an address");
        self.app.read_blocking(|view| hash_costs::of_nobody(view, &self.app.env(), &name)).expect("stored")
    }

    /// A token that names the holder of an address, or somebody who is not there, and whose signature is wrong: nobody but
    /// the mail's reader has a right one.
    fn forged_token(&self, purpose: Purpose, address: &str, chance: &mut Chance) -> String {
        let email = EmailAddress::parse(address).expect("an address");
        let subject = self.app.read_blocking(|view| {
            if let Some(account) = identity::owner_of_email(view, &email)? {
                return Ok(*account.bytes());
            }
            let newest = registration::of_address(view, &email)?.into_iter().next();
            Ok(newest.map_or_else(|| chance.sixteen_bytes(), |(id, _): (RegistrationId, _)| *id.bytes()))
        });
        let keys = self.app.read_blocking(|view| keyring::load(view, &self.app.env().seal)).expect("stored");
        let ticket = Ticket {
            purpose,
            subject: subject.expect("stored"),
            issued_at: NOW,
            expires_at: NOW.plus(3600),
            state: &[address.as_bytes()],
        };
        let mut token = ticket.sign(&keys).expect("there is a key since the first link");
        let last = if token.pop() == Some('A') { 'Q' } else { 'A' };
        token.push(last);
        token
    }

    /// Differences of pairs, known less nobody, each pair in random order.
    fn pairs(&self, path: &str, class: Class, count: usize) -> Vec<f64> {
        let mut chance = Chance(7);
        let mut differences = Vec::with_capacity(count);
        for number in 0..count + WARM_UP {
            if number % 200 == 0 {
                self.tidy();
            }
            let (mut somebody, mut nobody) = self.pair(class, &mut chance);
            if path == "/confirm" {
                for name in [&mut somebody, &mut nobody] {
                    *name = self.forged_token(class.purpose(), name, &mut chance);
                }
            }
            let delay = if class == Class::NobodyDelayed { TOLERANCE } else { Duration::ZERO };
            let known_first = chance.next().is_multiple_of(2);
            let ask = |is_known: bool| {
                if is_known { self.time(path, &somebody, delay) } else { self.time(path, &nobody, Duration::ZERO) }
            };
            let (first, second) = (ask(known_first), ask(!known_first));
            assert_eq!(first.1, second.1, "{path}: the answers themselves differ");
            let (known, nobody) = if known_first { (first.0, second.0) } else { (second.0, first.0) };
            if number >= WARM_UP {
                differences.push(known - nobody);
            }
        }
        differences
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let pairs = arguments
        .iter()
        .position(|argument| argument == "--pairs")
        .and_then(|at| arguments.get(at + 1)?.parse().ok())
        .unwrap_or(PAIRS);
    let folder = std::env::temp_dir().join(format!("gatelodge-timing-{}", std::process::id()));
    let on_disk = arguments.iter().any(|argument| argument == "--disk");
    if on_disk {
        std::fs::create_dir_all(&folder).expect("a temporary folder");
    }
    let place = Place::new(on_disk.then_some(folder.as_path()));
    let tolerance = if on_disk { commit_time(&place) / 100.0 } else { TOLERANCE.as_nanos() as f64 };
    println!("{pairs} pairs a class; a difference of up to {:.1} µs is let pass", tolerance / 1e3);
    println!("| request | who, against nobody | median difference | 99 % interval | sign test | verdict |");
    println!("|---|---|---|---|---|---|");
    let mut is_void = false;
    let (mut tells, mut not_excluded) = (false, false);
    for path in ["/login", "/register", "/forgot", "/confirm/resend", "/confirm"] {
        let nobody = compare(&place.pairs(path, Class::Nobody, pairs), tolerance);
        let delayed = compare(&place.pairs(path, Class::NobodyDelayed, pairs), tolerance);
        row(path, "nobody (must not be found)", &nobody, tolerance);
        row(path, "nobody, delayed by 5 µs (must be found)", &delayed, tolerance);
        is_void |= nobody.tells || (!on_disk && !delayed.differs);
        for class in KNOWN {
            let compared = compare(&place.pairs(path, class, pairs), tolerance);
            row(path, &format!("{class:?}"), &compared, tolerance);
            tells |= compared.tells;
            not_excluded |= compared.furthest() > tolerance;
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    if is_void {
        println!("\nThe controls failed: this run says nothing. The machine may be too busy.");
        std::process::exit(2);
    }
    println!("\n{}", if tells { "THE TIME TELLS." } else { "The time tells nothing that this can find." });
    if not_excluded {
        println!("Where a difference is not excluded, it takes more pairs or a quieter machine to exclude it.");
    }
    std::process::exit(i32::from(tells));
}

/// The median time of a commit, in nanoseconds.
fn commit_time(place: &Place) -> f64 {
    let mut times: Vec<f64> = (0..200u32)
        .map(|number| {
            let started = Instant::now();
            let written = place.app.write(move |work| work.tx.put(b"\xffscratch", &number.to_be_bytes()));
            place.runtime.block_on(written).expect("stored");
            started.elapsed().as_nanos() as f64
        })
        .collect();
    let removed = place.app.write(|work| work.tx.delete(b"\xffscratch"));
    place.runtime.block_on(removed).expect("stored");
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn row(path: &str, who: &str, compared: &Compared, tolerance: f64) {
    let verdict = match (compared.tells, compared.differs, compared.furthest() > tolerance) {
        (true, ..) => "TELLS".to_owned(),
        (false, true, false) => "differs, within what is let pass".to_owned(),
        (false, false, false) => "no difference".to_owned(),
        (false, _, true) => format!("no difference found, {:.1} µs are not excluded", compared.furthest() / 1e3),
    };
    println!(
        "| {path} | {who} | {:+.2} µs | {:+.2} to {:+.2} | p = {:.4} | {verdict} |",
        compared.median / 1e3,
        compared.interval.0 / 1e3,
        compared.interval.1 / 1e3,
        compared.p,
    );
}

//! A store with many people in it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use gatelodge::accounts::create_account::{Added, NewAccount};
use gatelodge::accounts::start_session::SessionRequest;
use gatelodge::accounts::{administer, start_session};
use gatelodge::app::{App, Hasher};
use gatelodge::audit::Source;
use gatelodge::base::{BUILD_DATE, Clock, EmailAddress, Moment, Seconds, Timestamp};
use gatelodge::config::Config;
use gatelodge::crypto::{Cost, Memory, Password, PasswordHash};
use gatelodge::sessions::{Carrier, Client, Method};
use gatelodge::store::{Ballast, open_file};

pub const ACCOUNTS: usize = 100_000;
pub const SESSIONS: usize = 10_000;

/// Accounts made in one commit.
const AT_A_TIME: usize = 1_000;

struct Now(Timestamp);

impl Clock for Now {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn uptime(&self) -> Seconds {
        0
    }

    fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut seed))
            .expect("randomness");
        seed
    }
}

/// Makes the accounts, as many of whom are logged in. All of them have one hash: it is as long as any other. Returns what other
/// applications of the first domain are sent by those who are logged in.
#[expect(clippy::disallowed_methods, reason = "the sessions are to be alive when they are measured")]
pub fn fill(config: &str, sessions: usize) -> Vec<String> {
    let config = Config::read(Path::new(config), None).expect("valid");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let clock = Arc::new(Now(Timestamp::from_seconds(now).max(BUILD_DATE)));
    let domain = config.access.domains.first().and_then(|domain| domain.cookie.clone());
    let doors = Arc::new(Mutex::new(Vec::new()));
    let mut moment = Moment::new(clock.now(), clock.seed());
    let ballast = Ballast::beside(&config.store.path, 0);
    let opened = open_file(&config.store.path, &config.sealing_key_path(), (64 << 20, ballast), &mut moment);
    let cost = Cost { memory_kib: 8, iterations: 1, lanes: 1 };
    let hasher = Hasher::start(cost).expect("threads start");
    let app = Arc::new(App::new(config, opened.expect("a store"), clock, hasher).expect("templates"));
    let password = Password::parse("correct horse battery staple").expect("printable");
    let hash = PasswordHash::make(&password, cost, &mut moment, &mut Memory::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        for first in (0..ACCOUNTS).step_by(AT_A_TIME) {
            let (hash, domain, doors) = (hash.clone(), domain.clone(), Arc::clone(&doors));
            let added = app.write(move |work| {
                for number in first..first + AT_A_TIME {
                    let email = EmailAddress::parse(&format!("person{number}@example.org")).ok();
                    let new =
                        NewAccount { email, password: Some(hash.clone()), confirmed: true, ..NewAccount::default() };
                    let made = administer::add(work, &Source::appliance(), &new)?;
                    if let (Added::Done(person), true) = (made, number % (ACCOUNTS / sessions) == 0) {
                        let client = Client::new([192, 0, 2, 1].into(), "a browser", "");
                        let request = SessionRequest { carrier: Carrier::KeptCookie, client, replaces: None };
                        let started = start_session::start(work, *person, &request, &[Method::Link])?;
                        let door = domain.as_ref().map(|domain| started.secret.door(domain.as_str()));
                        doors.lock().expect("no panic").extend(door.map(|door| door.expose().to_owned()));
                    }
                }
                Ok(())
            });
            added.await.expect("written");
        }
    });
    std::mem::take(&mut *doors.lock().expect("no panic"))
}

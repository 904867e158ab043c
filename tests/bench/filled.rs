//! A store with many people in it.

use std::path::Path;
use std::sync::Arc;

use gatelodge::accounts::create_account::{Added, NewAccount};
use gatelodge::accounts::start_session::SessionRequest;
use gatelodge::accounts::{administer, start_session};
use gatelodge::app::{App, Hasher};
use gatelodge::audit::Source;
use gatelodge::base::{BUILD_DATE, Clock, DAY, EmailAddress, Moment, Seconds, Timestamp};
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

/// Makes the accounts, of whom every tenth is logged in. All of them have one hash: it is as long as any other.
pub fn fill(config: &str) {
    let config = Config::read(Path::new(config), None).expect("valid");
    let clock = Arc::new(Now(BUILD_DATE.plus(DAY)));
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
            let hash = hash.clone();
            let added = app.write(move |work| {
                for number in first..first + AT_A_TIME {
                    let email = EmailAddress::parse(&format!("person{number}@example.org")).ok();
                    let new =
                        NewAccount { email, password: Some(hash.clone()), confirmed: true, ..NewAccount::default() };
                    let made = administer::add(work, &Source::appliance(), &new)?;
                    if let (Added::Done(person), true) = (made, number % (ACCOUNTS / SESSIONS) == 0) {
                        let client = Client::new([192, 0, 2, 1].into(), "a browser", "");
                        let request = SessionRequest { carrier: Carrier::KeptCookie, client, replaces: None };
                        start_session::start(work, *person, &request, &[Method::Link])?;
                    }
                }
                Ok(())
            });
            added.await.expect("written");
        }
    });
}

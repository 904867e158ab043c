//! Power cuts, simulated: the application's own write path over a disk that loses what was not synced, torn and in any
//! order. Every acknowledged act is there afterwards, and no act is there by half.
//!
//! `GATELODGE_POWER_CUTS=1000000 cargo test --test it power` makes more of them. A failure names its seed.

use std::io;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gatelodge::accounts::register::{self, NewRegistration};
use gatelodge::accounts::tries::Tries;
use gatelodge::accounts::{Services, links};
use gatelodge::base::{AccountId, EmailAddress, Moment, Timestamp};
use gatelodge::config::Config;
use gatelodge::crypto::{Cost, Digest, PasswordHash, SealingKey};
use gatelodge::mail::Composer;
use gatelodge::sessions::{self, Carrier, Client, NewSession};
use gatelodge::store::{Direction, Engine, KeySpan, OpenError, RedbEngine, Snapshot, Store, StoreError, schema};

const CUTS_IN_AN_ORDINARY_RUN: u64 = 20_000;
const CACHE: usize = 256 * 1024;
const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

/// splitmix64: the same seed gives the same run.
#[derive(Clone, Debug)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// A disk: what it would read back now, what is safe, and what lies between.
#[derive(Debug, Default)]
struct Platter {
    live: Vec<u8>,
    safe: Vec<u8>,
    unsynced: Vec<Change>,
    /// Writes and syncs until the power goes.
    operations_left: u64,
    /// Every how many syncs it only pretends; 0 is an honest disk.
    lies_every: u64,
    syncs: u64,
}

#[derive(Clone, Debug)]
struct Disk(Arc<Mutex<Platter>>);

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => bytes.resize(*length, 0),
        Change::Write(at, data) => {
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            bytes[*at..at + data.len()].copy_from_slice(data);
        }
    }
}

impl Disk {
    fn holding(bytes: Vec<u8>, operations_left: u64, lies_every: u64) -> Self {
        let platter = Platter { live: bytes.clone(), safe: bytes, operations_left, lies_every, ..Platter::default() };
        Self(Arc::new(Mutex::new(platter)))
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_power(platter: &mut Platter) -> io::Result<()> {
        platter.operations_left = platter.operations_left.saturating_sub(1);
        if platter.operations_left == 0 { Err(io::Error::other("the power is gone")) } else { Ok(()) }
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let mut platter = self.platter();
        let powered = Self::has_power(&mut platter);
        // The write during which the power goes may reach the disk, whole, in part, or not.
        apply(&mut platter.live, &change);
        platter.unsynced.push(change);
        powered
    }

    /// What is on it when the power comes back: all that was synced, and of the rest whatever chance left, unit by unit.
    fn after_the_cut(&self, chance: &mut Chance) -> Vec<u8> {
        let unit = [1, 16, 512, 4096][usize::try_from(chance.below(4)).expect("small")];
        let survives_of_100 = chance.below(98);
        let platter = self.platter();
        let mut bytes = platter.safe.clone();
        for change in &platter.unsynced {
            match change {
                Change::Length(_) if chance.below(100) < survives_of_100 => apply(&mut bytes, change),
                Change::Length(_) => {}
                Change::Write(at, data) => {
                    for (index, piece) in data.chunks(unit).enumerate() {
                        if chance.below(100) < survives_of_100 {
                            apply(&mut bytes, &Change::Write(at + index * unit, piece.to_vec()));
                        }
                    }
                }
            }
        }
        bytes
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.platter().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let at = usize::try_from(offset).expect("small");
        let platter = self.platter();
        let bytes = platter.live.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.change(Change::Length(usize::try_from(len).expect("small")))
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.change(Change::Write(usize::try_from(offset).expect("small"), data.to_vec()))
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        let mut platter = self.platter();
        Self::has_power(&mut platter)?;
        platter.syncs += 1;
        if platter.lies_every > 0 && platter.syncs.is_multiple_of(platter.lies_every) {
            return Ok(());
        }
        for change in std::mem::take(&mut platter.unsynced) {
            apply(&mut platter.safe, &change);
        }
        Ok(())
    }
}

/// What people were told, to be compared with what is there.
#[derive(Default)]
struct Oracle {
    registered: Vec<EmailAddress>,
    started: Vec<Digest>,
    ended: Vec<Digest>,
    /// Asked for and not answered: may have happened.
    may_have_ended: Vec<Digest>,
}

impl Oracle {
    /// The first promise that was broken.
    fn judge(&self, view: &dyn Snapshot) -> Result<(), String> {
        let read = |error: StoreError| error.to_string();
        for address in &self.registered {
            if register::of_address(view, address).map_err(read)?.is_empty() {
                return Err(format!("the acknowledged registration of {address} is lost"));
            }
        }
        for digest in &self.started {
            let may_be_gone = self.ended.contains(digest) || self.may_have_ended.contains(digest);
            if sessions::find(view, *digest).map_err(read)?.is_none() && !may_be_gone {
                return Err("an acknowledged session is lost".into());
            }
        }
        for digest in &self.ended {
            if sessions::find(view, *digest).map_err(read)?.is_some() {
                return Err("an ended session lives again".into());
            }
        }
        // Each registration is three records: the row, its place under the address, and the wish for a mail.
        let count = |range: schema::Range| {
            view.scan(&KeySpan::prefix(&[range.prefix]), Direction::Up, usize::MAX).map(|rows| rows.len())
        };
        let rows = [schema::REGISTRATIONS, schema::REGISTRATIONS_OF, schema::LINK_REQUESTS]
            .map(|range| count(range).map_err(read));
        let pair = [schema::SESSIONS, schema::SESSIONS_OF].map(|range| count(range).map_err(read));
        if rows[0] != rows[1] || rows[0] != rows[2] || pair[0] != pair[1] {
            return Err(format!("an act is there by half: {rows:?} {pair:?}"));
        }
        Ok(())
    }
}

fn services() -> Services {
    let text =
        "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"auth@example.org\"\ntransport = \"file\"\n";
    let config = Config::parse(text, Path::new("power.toml")).expect("valid");
    let composer = Composer::new(&config).expect("well formed");
    let seal = SealingKey::draw(&mut Moment::new(NOW, [1; 32]));
    Services { config, seal, composer, generation: [7; 16] }
}

fn moment(chance: &mut Chance) -> Moment {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&chance.next().to_be_bytes());
    Moment::new(NOW, seed)
}

enum Told {
    Registered(EmailAddress),
    Started(Digest),
    Ended(Digest),
}

/// People use the appliance until the power goes; what they were told is noted.
fn live(store: &Store, services: &Arc<Services>, oracle: &mut Oracle, chance: &mut Chance) {
    loop {
        let (tell, told) = channel();
        let acts = 1 + chance.below(6);
        for _ in 0..acts {
            let tell = tell.clone();
            let services = Arc::clone(services);
            let number = chance.next();
            match chance.below(3) {
                0 => {
                    let email = EmailAddress::parse(&format!("p{number:x}@example.org")).expect("an address");
                    let password = PasswordHash::decoy(Cost { memory_kib: 8, iterations: 1, lanes: 1 });
                    let row = NewRegistration {
                        email: email.clone(),
                        password,
                        username: None,
                        name: None,
                        browser: Digest([0; 32]),
                        tries: Tries::default(),
                        client: Client::default(),
                    };
                    let work = move |tx: &mut dyn gatelodge::store::Transaction, moment: &mut Moment| {
                        register::register(tx, moment, &services, &row)
                    };
                    store.write_then(moment(chance), work, move |done| {
                        drop(tell.send(done.ok().map(|_| Told::Registered(email))));
                    });
                }
                1 => {
                    let work = move |tx: &mut dyn gatelodge::store::Transaction, moment: &mut Moment| {
                        let new = NewSession {
                            account: AccountId::from_bytes([u8::try_from(number % 5).unwrap_or_default(); 16]),
                            carrier: Carrier::KeptCookie,
                            method: "password",
                            client: &Client::default(),
                            settings: &services.config.session,
                            generation: services.generation,
                        };
                        sessions::start(tx, moment, &new).map(|(secret, _)| secret.digest())
                    };
                    store.write_then(moment(chance), work, move |done| drop(tell.send(done.ok().map(Told::Started))));
                }
                _ => {
                    let Some(digest) = oracle.started.iter().find(|digest| !oracle.ended.contains(digest)).copied()
                    else {
                        drop(tell.send(None));
                        continue;
                    };
                    oracle.may_have_ended.push(digest);
                    let work =
                        move |tx: &mut dyn gatelodge::store::Transaction, _: &mut Moment| sessions::end(tx, digest);
                    store.write_then(moment(chance), work, move |done| {
                        drop(tell.send(done.ok().map(|()| Told::Ended(digest))));
                    });
                }
            }
        }
        drop(tell);
        let answers: Vec<Option<Told>> = told.iter().collect();
        let is_over = answers.iter().all(Option::is_none) && store.read(|view| links::any_waiting(view)).is_err();
        for answer in answers.into_iter().flatten() {
            match answer {
                Told::Registered(email) => oracle.registered.push(email),
                Told::Started(digest) => oracle.started.push(digest),
                Told::Ended(digest) => oracle.ended.push(digest),
            }
        }
        if is_over {
            return;
        }
    }
}

const LIVES_OF_A_DISK: u64 = 10;

/// Lives a disk's lives, each ended by a cut, half of them by a second one within the recovery. Counts the cuts.
fn suffer(seed: u64, lies_every: u64, services: &Arc<Services>) -> Result<u64, String> {
    let mut chance = Chance(seed);
    let mut oracle = Oracle::default();
    // A store is made beside its place and moved there when it is whole, so no life begins with half a file.
    let made = Disk::holding(Vec::new(), u64::MAX, 0);
    drop(open(&made).map_err(|error| error.to_string())?);
    let mut bytes = std::mem::take(&mut made.platter().live);
    let mut cuts = 0;
    for _ in 0..LIVES_OF_A_DISK {
        let power = 2 + chance.below(120);
        let disk = Disk::holding(bytes, power, lies_every);
        if let Ok(engine) = open(&disk) {
            let gone = || Err(OpenError::Missing("power".into()));
            let store = Store::start(Box::new(engine) as Box<dyn Engine>, Box::new(gone)).expect("a thread starts");
            live(&store, services, &mut oracle, &mut chance);
        }
        bytes = disk.after_the_cut(&mut chance);
        cuts += 1;
        if chance.below(2) == 0 {
            let recovering = Disk::holding(bytes, 2 + chance.below(20), lies_every);
            drop(open(&recovering));
            bytes = recovering.after_the_cut(&mut chance);
            cuts += 1;
        }
        let whole = Disk::holding(bytes, u64::MAX, 0);
        let engine = open(&whole).map_err(|error| format!("the store cannot be opened: {error}"))?;
        let mut verdict = Ok(());
        engine
            .read(&mut |view| {
                verdict = oracle.judge(view);
                Ok(())
            })
            .map_err(|error| error.to_string())?;
        verdict?;
        drop(engine);
        bytes = std::mem::take(&mut whole.platter().live);
    }
    Ok(cuts)
}

fn open(disk: &Disk) -> Result<RedbEngine, StoreError> {
    let opened =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| RedbEngine::with_backend(disk.clone(), CACHE)));
    opened.unwrap_or(Err(StoreError::Damaged("a page")))
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut() {
    let wanted = std::env::var("GATELODGE_POWER_CUTS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(CUTS_IN_AN_ORDINARY_RUN);
    let services = Arc::new(services());
    let next = Mutex::new((0, 0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = {
                        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                        if next.1 >= wanted {
                            return;
                        }
                        next.0 += 1;
                        next.0
                    };
                    let cuts = suffer(seed, 0, &services).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
                    next.lock().unwrap_or_else(PoisonError::into_inner).1 += cuts;
                }
            });
        }
    });
}

#[test]
fn a_disk_that_only_pretends_to_sync_is_found_out() {
    let services = Arc::new(services());
    let found = (0..300).filter(|seed| suffer(*seed, 7, &services).is_err()).count();
    assert!(found > 0, "the simulation would find nothing");
}

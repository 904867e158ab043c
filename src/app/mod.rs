//! The running appliance: store, clock, hashing threads, and each use case from its slow part to its transaction.
//!
//! Pages, API and command line all come through here.

mod account_recovery;
mod at_door;
mod attention;
mod basic_pairs;
mod basic_passwords;
mod callers;
mod choosing_language;
mod clock;
mod confirming;
mod door_codes;
mod doors;
mod factors;
mod fault;
mod hasher;
mod health;
mod login;
mod mail_login;
mod maintenance;
mod measures;
mod passwords;
mod principal;
mod probe;
mod probing;
mod pulses;
mod rate_limit;
mod registering;
mod reserving;
mod restoring;
mod room;
mod second_factor;
mod session_cache;
mod setting_up;
mod snapshots;
mod space;
mod time;
mod wakes;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::oneshot;

use crate::accounts::{Env, Work};
use crate::base::{Clock, Moment, Timestamp};
use crate::config::Config;
use crate::crypto::Digest;
use crate::gate::AccessRules;
use crate::mail::Composer;
use crate::store::{Event, OpenedStore, Snapshot, Store, StoreError, StoreLock, WriteFn};
use crate::templates::{TemplateError, load_languages};
use crate::texts::Languages;

pub use at_door::AtDoor;
pub use clock::ClockReport;
pub use confirming::{Besides, Confirmation};
pub use doors::UsedCode;
pub use factors::{BegunTotp, Factors};
pub use fault::Fault;
pub use hasher::{Busy, Hasher};
pub use health::Health;
pub use login::PasswordAttempt;
pub use mail_login::MailKey;
pub use measures::Measures;
pub use principal::{Caller, Principal};
pub use probe::{Arrival, ProbeResult, ProxyDecision, ProxyQuestion};
pub use pulses::Heartbeat;
pub use registering::NewPerson;
pub use restoring::settle;
pub use room::DiskSpace;
pub use second_factor::{PendingSecondStep, SecondStep};
pub use session_cache::KnownCaller;
pub use setting_up::FirstAdministrator;
pub use snapshots::{newest_good_snapshot, newest_unsigned_snapshot, next_snapshot, prune_snapshots};
pub use wakes::Wakes;

use session_cache::SessionCache;
use wakes::wake;

/// Everything that runs, behind one handle.
pub struct App {
    env: ArcSwap<Env>,
    /// The pool of threads that hash passwords.
    pub hasher: Hasher,
    /// The counters for monitoring.
    pub measures: Arc<Measures>,
    store: Store,
    time: clock::Time,
    rate_limiter: Arc<rate_limit::RateLimiter>,
    space: room::Space,
    pulses: pulses::Pulses,
    probing: probe::Probing,
    session_cache: Arc<SessionCache>,
    access_rules: ArcSwap<AccessRules>,
    door_codes: door_codes::DoorCodes,
    basic_passwords: basic_pairs::BasicPasswords,
    seen: Mutex<HashMap<Digest, Timestamp>>,
    wakes: Arc<Wakes>,
    _lock: Option<StoreLock>,
}

/// A write that is on its way: it goes on whether or not anybody waits for it.
#[must_use = "nobody is told that it failed"]
pub struct Writing<T> {
    answered: oneshot::Receiver<Result<(), StoreError>>,
    slot: Arc<Mutex<Option<T>>>,
}

impl<T> Future for Writing<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = ready!(Pin::new(&mut self.answered).poll(context));
        Poll::Ready(answered.unwrap_or(Err(StoreError::Unavailable)).and_then(|()| {
            let value = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            value.ok_or(StoreError::Unavailable)
        }))
    }
}

/// Loads the languages, and reports what of the administrator's texts is not used.
fn languages_of(config: &Config) -> Arc<Languages> {
    let loaded = load_languages(config);
    for fault in &loaded.faults {
        tracing::warn!(%fault, "a text of the site's own is not used");
    }
    for doubt in &loaded.doubts {
        tracing::info!(%doubt, "the site's own texts are not complete");
    }
    loaded.languages
}

impl App {
    /// Assembles the appliance.
    ///
    /// # Errors
    /// When a mail template of the administrator's is not well formed.
    pub fn new(
        config: Config,
        opened: OpenedStore,
        clock: Arc<dyn Clock>,
        hasher: Hasher,
    ) -> Result<Self, TemplateError> {
        let languages = languages_of(&config);
        let composer = Composer::new(&config, Arc::clone(&languages))?;
        let basic_passwords = basic_pairs::BasicPasswords::new(&mut Moment::new(clock.now(), clock.seed()));
        let access_rules = ArcSwap::from_pointee(config.access.rules());
        let seal = Arc::new(opened.sealing_key);
        let env = ArcSwap::from_pointee(Env {
            config,
            seal,
            languages,
            composer,
            generation: opened.generation,
            node: opened.node,
        });
        let session_cache = Arc::new(SessionCache::new(opened.generation));
        let wakes = Arc::new(Wakes::default());
        let measures = Arc::new(Measures::default());
        let (forgetting, waking, measuring) = (Arc::clone(&session_cache), Arc::clone(&wakes), Arc::clone(&measures));
        opened.store.observe(move |event| {
            if let Event::Committed(_, took) = event {
                measuring.commits.note(took);
            }
            forgetting.invalidate(&event);
            wake(&waking, &event);
        });
        Ok(Self {
            env,
            hasher,
            measures,
            store: opened.store,
            time: clock::Time::new(clock, opened.floor),
            rate_limiter: Arc::default(),
            space: room::Space::default(),
            pulses: pulses::Pulses::default(),
            probing: probe::Probing::default(),
            session_cache,
            access_rules,
            door_codes: door_codes::DoorCodes::default(),
            basic_passwords,
            seen: Mutex::default(),
            wakes,
            _lock: opened.lock,
        })
    }

    /// Returns the present settings and keys.
    pub fn env(&self) -> Guard<Arc<Env>> {
        self.env.load()
    }

    /// Applies other settings from now on. What is under way may still go by the old ones.
    ///
    /// # Errors
    /// When a mail template of the administrator's is not well formed: then nothing changes.
    pub fn reconfigure(&self, config: Config) -> Result<(), TemplateError> {
        let languages = languages_of(&config);
        let composer = Composer::new(&config, Arc::clone(&languages))?;
        let (seal, generation, node) = (Arc::clone(&self.env().seal), self.env().generation, self.env().node);
        self.hasher.reconfigure(config.password.cost());
        self.access_rules.store(Arc::new(config.access.rules()));
        self.env.store(Arc::new(Env { config, seal, languages, composer, generation, node }));
        // Which groups need a second factor stands with each session that was looked up.
        self.session_cache.forget_all();
        Ok(())
    }

    /// Returns what wakes the workers.
    pub fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    /// Reads from a consistent view. The engine of one board answers at once; one that is shared may have to wait until
    /// what others committed has reached it.
    ///
    /// # Errors
    /// Those of `work`, and the store's own.
    #[expect(clippy::unused_async, reason = "callers must not rely on an engine that never waits")]
    pub async fn read<T>(&self, work: impl FnOnce(&dyn Snapshot) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.store.read(work)
    }

    /// As [`App::read`], on a thread that may block: for looks through everything.
    ///
    /// # Errors
    /// Those of `work`, and the store's own.
    pub fn read_blocking<T>(&self, work: impl FnOnce(&dyn Snapshot) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.store.read(work)
    }

    /// Writes, and returns when the commit is durable. `act` may run twice. For
    /// what a caller asks for, see [`App::write_as`].
    ///
    /// # Errors
    /// Those of `act`, and the store's own.
    pub fn write<T, F>(self: &Arc<Self>, mut act: F) -> Writing<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Work<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let (app, filled) = (Arc::clone(self), Arc::clone(&slot));
        let act: WriteFn = Box::new(move |tx, moment| {
            let value = act(&mut Work { tx, moment, env: &app.env() })?;
            *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            Ok(())
        });
        Writing { answered: self.write_by(act), slot }
    }

    /// The part of a write that does not depend on its type, so that it is compiled once.
    fn write_by(&self, act: WriteFn) -> oneshot::Receiver<Result<(), StoreError>> {
        let (answer, answered) = oneshot::channel();
        self.store.write_by(self.moment(), act, Box::new(move |outcome| drop(answer.send(outcome))));
        answered
    }

    /// Takes the notes of when sessions were used, for the worker that writes them down.
    pub fn take_seen(&self) -> Vec<(Digest, Timestamp)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }
}

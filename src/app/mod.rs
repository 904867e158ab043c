//! The running appliance: store, clock, hashing threads, and each use case from its slow part to its transaction.
//!
//! Pages, API and command line all come through here.

mod account_recovery;
mod admission;
mod confirming;
mod entering;
mod factors;
mod hasher;
mod health;
mod known;
mod mail_login;
mod measures;
mod passwords;
mod principal;
mod probing;
mod registering;
mod restoring;
mod second_factor;
mod setting_up;
mod snapshots;
mod space;
mod tending;
mod time;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::{Notify, oneshot};

use crate::accounts::standing::Denied;
use crate::accounts::{Env, Work};
use crate::base::{Clock, Seconds, Timestamp};
use crate::config::{Config, Span};
use crate::crypto::Digest;
use crate::mail::Composer;
use crate::store::{Event, Opened, Snapshot, Store, StoreError, StoreLock, WriteFn, schema};
use crate::templates::TemplateError;

pub use confirming::{Besides, ConfirmRefused, Confirmation, NowConfirmed};
pub use entering::{Entered, Entry, LogIn};
pub use factors::{BegunTotp, Factors};
pub use hasher::{Busy, Hasher};
pub use health::{Health, Pulse};
pub use known::LoggedIn;
pub use mail_login::{MailKey, MailLogin, MailLoginRefused};
pub use measures::Measures;
pub use passwords::{AddressChange, ChangeRefused, ResetRefused};
pub use principal::{Caller, Principal};
pub use probing::Arrival;
pub use registering::{NewPerson, NowRegistered, RegisterRefused};
pub use restoring::settle;
pub use second_factor::{ProofRefused, Step, StepRefused, Waiting};
pub use setting_up::{FirstAdministrator, SetUpRefused};
pub use snapshots::{newest_good_snapshot, newest_unsigned_snapshot, next_snapshot, prune_snapshots};
pub use space::Room;
pub use time::ClockReport;

use known::KnownSessions;

/// Everything that runs, behind one handle.
pub struct App {
    env: ArcSwap<Env>,
    /// The threads that hash passwords.
    pub hasher: Hasher,
    /// What is counted for monitoring.
    pub measures: Arc<Measures>,
    store: Store,
    time: time::Time,
    admission: Arc<admission::Admission>,
    space: space::Space,
    pulses: health::Pulses,
    probing: probing::Probing,
    known: Arc<KnownSessions>,
    seen: Mutex<HashMap<Digest, Timestamp>>,
    wakes: Arc<Wakes>,
    _lock: Option<StoreLock>,
}

/// What wakes the workers: something they wait for was committed.
#[derive(Debug, Default)]
pub struct Wakes {
    /// Somebody asked for a link.
    pub link_wanted: Notify,
    /// A mail was queued, or its time has changed.
    pub mail_queued: Notify,
    /// A text message was queued, or its time has changed.
    pub text_queued: Notify,
    /// Something was done that the audit log tells of.
    pub audited: Notify,
}

/// Why an act could not be carried through. Refusals by a rule are not among these.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The store failed.
    Store(StoreError),
    /// Too many passwords wait to be hashed.
    Busy,
    /// Too many tries have failed: seconds to wait.
    TooManyAttempts(Seconds),
    /// We made a mistake; the log says which.
    Internal,
    /// The clock lies behind a time that has been, and the act depends on the time.
    ClockUnsure,
    /// Whoever asked lost the right to it while it waited; nothing was changed.
    Denied(Denied),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Busy> for Fault {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl std::error::Error for Fault {}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::TooManyAttempts(seconds) => {
                let wait = Span::from_seconds(*seconds).at_most_in_words();
                write!(f, "too many tries have failed; try again in {wait}")
            }
            Self::Internal => f.write_str("something went wrong on our side"),
            Self::Denied(_) => f.write_str("whoever asked may not do this any more"),
            Self::ClockUnsure => f.write_str("this machine's clock is wrong; see `gatelodge clock`"),
            Self::Busy => f.write_str("too many passwords wait to be checked; try again in a few seconds"),
        }
    }
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

impl App {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When a mail template of the administrator's is not well formed.
    pub fn new(config: Config, opened: Opened, clock: Arc<dyn Clock>, hasher: Hasher) -> Result<Self, TemplateError> {
        let composer = Composer::new(&config)?;
        let seal = Arc::new(opened.sealing_key);
        let env = ArcSwap::from_pointee(Env { config, seal, composer, generation: opened.generation });
        let known = Arc::new(KnownSessions::new(opened.generation));
        let wakes = Arc::new(Wakes::default());
        let measures = Arc::new(Measures::default());
        let (forgetting, waking, measuring) = (Arc::clone(&known), Arc::clone(&wakes), Arc::clone(&measures));
        opened.store.observe(move |event| {
            if let Event::Committed(_, took) = event {
                measuring.commits.note(took);
            }
            forgetting.hear(&event);
            wake(&waking, &event);
        });
        Ok(Self {
            env,
            hasher,
            measures,
            store: opened.store,
            time: time::Time::new(clock, opened.floor),
            admission: Arc::default(),
            space: space::Space::default(),
            pulses: health::Pulses::default(),
            probing: probing::Probing::default(),
            known,
            seen: Mutex::default(),
            wakes,
            _lock: opened.lock,
        })
    }

    /// Settings and keys, as they are now.
    pub fn env(&self) -> Guard<Arc<Env>> {
        self.env.load()
    }

    /// Takes other settings from now on. What is under way may still go by the old ones.
    ///
    /// # Errors
    /// When a mail template of the administrator's is not well formed: then nothing changes.
    pub fn reconfigure(&self, config: Config) -> Result<(), TemplateError> {
        let composer = Composer::new(&config)?;
        let (seal, generation) = (Arc::clone(&self.env().seal), self.env().generation);
        self.hasher.reconfigure(config.password.cost());
        self.env.store(Arc::new(Env { config, seal, composer, generation }));
        // Which groups need a second factor stands with each session that was looked up.
        self.known.forget_all();
        Ok(())
    }

    /// What wakes the workers.
    pub fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    /// Reads from a consistent view.
    ///
    /// # Errors
    /// Those of `work`, and the store's own.
    pub fn read<T>(&self, work: impl FnOnce(&dyn Snapshot) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.store.read(work)
    }

    /// Writes, and returns when the commit is durable. `act` may run twice. In the name of somebody who is in, see
    /// [`App::write_as`].
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

    /// What does not depend on what is written, so that it is compiled once.
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

fn wake(wakes: &Wakes, event: &Event<'_>) {
    let touched = |range: schema::Range| match event {
        Event::Reopened => true,
        Event::Committed(changes, _) => changes.range(vec![range.prefix]..vec![range.prefix + 1]).next().is_some(),
    };
    if touched(schema::LINK_REQUESTS) {
        wakes.link_wanted.notify_one();
    }
    if touched(schema::MAILS_DUE) || touched(schema::MAILS_BEHIND) {
        wakes.mail_queued.notify_one();
    }
    if touched(schema::TEXTS_DUE) {
        wakes.text_queued.notify_one();
    }
    if touched(schema::AUDIT) {
        wakes.audited.notify_one();
    }
}

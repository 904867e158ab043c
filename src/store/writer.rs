//! Groups writes: one thread takes all closures that wait, commits them once, then answers all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::base::{Moment, NodeId};

use super::batch::{Done, Job, WriteFn, run_all};
use super::{Changes, Commit, Elsewhere, Engine, OpenError, Snapshot, StoreError, Transaction};

/// What the store reports to its observer, on the writer's thread and before any caller is answered.
#[derive(Debug)]
pub enum Event<'a> {
    /// These changes are durable, or may be; the commit took this long.
    Committed(&'a Changes, Duration),
    /// Another node has changed this.
    Elsewhere(&'a Changes),
    /// The file was reopened: whatever was cached from it may be wrong.
    Reopened,
}

type Observer = Arc<dyn Fn(Event<'_>) + Send + Sync>;

/// How the engine is reopened after a failure.
pub struct Reopening {
    /// Finds out whether writing would work; until it does, the present engine goes on answering reads.
    pub probe: Box<dyn Fn() -> std::io::Result<()> + Send>,
    /// Opens and checks the engine, after the present one was closed.
    pub open: Box<dyn Fn() -> Result<Box<dyn Engine>, OpenError> + Send>,
    /// The pause between two attempts to reopen.
    pub pause: Duration,
}

impl Reopening {
    /// Often enough that nobody has to help, rarely enough for a disk that is broken.
    pub const PAUSE: Duration = Duration::from_secs(1);

    /// Reopens with `open`, without probing first.
    #[must_use]
    pub fn by(open: impl Fn() -> Result<Box<dyn Engine>, OpenError> + Send + 'static) -> Self {
        Self { probe: Box::new(|| Ok(())), open: Box::new(open), pause: Self::PAUSE }
    }
}

/// The store as the program uses it: reads run where they are called, writes are grouped.
pub struct Store {
    shared: Arc<Shared>,
    /// Boxed, because the queue reserves room for all of them from the start.
    queue: Option<SyncSender<Box<Job>>>,
    writer: Option<JoinHandle<()>>,
}

struct Shared {
    /// None after a failure, until the file could be opened again.
    engine: RwLock<Option<Box<dyn Engine>>>,
    observer: OnceLock<Observer>,
}

impl Shared {
    /// Has the observer hear what others change.
    fn watch(&self, engine: &dyn Engine) {
        if let Some(observer) = self.observer.get().cloned() {
            let tell: Elsewhere = Arc::new(move |changes| observer(Event::Elsewhere(changes)));
            engine.watch(tell);
        }
    }
}

impl Store {
    /// The most writes that may wait; more are refused at once.
    const MAX_WAITING: usize = 4096;

    /// Starts the writer of a node.
    pub fn start(engine: Box<dyn Engine>, node: NodeId, reopening: Reopening) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { engine: RwLock::new(Some(engine)), observer: OnceLock::new() });
        let (queue, jobs) = sync_channel(Self::MAX_WAITING);
        let writer = Writer {
            shared: Arc::clone(&shared),
            node,
            reopening,
            is_broken: false,
            tried_at: None,
            recent: Recent::default(),
        };
        let writer = std::thread::Builder::new().name("store writer".into()).spawn(move || writer.run(&jobs))?;
        Ok(Self { shared, queue: Some(queue), writer: Some(writer) })
    }

    /// Reports every commit to `observer`. It can be set once.
    pub fn observe(&self, observer: impl Fn(Event<'_>) + Send + Sync + 'static) {
        let first = self.shared.observer.set(Arc::new(observer)).is_ok();
        debug_assert!(first, "one observer");
        if let Some(engine) = self.shared.engine.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            self.shared.watch(engine.as_ref());
        }
    }

    /// Runs `work` over a consistent view.
    ///
    /// # Errors
    /// Those of `work`, and [`StoreError::Unavailable`] while the store is broken.
    pub fn read<T>(&self, work: impl FnOnce(&dyn Snapshot) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut work = Some(work);
        let mut result = Err(StoreError::Unavailable);
        self.read_by(&mut |view| {
            if let Some(work) = work.take() {
                result = work(view);
            }
            Ok(())
        })?;
        result
    }

    /// The part of a read that does not depend on its type, so that it is compiled once.
    fn read_by(&self, work: &mut dyn FnMut(&dyn Snapshot) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let engine = self.shared.engine.read().unwrap_or_else(PoisonError::into_inner);
        let engine = engine.as_ref().ok_or(StoreError::Unavailable)?;
        // redb panics when it reads a page that went bad; to the caller that is damage like any other.
        let read = catch_unwind(AssertUnwindSafe(|| engine.read(work)));
        read.unwrap_or(Err(StoreError::Damaged("a page")))
    }

    /// Queues `work` for the writer and calls `done`, on its thread, once the commit that holds it is durable.
    ///
    /// `work` may run twice: it does no I/O and draws only from the moment it is given.
    /// Its error drops its own changes and not its neighbours'.
    pub fn write_then<T: Send + 'static>(
        &self,
        moment: Moment,
        mut work: impl FnMut(&mut dyn Transaction, &mut Moment) -> Result<T, StoreError> + Send + 'static,
        done: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) {
        let slot = Arc::new(Mutex::new(None));
        let filled = Arc::clone(&slot);
        let work = Box::new(move |tx: &mut dyn Transaction, moment: &mut Moment| {
            let value = work(tx, moment)?;
            *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            Ok(())
        });
        let done = Box::new(move |outcome: Result<(), StoreError>| {
            let value = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            done(outcome.and_then(|()| value.ok_or(StoreError::Unavailable)));
        });
        self.write_by(moment, work, done);
    }

    /// As [`Store::write_then`], for a write that hands its result over by itself.
    pub fn write_by(&self, moment: Moment, work: WriteFn, done: Done) {
        let job = Job { moment, work, done };
        let refused = match &self.queue {
            // Never waits for room: the caller may be a thread that serves others.
            Some(queue) => queue.try_send(Box::new(job)).err().map(not_sent),
            None => Some(job),
        };
        if let Some(job) = refused {
            (job.done)(Err(StoreError::Unavailable));
        }
    }

    /// As [`Store::write_then`], but waits for the answer: for threads that may block.
    ///
    /// # Errors
    /// Those of `work`, and the store's own.
    pub fn write<T: Send + 'static>(
        &self,
        moment: Moment,
        work: impl FnMut(&mut dyn Transaction, &mut Moment) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        self.write_then(moment, work, move |outcome| drop(answer.send(outcome)));
        answered.recv().unwrap_or(Err(StoreError::Unavailable))
    }
}

impl Drop for Store {
    /// Lets the writer finish what waits, then closes the file.
    fn drop(&mut self) {
        drop(self.queue.take());
        // The last handle may be held by a queued closure whose caller is gone. Then this runs on the
        // writer's own thread, which cannot wait for itself.
        if let Some(writer) = self.writer.take().filter(|writer| writer.thread().id() != std::thread::current().id()) {
            let _ = writer.join();
        }
    }
}

fn not_sent(error: TrySendError<Box<Job>>) -> Job {
    match error {
        TrySendError::Full(job) | TrySendError::Disconnected(job) => *job,
    }
}

struct Writer {
    shared: Arc<Shared>,
    node: NodeId,
    reopening: Reopening,
    /// Set when a write fails, until the engine has been reopened.
    is_broken: bool,
    tried_at: Option<Instant>,
    recent: Recent,
}

/// The number of writes in the last commit, and how long it took.
#[derive(Default)]
struct Recent {
    size: usize,
    took: Duration,
}

impl Writer {
    /// The most closures in one commit, which bounds how long the first of them waits.
    const MAX_BATCH: usize = 512;
    /// The longest wait for more closures: after a disk has stalled for seconds the next commit must not wait as long.
    const MAX_GATHERING: Duration = Duration::from_millis(10);

    fn run(mut self, jobs: &Receiver<Box<Job>>) {
        while let Ok(first) = jobs.recv() {
            let batch = self.gather(*first, jobs);
            let (size, started) = (batch.len(), Instant::now());
            self.commit(batch);
            self.recent = Recent { size, took: started.elapsed() };
        }
    }

    /// Takes all closures that wait. After a commit that held many, most of their callers are about to
    /// write again, so it waits for them: at most half of what a commit takes, only while they keep
    /// coming, and not at all when writes come one by one.
    fn gather(&self, first: Job, jobs: &Receiver<Box<Job>>) -> Vec<Job> {
        let mut batch = vec![first];
        batch.extend(jobs.try_iter().take(Self::MAX_BATCH - 1).map(|job| *job));
        let Recent { size, took } = self.recent;
        let expected = (batch.len() + size.saturating_sub(1)).min(Self::MAX_BATCH);
        let end = Instant::now() + (took / 2).min(Self::MAX_GATHERING);
        while batch.len() < expected {
            match jobs.recv_timeout(end.saturating_duration_since(Instant::now()).min(took / 8)) {
                Ok(job) => batch.push(*job),
                Err(_) => break,
            }
        }
        batch
    }

    fn commit(&mut self, mut waiting: Vec<Job>) {
        while !waiting.is_empty() {
            waiting = self.commit_some(waiting);
        }
    }

    /// Commits as many as the engine takes at once, and answers them; returns the others.
    fn commit_some(&mut self, mut batch: Vec<Job>) -> Vec<Job> {
        self.reopen_if_broken();
        let mut verdicts = Vec::new();
        let mut changes = Changes::new();
        let started = Instant::now();
        let outcome = {
            let engine = self.shared.engine.read().unwrap_or_else(PoisonError::into_inner);
            match engine.as_ref() {
                _ if self.is_broken => Err(StoreError::Unavailable),
                None => Err(StoreError::Unavailable),
                Some(engine) => catch_unwind(AssertUnwindSafe(|| {
                    let limits = engine.limits();
                    engine.write(&mut |tx| {
                        (verdicts, changes) = run_all(&mut batch, (self.node, limits), tx)?;
                        Ok(if changes.is_empty() { Commit::No } else { Commit::Yes })
                    })
                }))
                .unwrap_or(Err(StoreError::OutcomeUnknown)),
            }
        };
        // Even when the commit failed, since it may have taken effect: a cache that forgets too much is only slower,
        // one that keeps too much lets an ended session in.
        if !changes.is_empty() {
            self.tell(&Event::Committed(&changes, started.elapsed()));
        }
        // Reopened before anybody is answered: whoever repeats the write at once should find a store that works.
        if outcome.is_err() && !self.is_broken {
            tracing::error!("the store failed; it is opened anew");
            (self.is_broken, self.tried_at) = (true, None);
            self.reopen_if_broken();
        }
        // Without a verdict nothing was run, because there is no engine.
        let others = if verdicts.is_empty() { Vec::new() } else { batch.split_off(verdicts.len()) };
        // A closure that failed has its own error; the others share the fate of the commit.
        for (index, job) in batch.into_iter().enumerate() {
            let verdict = verdicts.get(index).cloned().unwrap_or(Err(StoreError::Unavailable));
            (job.done)(verdict.and(outcome.clone()));
        }
        others
    }

    fn tell(&self, event: &Event<'_>) {
        if let Some(observer) = self.shared.observer.get() {
            observer(match event {
                Event::Committed(changes, took) => Event::Committed(changes, *took),
                Event::Elsewhere(changes) => Event::Elsewhere(changes),
                Event::Reopened => Event::Reopened,
            });
        }
    }

    /// Reopens the engine: after any storage error redb refuses writes until then. Reads go on with the old one as long
    /// as reopening would not help, because the disk is full or was made read-only.
    fn reopen_if_broken(&mut self) {
        let is_too_soon = self.tried_at.is_some_and(|tried_at| tried_at.elapsed() < self.reopening.pause);
        if !self.is_broken || is_too_soon {
            return;
        }
        self.tried_at = Some(Instant::now());
        if let Err(error) = (self.reopening.probe)() {
            tracing::error!(%error, "nothing can be written; reading goes on");
            return;
        }
        let mut engine = self.shared.engine.write().unwrap_or_else(PoisonError::into_inner);
        // Closed first: the file is locked by whoever has it open.
        *engine = None;
        match (self.reopening.open)() {
            Ok(opened) => {
                self.shared.watch(opened.as_ref());
                *engine = Some(opened);
                drop(engine);
                self.is_broken = false;
                self.tell(&Event::Reopened);
                tracing::info!("the store is open again");
            }
            Err(error) => tracing::error!(%error, "the store cannot be opened"),
        }
    }
}

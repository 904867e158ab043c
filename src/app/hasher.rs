//! A thread pool for password hashing: a thread per core and a relief, with memory that is reused, and a bounded queue.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::oneshot;

use crate::base::Moment;
use crate::crypto::{Cost, Memory, Password, PasswordHash};
use crate::metrics::Histogram;

/// The queue is full: the answer is 503, and the client comes back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Busy;

/// A hash to compute; returns whether it had to be. It may be run twice, by two threads: the first to finish answers.
type Task = Arc<dyn Fn(&mut Memory) -> bool + Send + Sync>;

/// A fixed number of threads: it bounds the memory, however many people log in.
pub struct Hasher {
    queue: Arc<Queue>,
    cost: RwLock<Cost>,
    took: Histogram,
}

struct Queue {
    state: Mutex<State>,
    /// Signals that there is something to do, or that the program ends.
    changed: Condvar,
    /// The same for the relief, which need not wake for every task.
    begins: Condvar,
    /// The least time that a task may take before the relief takes over.
    relief_after: Duration,
}

struct State {
    /// Tasks that wait, and since when.
    waiting: VecDeque<(Instant, Task)>,
    /// Tasks that a thread has begun, since when, and their numbers.
    begun: VecDeque<(Instant, u64, Task)>,
    last_number: u64,
    /// When the relief last took over from a thread.
    overtaken_at: Option<Instant>,
    /// Whether the relief waits for something to do; otherwise it wakes by itself.
    relief_rests: bool,
    /// The shortest time that any task took: what a hash takes when nothing else runs.
    fastest: Option<Duration>,
    is_closed: bool,
}

impl Hasher {
    /// The most passwords that may wait.
    const MAX_WAITING: usize = 256;
    /// The most threads: more would need more memory than a small board has to spare.
    const MAX_THREADS: usize = 4;
    /// The lowest priority there is.
    const NICENESS: i32 = 19;
    /// How long a thread keeps its memory without work.
    const KEEP_MEMORY: Duration = Duration::from_mins(1);
    /// The relief takes over when a hash takes this long, and this many times what it takes otherwise.
    const RELIEF_AFTER: Duration = Duration::from_millis(500);
    const RELIEF_TIMES: u32 = 4;
    /// The same while it is not known what a hash takes here.
    const RELIEF_AT_FIRST: Duration = Duration::from_secs(10);

    /// Starts the threads, one for each core up to four, and one that takes over when these get no time.
    pub fn start(cost: Cost) -> std::io::Result<Self> {
        Self::with_relief_after(Self::RELIEF_AFTER, cost)
    }

    fn with_relief_after(relief_after: Duration, cost: Cost) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::new(relief_after));
        let start = |name: String, work: fn(&Queue)| -> std::io::Result<_> {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name(name).spawn(move || work(&queue))
        };
        for number in 0..Self::threads() {
            start(format!("hasher {number}"), Queue::work)?;
        }
        start("hasher relief".into(), Queue::relieve)?;
        Ok(Self { queue, cost: RwLock::new(cost), took: Histogram::default() })
    }

    fn cost(&self) -> Cost {
        *self.cost.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the cost of new hashes.
    pub fn reconfigure(&self, cost: Cost) {
        let before = std::mem::replace(&mut *self.cost.write().unwrap_or_else(PoisonError::into_inner), cost);
        if before != cost {
            self.queue.lock().fastest = None;
        }
    }

    fn threads() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from).min(Self::MAX_THREADS)
    }

    /// Hashes a new password with the configured cost.
    pub async fn hash(&self, password: Password, moment: Moment) -> Result<PasswordHash, Busy> {
        let cost = self.cost();
        self.run(move |memory| PasswordHash::make(&password, cost, &mut moment.clone(), memory)).await
    }

    /// Whether `password` is the one that was hashed.
    pub async fn verify(&self, password: Password, hash: PasswordHash) -> Result<bool, Busy> {
        self.run(move |memory| hash.matches(&password, memory)).await
    }

    /// Returns how long hashing took, waiting included.
    #[must_use]
    pub fn took(&self) -> &Histogram {
        &self.took
    }

    /// Returns how many passwords wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.lock().waiting.len()
    }

    /// Whether a stored hash was made with other parameters than are configured now.
    #[must_use]
    pub fn is_outdated(&self, hash: &PasswordHash) -> bool {
        hash.cost() != self.cost()
    }

    async fn run<T: Send + 'static>(&self, work: impl Fn(&mut Memory) -> T + Send + Sync + 'static) -> Result<T, Busy> {
        let started = Instant::now();
        let (answer, answered) = oneshot::channel();
        let answer = Mutex::new(Some(answer));
        self.queue.push(Arc::new(move |memory| {
            let lock = || answer.lock().unwrap_or_else(PoisonError::into_inner);
            // The caller may have hung up while this waited, or been answered by the
            // other thread; then nothing needs to be hashed.
            if lock().as_ref().is_none_or(oneshot::Sender::is_closed) {
                return false;
            }
            let done = work(memory);
            if let Some(answer) = lock().take() {
                let _ = answer.send(done);
            }
            true
        }))?;
        let done = answered.await.map_err(|_| Busy);
        self.took.note(started.elapsed());
        done
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.queue.lock().is_closed = true;
        self.queue.changed.notify_all();
        self.queue.begins.notify_all();
    }
}

impl State {
    /// Takes the task for the relief. What was begun first is begun again. What only waits behind others is
    /// left to the other threads, unless they have begun nothing, or something of theirs has just been
    /// overtaken: then they hardly get time for the rest either.
    fn overdue(&mut self, patience: Duration) -> Option<(u64, Task)> {
        if let Some((_, number, task)) = self.begun.pop_front_if(|(since, ..)| since.elapsed() >= patience) {
            self.overtaken_at = Some(Instant::now());
            return Some((number, task));
        }
        let are_starved = self.begun.is_empty() || self.overtaken_at.is_some_and(|at| at.elapsed() < patience * 2);
        let left = self.waiting.pop_front_if(|(since, _)| are_starved && since.elapsed() >= patience);
        left.map(|(_, task)| (0, task))
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.begun.is_empty()
    }
}

impl Queue {
    fn new(relief_after: Duration) -> Self {
        let (waiting, begun) = (VecDeque::new(), VecDeque::new());
        let state = State {
            waiting,
            begun,
            last_number: 0,
            overtaken_at: None,
            relief_rests: false,
            fastest: None,
            is_closed: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), begins: Condvar::new(), relief_after }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, task: Task) -> Result<(), Busy> {
        let mut state = self.lock();
        if state.waiting.len() >= Hasher::MAX_WAITING {
            return Err(Busy);
        }
        if std::mem::take(&mut state.relief_rests) {
            self.begins.notify_one();
        }
        state.waiting.push_back((Instant::now(), task));
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    fn work(&self) {
        step_back();
        self.take_each(&self.changed, |state| {
            let (_, task) = state.waiting.pop_front()?;
            state.last_number += 1;
            state.begun.push_back((Instant::now(), state.last_number, Arc::clone(&task)));
            Some((state.last_number, task))
        });
    }

    /// Takes over what takes too long: threads of low priority get hardly any time while requests keep every core busy,
    /// and nobody must be able to keep others from logging in by asking for pages.
    fn relieve(&self) {
        self.take_each(&self.begins, |state| {
            let patience = self.patience(state);
            let taken = state.overdue(patience);
            state.relief_rests = taken.is_none() && state.is_idle();
            taken
        });
    }

    /// Returns how long the relief waits for the other threads.
    fn patience(&self, state: &State) -> Duration {
        let usual = state.fastest.map_or(Hasher::RELIEF_AT_FIRST, |fastest| fastest * Hasher::RELIEF_TIMES);
        usual.max(self.relief_after)
    }

    fn take_each(&self, changed: &Condvar, take: impl Fn(&mut State) -> Option<(u64, Task)>) {
        let mut memory = Memory::default();
        while let Some((number, task)) = self.next(&mut memory, changed, &take) {
            let began = Instant::now();
            // A panic ends one task, whose caller is answered "busy", and not the thread.
            let done = catch_unwind(AssertUnwindSafe(|| task(&mut memory)));
            if done.is_err() {
                memory = Memory::default();
            }
            drop(task);
            let mut state = self.lock();
            state.begun.retain(|(_, begun, _)| *begun != number);
            if let Ok(true) = done {
                let took = began.elapsed();
                state.fastest = Some(state.fastest.map_or(took, |fastest| fastest.min(took)));
            }
        }
    }

    /// Waits for the next task; gives the memory back after a while without one. None when the program ends.
    fn next(
        &self,
        memory: &mut Memory,
        changed: &Condvar,
        take: impl Fn(&mut State) -> Option<(u64, Task)>,
    ) -> Option<(u64, Task)> {
        let mut state = self.lock();
        let mut since = Instant::now();
        loop {
            if let Some(taken) = take(&mut state) {
                return Some(taken);
            }
            if state.is_closed {
                return None;
            }
            // While there is something to do, the relief looks again and again.
            let pause = if state.is_idle() { Hasher::KEEP_MEMORY } else { self.relief_after };
            let (woken, _) = changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if since.elapsed() >= Hasher::KEEP_MEMORY {
                *memory = Memory::default();
                since = Instant::now();
            }
        }
    }
}

/// Lets this thread run only when no other has something to do: a request
/// that shows a session must not wait for logins.
///
/// The lowest priority alone is not enough. Linux from 6.6 on lets a thread finish its slice of some milliseconds
/// before one of a higher priority that wakes; only one of the policy `SCHED_IDLE` gives way at once (sched(7)). The
/// priority counts where the policy cannot be had. The price: while requests keep every core busy, passwords are left
/// to the relief; and where the kernel shares the processor neither by control group nor by session (autogroup), logins
/// wait for every other program that keeps it busy, longer than at the lowest priority.
fn step_back() {
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy) {
        tracing::debug!(%error, "passwords are hashed beside everything else, not after it");
    }
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), Hasher::NICENESS) {
        tracing::debug!(%error, "passwords are hashed at the priority of everything else");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    const CHEAP: Cost = Cost { memory_kib: 8, iterations: 1, lanes: 1 };

    fn password() -> Password {
        Password::parse("a lodge at the gate").expect("printable")
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts")
    }

    /// What is answered; a test fails rather than waits for ever.
    fn in_time<T>(asked: impl Future<Output = T>) -> T {
        let limit = Duration::from_secs(30);
        runtime().block_on(async { tokio::time::timeout(limit, asked).await }).expect("an answer in time")
    }

    /// Keeps every thread busy until the returned sender is dropped.
    fn hold_up(hasher: &Hasher) -> std::sync::mpsc::Sender<()> {
        let (held, release) = std::sync::mpsc::channel::<()>();
        let release = Arc::new(Mutex::new(release));
        let begun = Arc::new(std::sync::Barrier::new(Hasher::threads() + 1));
        for _ in 0..Hasher::threads() {
            let (release, begun) = (Arc::clone(&release), Arc::clone(&begun));
            let task = move |_: &mut Memory| {
                begun.wait();
                release.lock().is_ok_and(|release| release.recv().is_ok())
            };
            hasher.queue.push(Arc::new(task)).expect("there is room");
        }
        begun.wait();
        held
    }

    #[test]
    fn whoever_comes_when_the_queue_is_full_is_told_to_come_back() {
        let hasher = Hasher::start(CHEAP).expect("threads start");
        let held = hold_up(&hasher);
        for _ in 0..Hasher::MAX_WAITING {
            hasher.queue.push(Arc::new(|_: &mut Memory| false)).expect("there is room");
        }
        let moment = Moment::new(Timestamp::default(), [1; 32]);
        assert_eq!(runtime().block_on(hasher.hash(password(), moment.clone())), Err(Busy));
        drop(held);
        // Once the queue has drained, the threads serve again.
        while !hasher.queue.lock().waiting.is_empty() {
            std::thread::yield_now();
        }
        let hash = runtime().block_on(hasher.hash(password(), moment)).expect("served");
        assert_eq!(runtime().block_on(hasher.verify(password(), hash)), Ok(true));
    }

    #[test]
    fn a_relief_takes_over_what_waits_and_what_was_begun() {
        let hasher = Hasher::with_relief_after(Duration::from_millis(1), CHEAP).expect("threads start");
        let hash = PasswordHash::decoy(CHEAP);
        // Now it is known how long it takes.
        assert_eq!(in_time(hasher.verify(password(), hash.clone())), Ok(false));
        while !hasher.queue.lock().is_idle() {
            std::thread::yield_now();
        }
        let (held, release) = std::sync::mpsc::channel::<()>();
        let release = Arc::new(Mutex::new(release));
        let sticks = || {
            let release = Arc::clone(&release);
            move |_: &mut Memory| {
                let is_relief = std::thread::current().name() == Some("hasher relief");
                is_relief || release.lock().is_ok_and(|release| release.recv().is_ok())
            }
        };
        for _ in 0..2 * Hasher::threads() {
            assert_eq!(in_time(hasher.run(sticks())), Ok(true));
        }
        assert_eq!(in_time(hasher.verify(password(), hash)), Ok(false));
        drop(held);
    }

    #[test]
    fn those_who_wait_are_relieved_where_others_were_overtaken() {
        let queue = Queue::new(Duration::ZERO);
        let mut state = queue.lock();
        let nothing = || -> Task { Arc::new(|_: &mut Memory| true) };
        let patience = Duration::from_secs(5);
        let long_ago = Instant::now().checked_sub(patience * 2).expect("the machine runs for longer");
        state.waiting.extend([(long_ago, nothing()), (long_ago, nothing()), (Instant::now(), nothing())]);
        state.begun.push_back((Instant::now(), 8, nothing()));
        assert!(state.overdue(patience).is_none(), "others wait before them");
        state.begun.push_front((long_ago, 7, nothing()));
        let taken = std::iter::from_fn(|| state.overdue(patience).map(|(number, _)| number));
        assert_eq!(taken.collect::<Vec<_>>(), [7, 0, 0]);
        state.overtaken_at = Some(long_ago);
        state.waiting.push_front((long_ago, nothing()));
        assert!(state.overdue(patience).is_none(), "that was long ago");
        state.begun.clear();
        assert!(state.overdue(patience).is_some(), "nobody has begun anything");
    }

    #[test]
    fn a_panic_ends_one_task_and_not_the_threads() {
        let hasher = Hasher::start(CHEAP).expect("threads start");
        for _ in 0..2 * Hasher::threads() {
            assert_eq!(runtime().block_on(hasher.run(|_| -> () { panic!("a test") })), Err(Busy));
        }
        let hash = PasswordHash::decoy(CHEAP);
        assert_eq!(runtime().block_on(hasher.verify(password(), hash)), Ok(false));
    }

    #[test]
    fn a_hash_of_another_cost_is_outdated() {
        let hasher = Hasher::start(CHEAP).expect("threads start");
        assert!(!hasher.is_outdated(&PasswordHash::decoy(CHEAP)));
        assert!(hasher.is_outdated(&PasswordHash::decoy(Cost { iterations: 2, ..CHEAP })));
    }
}

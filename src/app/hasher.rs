//! The threads that hash passwords: as many as cores, with memory they use again, and a queue with an end.

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

/// The queue is full: answer 503 and let the client come back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Busy;

type Task = Box<dyn FnOnce(&mut Memory) + Send>;

/// A fixed number of threads; memory is bounded by their number, however many people log in.
pub struct Hasher {
    queue: Arc<Queue>,
    cost: RwLock<Cost>,
    took: Histogram,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    is_closed: bool,
}

impl Hasher {
    /// Passwords that may wait.
    const MAX_WAITING: usize = 256;
    /// More threads than this would need more memory than a small board has to spare.
    const MAX_THREADS: usize = 4;
    /// The lowest priority there is.
    const NICENESS: i32 = 19;
    /// How long a thread keeps its memory without work.
    const KEEP_MEMORY: Duration = Duration::from_mins(1);

    /// Starts the threads, one for each core up to four.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(cost: Cost) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        for number in 0..Self::threads() {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name(format!("hasher {number}")).spawn(move || queue.work())?;
        }
        Ok(Self { queue, cost: RwLock::new(cost), took: Histogram::default() })
    }

    fn cost(&self) -> Cost {
        *self.cost.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// New hashes cost this much from now on.
    pub fn reconfigure(&self, cost: Cost) {
        *self.cost.write().unwrap_or_else(PoisonError::into_inner) = cost;
    }

    fn threads() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from).min(Self::MAX_THREADS)
    }

    /// Hashes a new password with the configured cost.
    ///
    /// # Errors
    /// When too many wait already.
    pub async fn hash(&self, password: Password, mut moment: Moment) -> Result<PasswordHash, Busy> {
        let cost = self.cost();
        self.run(move |memory| PasswordHash::make(&password, cost, &mut moment, memory)).await
    }

    /// Whether `password` is the one that was hashed.
    ///
    /// # Errors
    /// When too many wait already.
    pub async fn verify(&self, password: Password, hash: PasswordHash) -> Result<bool, Busy> {
        self.run(move |memory| hash.matches(&password, memory)).await
    }

    /// How long hashing took, waiting included.
    #[must_use]
    pub fn took(&self) -> &Histogram {
        &self.took
    }

    /// Passwords that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.lock().tasks.len()
    }

    /// Whether a stored hash was made with other parameters than are configured now.
    #[must_use]
    pub fn is_outdated(&self, hash: &PasswordHash) -> bool {
        hash.cost() != self.cost()
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Memory) -> T + Send + 'static) -> Result<T, Busy> {
        let started = Instant::now();
        let (answer, answered) = oneshot::channel();
        self.queue.push(Box::new(move |memory| {
            // Whoever asked may have hung up while this waited; then nothing needs to be hashed.
            if !answer.is_closed() {
                let _ = answer.send(work(memory));
            }
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
    }
}

impl Queue {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, task: Task) -> Result<(), Busy> {
        let mut state = self.lock();
        if state.tasks.len() >= Hasher::MAX_WAITING {
            return Err(Busy);
        }
        state.tasks.push_back(task);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    fn work(&self) {
        step_back();
        let mut memory = Memory::default();
        while let Some(task) = self.next(&mut memory) {
            // A panic ends one task, whose asker is answered "busy", and not the thread.
            if catch_unwind(AssertUnwindSafe(|| task(&mut memory))).is_err() {
                memory = Memory::default();
            }
        }
    }

    /// The next task; gives the memory back after a while without one. None when the program ends.
    fn next(&self, memory: &mut Memory) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.tasks.pop_front() {
                return Some(task);
            }
            if state.is_closed {
                return None;
            }
            let (woken, waited) =
                self.changed.wait_timeout(state, Hasher::KEEP_MEMORY).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if waited.timed_out() && state.tasks.is_empty() {
                *memory = Memory::default();
            }
        }
    }
}

/// Has this thread run when no other has something to do: whoever only shows a session must not wait for those who log in.
///
/// The lowest priority alone is not enough. Linux from 6.6 on lets a thread finish its slice of some milliseconds before one
/// of a higher priority that wakes; only one of the policy `SCHED_IDLE` gives way at once (sched(7)). The priority counts where the
/// policy cannot be had. The price: where the kernel shares the processor neither by control group nor by session (autogroup), logins wait
/// for every other program that keeps it busy, longer than at the lowest priority.
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
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts")
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
                let _ = release.lock().map(|release| release.recv());
            };
            hasher.queue.push(Box::new(task)).expect("there is room");
        }
        begun.wait();
        held
    }

    #[test]
    fn whoever_comes_when_the_queue_is_full_is_told_to_come_back() {
        let hasher = Hasher::start(CHEAP).expect("threads start");
        let held = hold_up(&hasher);
        for _ in 0..Hasher::MAX_WAITING {
            hasher.queue.push(Box::new(|_| ())).expect("there is room");
        }
        let moment = Moment::new(Timestamp::default(), [1; 32]);
        assert_eq!(runtime().block_on(hasher.hash(password(), moment.clone())), Err(Busy));
        drop(held);
        // Once the queue has drained, the threads serve again.
        while !hasher.queue.lock().tasks.is_empty() {
            std::thread::yield_now();
        }
        let hash = runtime().block_on(hasher.hash(password(), moment)).expect("served");
        assert_eq!(runtime().block_on(hasher.verify(password(), hash)), Ok(true));
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

//! What an engine may do that several nodes share: take little at once, and report what others have changed.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};

use gatelodge::base::{Moment, NodeId, Timestamp};
use gatelodge::store::{
    Changes, Commit, Direction, Elsewhere, Engine, Event, KeySpan, Limits, MemoryEngine, OpenError, Reopening,
    Snapshot, Store, StoreError, Transaction,
};

/// Keeps what several nodes write, and takes few rows at once.
#[derive(Default)]
struct Shared {
    kept: MemoryEngine,
    tell: Mutex<Option<Elsewhere>>,
    commits: Mutex<Vec<usize>>,
}

/// The share of one node.
struct Node(Arc<Shared>);

impl Node {
    const LIMITS: Limits = Limits { rows: 10, bytes: 1_000 };
}

impl Engine for Node {
    fn limits(&self) -> Limits {
        Self::LIMITS
    }

    fn watch(&self, tell: Elsewhere) {
        *self.0.tell.lock().unwrap_or_else(PoisonError::into_inner) = Some(tell);
    }

    fn read(&self, work: &mut dyn FnMut(&dyn Snapshot) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.0.kept.read(work)
    }

    fn write(
        &self,
        work: &mut dyn FnMut(&mut dyn Transaction) -> Result<Commit, StoreError>,
    ) -> Result<(), StoreError> {
        let rows = |kept: &MemoryEngine| {
            let mut count = 0;
            let counted = kept.read(&mut |view| {
                count = view.scan(&KeySpan::prefix(&[]), Direction::Up, usize::MAX)?.len();
                Ok(())
            });
            counted.map(|()| count)
        };
        let before = rows(&self.0.kept)?;
        self.0.kept.write(work)?;
        let new = rows(&self.0.kept)? - before;
        self.0.commits.lock().unwrap_or_else(PoisonError::into_inner).push(new);
        Ok(())
    }
}

impl Shared {
    /// Another node writes.
    fn write_elsewhere(&self, key: &[u8], value: &[u8]) {
        let written = self.kept.write(&mut |tx| tx.put(key, value).map(|()| Commit::Yes));
        written.expect("memory does not fail");
        let tell = self.tell.lock().unwrap_or_else(PoisonError::into_inner).clone().expect("somebody listens");
        tell(&Changes::from([(key.to_vec(), Some(value.to_vec()))]));
    }
}

fn store_over(shared: &Arc<Shared>) -> Store {
    let gone = || Err(OpenError::Missing("memory".into()));
    let engine = Box::new(Node(Arc::clone(shared)));
    Store::start(engine, NodeId::ONE, Reopening::by(gone)).expect("a thread starts")
}

fn moment() -> Moment {
    Moment::new(Timestamp::from_seconds(1_795_000_000), [4; 32])
}

/// Holds the writer up, so that what is written meanwhile waits together; it goes on when the sender is dropped.
fn hold_up(store: &Store) -> std::sync::mpsc::Sender<()> {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let held = move |_: &mut dyn Transaction, _: &mut Moment| {
        let _ = wait.lock().map(|wait| wait.recv());
        Ok(())
    };
    store.write_then(moment(), held, |outcome| outcome.expect("nothing to write"));
    go
}

fn put_rows(store: &Store, number: u8, rows: u8) -> Receiver<Result<(), StoreError>> {
    let (answer, answered) = channel();
    let work =
        move |tx: &mut dyn Transaction, _: &mut Moment| (0..rows).try_for_each(|row| tx.put(&[1, number, row], b"x"));
    store.write_then(moment(), work, move |outcome| answer.send(outcome).expect("the test waits"));
    answered
}

#[test]
fn what_does_not_fit_into_one_commit_waits_for_the_next() {
    let shared = Arc::new(Shared::default());
    let store = store_over(&shared);
    let go = hold_up(&store);
    let answers: Vec<_> = (0..12).map(|number| put_rows(&store, number, 4)).collect();
    drop(go);
    for answered in answers {
        assert_eq!(answered.recv(), Ok(Ok(())));
    }
    let kept = store.read(|view| view.scan(&KeySpan::prefix(&[1]), Direction::Up, 99)).expect("reads");
    assert_eq!(kept.len(), 12 * 4);
    let commits = shared.commits.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(commits.iter().all(|rows| *rows <= Node::LIMITS.rows), "{commits:?}");
    assert!(commits.iter().any(|rows| *rows >= 8), "they share commits as far as they fit: {commits:?}");
}

#[test]
fn what_fits_into_no_commit_fails_alone() {
    let shared = Arc::new(Shared::default());
    let store = store_over(&shared);
    let go = hold_up(&store);
    let answers = [(0, 3), (1, 10), (2, 3)].map(|(number, rows)| put_rows(&store, number, rows));
    drop(go);
    let [before, too_large, behind] = answers.map(|answered| answered.recv().expect("an answer for each"));
    assert_eq!((before, too_large, behind), (Ok(()), Err(StoreError::TooLarge), Ok(())));
    let kept = store.read(|view| view.scan(&KeySpan::prefix(&[1, 1]), Direction::Up, 99)).expect("reads");
    assert_eq!(kept, []);
}

#[test]
fn what_another_node_changed_is_heard() {
    let shared = Arc::new(Shared::default());
    let store = store_over(&shared);
    let (heard, hears) = channel();
    store.observe(move |event| {
        if let Event::Elsewhere(changes) = event {
            heard.send(changes.clone()).expect("the test waits");
        }
    });
    shared.write_elsewhere(&[1, 7], b"theirs");
    assert_eq!(hears.recv(), Ok(Changes::from([(vec![1, 7], Some(b"theirs".to_vec()))])));
    assert_eq!(store.read(|view| view.get(&[1, 7])), Ok(Some(b"theirs".to_vec())));
}

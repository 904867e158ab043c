//! The n-th call to the disk fails, once or from then on, for every n. No acknowledged act is lost, no success is told that is
//! not durable, and when the disk works again so does the store, without anybody's help.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatelodge::accounts::Services;
use gatelodge::store::{Engine, OpenError, Reopening, Store};

use super::disk::{Failing, Fault};
use super::people::{Oracle, People, services};
use super::{Chance, Disk, fresh, open};

const ROUNDS_BEFORE: usize = 8;
const ROUNDS_WHILE_IT_FAILS: usize = 6;
const ROUNDS_AFTER: usize = 4;

fn over(disk: &Disk) -> Option<Store> {
    let engine = open(disk).ok()?;
    let (probed, reopened) = (disk.clone(), disk.clone());
    let reopening = Reopening {
        probe: Box::new(move || probed.probe()),
        open: Box::new(move || {
            open(&reopened).map(|engine| Box::new(engine) as Box<dyn Engine>).map_err(OpenError::from)
        }),
        pause: Duration::ZERO,
    };
    Some(Store::start(Box::new(engine) as Box<dyn Engine>, reopening).expect("a thread starts"))
}

/// What one run came to.
struct Run {
    calls: u64,
    has_failed: bool,
}

fn run(seed: u64, failing: Option<Failing>, services: &Arc<Services>) -> Result<Run, String> {
    let mut oracle = Oracle::default();
    let disk = match failing {
        None => Disk::holding(fresh()),
        Some(failing) => Disk::holding(fresh()).failing(failing, Chance(seed ^ failing.from)),
    };
    if let Some(store) = over(&disk) {
        let mut people = People { services, chance: Chance(seed), oracle: &mut oracle };
        for _ in 0..ROUNDS_BEFORE + ROUNDS_WHILE_IT_FAILS {
            people.act_together(&store);
        }
        let readable = store.read(|view| view.get(b"\0floor").map(drop));
        if failing.is_some_and(|failing| failing.stays) && readable != Ok(()) {
            return Err(format!("what was committed cannot be read while nothing can be written: {readable:?}"));
        }
        disk.mend();
        let before = people.answered();
        for _ in 0..ROUNDS_AFTER + 3 {
            people.act_together(&store);
        }
        if people.answered() == before {
            return Err("the disk works again, but the store does not".into());
        }
    } else {
        // It failed while the store was opened: nothing was acknowledged, and opening it again works.
        disk.mend();
    }
    let outcome = Run { calls: disk.calls(), has_failed: disk.has_failed() };
    // Nothing that was not made durable counts.
    let engine = open(&Disk::holding(disk.safe_bytes())).map_err(|error| format!("cannot be opened: {error}"))?;
    let mut verdict = Ok(());
    engine
        .read(&mut |view| {
            verdict = oracle.judge(view, services);
            Ok(())
        })
        .map_err(|error| error.to_string())?;
    verdict.map(|()| outcome)
}

#[test]
fn whichever_call_fails_nothing_acknowledged_is_lost_and_the_store_recovers() {
    const SEED: u64 = 42;
    let services = services();
    let calls = run(SEED, None, &services).expect("a disk without faults").calls;
    assert!(calls > 100, "{calls}");
    let cases: Vec<Failing> = [Fault::Write, Fault::Sync, Fault::Full]
        .into_iter()
        .flat_map(|fault| [false, true].map(|stays| (fault, stays)))
        .flat_map(|(fault, stays)| (1..=calls).map(move |from| Failing { fault, from, stays }))
        .collect();
    let count = cases.len();
    let (waiting, failed) = (Mutex::new(cases), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(failing) = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop() else { return };
                    let run = run(SEED, Some(failing), &services);
                    let run = run.unwrap_or_else(|broken| panic!("seed {SEED}, {failing:?}: {broken}"));
                    failed.fetch_add(u64::from(run.has_failed), Ordering::Relaxed);
                }
            });
        }
    });
    println!("{count} runs of {calls} calls, {} of them met their fault", failed.load(Ordering::Relaxed));
    // Most of the cases reach their call; a fault of one kind waits for the next call of that kind.
    assert!(failed.into_inner() > calls * 3, "hardly anything failed");
}

//! The n-th call to the disk fails, once or from then on, for every n. No acknowledged act is lost, no success is told that is
//! not durable, and when the disk works again so does the store, without anybody's help.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatelodge::accounts::Env;
use gatelodge::store::{Engine, OpenError, Reopening, Store, floor};

use super::disk::{Failing, Fault};
use super::people::{Oracle, People, env};
use super::{Chance, Disk, fresh, open};
use gatelodge::base::NodeId;

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
    Some(Store::start(Box::new(engine) as Box<dyn Engine>, NodeId::ONE, reopening).expect("a thread starts"))
}

/// What one run came to.
struct Run {
    has_failed: bool,
}

fn run(seed: u64, failing: Option<Failing>, env: &Arc<Env>) -> Result<Run, String> {
    let mut oracle = Oracle::default();
    let disk = match failing {
        None => Disk::holding(fresh()),
        Some(failing) => Disk::holding(fresh()).failing(failing, Chance(seed ^ failing.from)),
    };
    if let Some(store) = over(&disk) {
        let mut people = People { env, chance: Chance(seed), oracle: &mut oracle };
        for _ in 0..ROUNDS_BEFORE + ROUNDS_WHILE_IT_FAILS {
            people.act_together(&store);
        }
        let readable = store.read(|view| floor(view, NodeId::ONE).map(drop));
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
    let outcome = Run { has_failed: disk.has_failed() };
    // Nothing that was not made durable counts.
    let engine = open(&Disk::holding(disk.safe_bytes())).map_err(|error| format!("cannot be opened: {error}"))?;
    let mut verdict = Ok(());
    engine
        .read(&mut |view| {
            verdict = oracle.judge(view, env);
            Ok(())
        })
        .map_err(|error| error.to_string())?;
    verdict.map(|()| outcome)
}

/// One kind of fault at the first call, the second, and so on until the calls are over before it comes: how many runs met theirs.
/// How many calls a run makes depends on which acts fall into one commit, and that is up to the threads.
fn at_every_call(seed: u64, fault: Fault, stays: bool, env: &Arc<Env>) -> u64 {
    const RUNS_WITHOUT_A_FAULT: u64 = 3;
    let (mut from, mut met, mut missed) = (1, 0, 0);
    while missed < RUNS_WITHOUT_A_FAULT {
        let failing = Failing { fault, from, stays };
        let run = run(seed, Some(failing), env);
        let run = run.unwrap_or_else(|broken| panic!("seed {seed}, {failing:?}: {broken}"));
        (met, missed) = if run.has_failed { (met + 1, 0) } else { (met, missed + 1) };
        from += 1;
    }
    println!("{fault:?}, {}: {met} runs met their fault", if stays { "from then on" } else { "once" });
    met
}

#[test]
fn whichever_call_fails_nothing_acknowledged_is_lost_and_the_store_recovers() {
    const SEED: u64 = 42;
    // Each round before the disk is mended is at least one commit: a page and the header written, and both made durable.
    const CALLS_AT_LEAST: u64 = (ROUNDS_BEFORE + ROUNDS_WHILE_IT_FAILS) as u64 * 4;
    let env = env();
    run(SEED, None, &env).expect("a disk without faults");
    let kinds = [Fault::Write, Fault::Sync, Fault::Full].into_iter().flat_map(|fault| [(fault, false), (fault, true)]);
    let waiting = Mutex::new(kinds);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((fault, stays)) = next else { return };
                    let met = at_every_call(SEED, fault, stays, &env);
                    assert!(met >= CALLS_AT_LEAST, "only {met} runs met a fault");
                }
            });
        }
    });
}

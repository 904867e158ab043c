//! The store: one suite that every engine passes, a model, groups of writes, failures, and the file on disk.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use gatelodge::base::{Moment, NodeId, Timestamp};
use gatelodge::store::lock_path;
use gatelodge::store::{
    Ballast, Commit, Direction, Engine, Event, KeySpan, MemoryEngine, OpenError, Overlay, Pair, RedbEngine, Reopening,
    Store, StoreError, Transaction, open_file,
};
use proptest::prelude::*;

const CACHE: usize = 1 << 20;

fn moment() -> Moment {
    Moment::new(Timestamp::from_seconds(1_795_000_000), [4; 32])
}

/// A folder that is gone at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("gatelodge-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn engines() -> Vec<Box<dyn Engine>> {
    let redb = RedbEngine::with_backend(redb::backends::InMemoryBackend::new(), CACHE).expect("memory does not fail");
    vec![Box::new(MemoryEngine::default()), Box::new(redb)]
}

fn write(
    engine: &dyn Engine,
    work: impl Fn(&mut dyn Transaction) -> Result<Commit, StoreError>,
) -> Result<(), StoreError> {
    engine.write(&mut |tx| work(tx))
}

fn scan(engine: &dyn Engine, span: &KeySpan, direction: Direction, limit: usize) -> Vec<Pair> {
    let mut found = Vec::new();
    engine.read(&mut |view| view.scan(span, direction, limit).map(|pairs| found = pairs)).expect("reads");
    found
}

fn everything() -> KeySpan {
    KeySpan::prefix(&[])
}

fn keys(pairs: &[Pair]) -> Vec<&[u8]> {
    pairs.iter().map(|(key, _)| key.as_slice()).collect()
}

#[test]
fn what_was_committed_is_read() {
    for engine in engines() {
        write(&*engine, |tx| tx.put(b"k", b"v").map(|()| Commit::Yes)).expect("commits");
        assert_eq!(scan(&*engine, &everything(), Direction::Up, 9), [(b"k".to_vec(), b"v".to_vec())]);
        write(&*engine, |tx| tx.delete(b"k").and_then(|()| tx.delete(b"absent")).map(|()| Commit::Yes))
            .expect("commits");
        assert!(scan(&*engine, &everything(), Direction::Up, 9).is_empty());
    }
}

#[test]
fn an_error_or_a_no_leaves_nothing_behind() {
    for engine in engines() {
        let failed = write(&*engine, |tx| tx.put(b"k", b"v").and(Err(StoreError::Damaged("a test"))));
        assert_eq!(failed, Err(StoreError::Damaged("a test")));
        write(&*engine, |tx| tx.put(b"k", b"v").map(|()| Commit::No)).expect("drops");
        assert!(scan(&*engine, &everything(), Direction::Up, 9).is_empty());
    }
}

#[test]
fn a_transaction_reads_its_own_changes() {
    for engine in engines() {
        write(&*engine, |tx| {
            tx.put(b"a", b"1")?;
            tx.put(b"b", b"2")?;
            tx.delete(b"a")?;
            assert_eq!(tx.get(b"a")?, None);
            assert_eq!(keys(&tx.scan(&everything(), Direction::Up, 9)?), [b"b"]);
            Ok(Commit::Yes)
        })
        .expect("commits");
    }
}

#[test]
fn ranges_have_bounds_directions_and_limits() {
    for engine in engines() {
        write(&*engine, |tx| {
            [&b"a"[..], b"b", b"ba", b"c", b"\xff", b"\xff\xff"]
                .iter()
                .try_for_each(|key| tx.put(key, b""))
                .map(|()| Commit::Yes)
        })
        .expect("commits");
        let span = |from: Bound<&[u8]>, to: Bound<&[u8]>| KeySpan {
            from: from.map(<[u8]>::to_vec),
            to: to.map(<[u8]>::to_vec),
        };
        let found = |span: &KeySpan, direction, limit| scan(&*engine, span, direction, limit);
        assert_eq!(keys(&found(&KeySpan::prefix(b"b"), Direction::Up, 9)), [&b"b"[..], b"ba"]);
        assert_eq!(keys(&found(&KeySpan::prefix(b"\xff"), Direction::Up, 9)), [&b"\xff"[..], b"\xff\xff"]);
        assert_eq!(keys(&found(&everything(), Direction::Down, 2)), [&b"\xff\xff"[..], b"\xff"]);
        assert_eq!(
            keys(&found(&span(Bound::Excluded(b"a"), Bound::Included(b"c")), Direction::Up, 2)),
            [&b"b"[..], b"ba"]
        );
        assert!(found(&span(Bound::Included(b"c"), Bound::Excluded(b"a")), Direction::Up, 9).is_empty());
        assert!(found(&span(Bound::Excluded(b"a"), Bound::Excluded(b"a")), Direction::Up, 9).is_empty());
        assert!(found(&everything(), Direction::Up, 0).is_empty());
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8),
    Delete(u8),
    Scan(u8, u8, bool, usize),
    Commit,
    Abandon,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u8..12, any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
        2 => (0u8..12).prop_map(Step::Delete),
        2 => (0u8..12, 0u8..12, any::<bool>(), 0usize..6).prop_map(|(from, to, up, limit)| Step::Scan(from, to, up, limit)),
        1 => Just(Step::Commit),
        1 => Just(Step::Abandon),
    ];
    proptest::collection::vec(step, 0..60)
}

/// Runs the steps in transactions of overlays, as the writer does, beside a plain map.
fn agrees_with_the_model(engine: &dyn Engine, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut committed: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for part in steps.split_inclusive(|step| matches!(step, Step::Commit | Step::Abandon)) {
        let mut model = committed.clone();
        let mut wrong = None;
        let keep = matches!(part.last(), Some(Step::Commit));
        write_once(engine, |tx| {
            let mut overlay = Overlay::new(tx);
            for step in part {
                match step {
                    Step::Put(key, value) => {
                        overlay.put(&[*key], &[*value])?;
                        model.insert(vec![*key], vec![*value]);
                    }
                    Step::Delete(key) => {
                        overlay.delete(&[*key])?;
                        model.remove(&vec![*key]);
                    }
                    Step::Scan(from, to, up, limit) => {
                        let span = KeySpan { from: Bound::Included(vec![*from]), to: Bound::Excluded(vec![*to]) };
                        let direction = if *up { Direction::Up } else { Direction::Down };
                        let mut expected: Vec<Pair> = model
                            .iter()
                            .filter(|(key, _)| (*from..*to).contains(&key[0]))
                            .map(|(key, value)| (key.clone(), value.clone()))
                            .collect();
                        if !up {
                            expected.reverse();
                        }
                        expected.truncate(*limit);
                        let found = gatelodge::store::Snapshot::scan(&overlay, &span, direction, *limit)?;
                        if found != expected {
                            wrong = Some((found, expected));
                        }
                    }
                    Step::Commit | Step::Abandon => {}
                }
            }
            for (key, change) in overlay.into_changes() {
                match change {
                    Some(value) => tx.put(&key, &value)?,
                    None => tx.delete(&key)?,
                }
            }
            Ok(if keep { Commit::Yes } else { Commit::No })
        });
        prop_assert!(wrong.is_none(), "{wrong:?}");
        if keep {
            committed = model;
        }
        let stored: BTreeMap<_, _> = scan(engine, &everything(), Direction::Up, usize::MAX).into_iter().collect();
        prop_assert_eq!(&stored, &committed);
    }
    Ok(())
}

fn write_once(engine: &dyn Engine, work: impl FnOnce(&mut dyn Transaction) -> Result<Commit, StoreError>) {
    let mut work = Some(work);
    engine.write(&mut |tx| work.take().map_or(Ok(Commit::No), |work| work(tx))).expect("these engines do not fail");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn engines_and_overlays_agree_with_a_plain_map(steps in steps()) {
        for engine in engines() {
            agrees_with_the_model(&*engine, &steps)?;
        }
    }
}

fn in_memory() -> Store {
    let gone = || Err(OpenError::Missing("memory".into()));
    Store::start(Box::new(MemoryEngine::default()), NodeId::ONE, Reopening::by(gone)).expect("a thread starts")
}

#[test]
fn an_error_drops_its_own_changes_and_not_its_neighbours() {
    let store = in_memory();
    let (answers, answered) = std::sync::mpsc::channel();
    for number in 0u8..30 {
        let answers = answers.clone();
        let work = move |tx: &mut dyn Transaction, _: &mut Moment| {
            tx.put(&[1, number], b"x")?;
            match number % 3 {
                0 => Ok(number),
                1 => Err(StoreError::Damaged("a test")),
                _ => panic!("a test"),
            }
        };
        store.write_then(moment(), work, move |outcome| answers.send((number, outcome)).expect("the test waits"));
    }
    for _ in 0..30 {
        let (number, outcome) = answered.recv().expect("an answer for each");
        let expected = match number % 3 {
            0 => Ok(number),
            1 => Err(StoreError::Damaged("a test")),
            _ => Err(StoreError::Unavailable),
        };
        assert_eq!(outcome, expected);
    }
    let left = store.read(|view| view.scan(&KeySpan::prefix(&[1]), Direction::Up, 99)).expect("reads");
    assert_eq!(left.len(), 10);
    assert!(left.iter().all(|(key, _)| key[1].is_multiple_of(3)));
}

#[test]
fn waiting_writes_share_a_commit() {
    let counted = Arc::new(Counting::default());
    let store = over(&counted);
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let (answers, answered) = std::sync::mpsc::channel();
    let blocked = answers.clone();
    // The first holds the writer up until the others wait.
    store.write_then(
        moment(),
        move |_, _| {
            let _ = wait.lock().map(|wait| wait.recv());
            Ok(())
        },
        move |_| blocked.send(()).expect("the test waits"),
    );
    for number in 0u8..50 {
        let answers = answers.clone();
        store.write_then(
            moment(),
            move |tx, _| tx.put(&[1, number], b"x"),
            move |outcome| {
                outcome.expect("commits");
                answers.send(()).expect("the test waits");
            },
        );
    }
    let before = counted.syncs.load(Ordering::SeqCst);
    go.send(()).expect("the writer waits");
    (0..51).for_each(|_| answered.recv().expect("an answer for each"));
    let syncs = counted.syncs.load(Ordering::SeqCst) - before;
    assert!(syncs <= 4, "{syncs} syncs for 50 writes");
}

#[test]
fn the_observer_hears_before_the_writer_answers() {
    let store = in_memory();
    let heard = Arc::new(AtomicBool::new(false));
    let hears = Arc::clone(&heard);
    store.observe(move |event| {
        if let Event::Committed(changes, _) = event {
            hears.fetch_or(changes.contains_key(&b"k"[..]), Ordering::SeqCst);
        }
    });
    store.write(moment(), |tx, _| tx.put(b"k", b"v")).expect("commits");
    assert!(heard.load(Ordering::SeqCst));
}

#[test]
fn the_time_floor_only_rises() {
    let folder = Folder::new();
    let (path, key) = (folder.join("store.redb"), folder.join("sealing-key"));
    let at = |seconds| Moment::new(Timestamp::from_seconds(seconds), [1; 32]);
    for seconds in [2000, 1000] {
        let opened = open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut at(seconds)).expect("opens");
        opened.store.write(at(seconds), |tx, _| tx.put(b"\xf0", b"x")).expect("commits");
        drop(opened);
    }
    assert_eq!(
        open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut at(0)).expect("opens").floor,
        Some(Timestamp::from_seconds(2000))
    );
}

/// Storage in memory that counts its syncs and fails on demand, once or from then on.
#[derive(Debug, Default)]
struct Counting {
    bytes: Mutex<Vec<u8>>,
    syncs: AtomicUsize,
    fails: AtomicBool,
}

#[derive(Debug)]
struct Backend(Arc<Counting>);

impl Backend {
    fn check(&self) -> Result<(), io::Error> {
        if self.0.fails.load(Ordering::SeqCst) { Err(io::Error::other("no space")) } else { Ok(()) }
    }
}

impl redb::StorageBackend for Backend {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.0.bytes.lock().expect("no panic").len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let offset = usize::try_from(offset).expect("small");
        out.copy_from_slice(&self.0.bytes.lock().expect("no panic")[offset..offset + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.check()?;
        self.0.bytes.lock().expect("no panic").resize(usize::try_from(len).expect("small"), 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.check()?;
        self.0.syncs.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.check()?;
        let offset = usize::try_from(offset).expect("small");
        self.0.bytes.lock().expect("no panic")[offset..offset + data.len()].copy_from_slice(data);
        Ok(())
    }
}

fn over(storage: &Arc<Counting>) -> Store {
    let open = |storage: &Arc<Counting>| RedbEngine::with_backend(Backend(Arc::clone(storage)), CACHE);
    let reopened = Arc::clone(storage);
    let reopen = move || {
        open(&reopened)
            .map(|engine| Box::new(engine) as Box<dyn Engine>)
            .map_err(|_| OpenError::Missing("storage".into()))
    };
    Store::start(Box::new(open(storage).expect("opens")), NodeId::ONE, Reopening::by(reopen)).expect("a thread starts")
}

#[test]
fn a_store_that_failed_says_so_and_recovers_by_itself() {
    let storage = Arc::new(Counting::default());
    let store = over(&storage);
    store.write(moment(), |tx, _| tx.put(b"a", b"1")).expect("commits");
    storage.fails.store(true, Ordering::SeqCst);
    let failed = store.write(moment(), |tx, _| tx.put(b"b", b"2"));
    assert!(matches!(failed, Err(StoreError::OutcomeUnknown | StoreError::Unavailable)), "{failed:?}");
    storage.fails.store(false, Ordering::SeqCst);
    // It opens again on its own, at most once a second.
    let mut again = Err(StoreError::Unavailable);
    let started = std::time::Instant::now();
    while again.is_err() && started.elapsed().as_secs() < 20 {
        again = store.write(moment(), |tx, _| tx.put(b"c", b"3"));
    }
    assert_eq!(again, Ok(()));
    assert_eq!(store.read(|view| view.get(b"a")).expect("reads"), Some(b"1".to_vec()));
}

#[test]
fn a_second_opener_is_told_who_has_the_store() {
    let folder = Folder::new();
    let (path, key) = (folder.join("store.redb"), folder.join("sealing-key"));
    let first = open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()).expect("opens");
    let Err(refused) = open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()) else {
        panic!("refused")
    };
    assert!(refused.to_string().contains(&format!("in use by process {}", std::process::id())), "{refused}");
    drop(first);
    open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()).expect("free again");
}

#[test]
fn a_missing_store_is_no_fresh_start() {
    let folder = Folder::new();
    let (path, key) = (folder.join("store.redb"), folder.join("sealing-key"));
    drop(open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()).expect("opens"));
    for damage in [|path: &PathBuf| std::fs::remove_file(path), |path: &PathBuf| std::fs::write(path, b"")] {
        damage(&path).expect("done");
        assert!(matches!(
            open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()),
            Err(OpenError::Missing(_))
        ));
    }
    std::fs::remove_file(lock_path(&path)).expect("done");
    open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()).expect("a fresh start on purpose");
}

#[test]
fn a_store_whose_making_was_cut_off_is_made_again() {
    let folder = Folder::new();
    let (path, key) = (folder.join("store.redb"), folder.join("sealing-key"));
    std::fs::write(folder.join("store.redb.unfinished"), vec![0x5a; 30_000]).expect("written");
    let opened = open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()).expect("opens");
    opened.store.write(moment(), |tx, _| tx.put(b"\xf0", b"x")).expect("commits");
    assert!(!folder.join("store.redb.unfinished").exists());
}

#[test]
fn a_store_without_its_key_or_with_another_is_refused() {
    let folder = Folder::new();
    let (path, key) = (folder.join("store.redb"), folder.join("sealing-key"));
    drop(open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()).expect("opens"));
    std::fs::write(&key, "00".repeat(32)).expect("written");
    assert!(matches!(
        open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()),
        Err(OpenError::Key { .. })
    ));
    std::fs::write(&key, "not a key").expect("written");
    assert!(matches!(
        open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()),
        Err(OpenError::Key { .. })
    ));
    std::fs::remove_file(&key).expect("removed");
    assert!(matches!(
        open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()),
        Err(OpenError::Key { .. })
    ));
}

#[test]
fn a_damaged_store_is_refused() {
    let folder = Folder::new();
    let (path, key) = (folder.join("store.redb"), folder.join("sealing-key"));
    let opened = open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()).expect("opens");
    let fill = |tx: &mut dyn Transaction, _: &mut Moment| {
        (0u16..600).try_for_each(|number| tx.put(&[&[0xf0], &number.to_be_bytes()[..]].concat(), &[7; 100]))
    };
    opened.store.write(moment(), fill).expect("commits");
    drop(opened);
    let whole = std::fs::read(&path).expect("read");
    let pages = whole.len() / 4096;
    let mut refused = 0;
    for page in 0..pages {
        let mut damaged = whole.clone();
        damaged[page * 4096..(page + 1) * 4096].iter_mut().for_each(|byte| *byte ^= 0x5a);
        std::fs::write(&path, &damaged).expect("written");
        match open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()) {
            Err(OpenError::Damaged(_)) => refused += 1,
            // The first says what the file is.
            Err(OpenError::Foreign(_)) if page == 0 => refused += 1,
            // A page that holds nothing now may be anything.
            Ok(opened) => {
                let left =
                    opened.store.read(|view| view.scan(&KeySpan::prefix(&[0xf0]), Direction::Up, 999)).expect("reads");
                assert_eq!(left.len(), 600, "page {page}");
            }
            Err(other) => panic!("page {page}: {other}"),
        }
    }
    assert!(refused > 10, "{refused} of {pages} pages");
}

#[test]
fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let (path, key) = (folder.join("store.redb"), folder.join("sealing-key"));
    drop(open_file(&path, &key, (CACHE, Ballast::beside(&path, 0)), &mut moment()).expect("opens"));
    for file in [&path, &key] {
        assert_eq!(std::fs::metadata(file).expect("there").permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
}

//! An upgrade during which the power goes, at every write: the store is the old one or the new one, with every record, and the copy
//! that was kept before leads back.

use std::path::{Path, PathBuf};

use gatelodge::base::{Moment, Timestamp};
use gatelodge::crypto::SealingKey;
use gatelodge::store::{
    Direction, Engine, KeySpan, OpenError, Pair, Trust, heading_of, known_format, read_key, upgrade_over, verify_file,
};

use super::{Chance, Disk, open};
use crate::store::Folder;

/// Cuts at each write: what is left of it is chance.
const CUTS_AT_EACH: u64 = 25;

/// A store of an older format, and what it is to become.
struct Old {
    format: u64,
    bytes: Vec<u8>,
    key: SealingKey,
    before: Vec<Pair>,
    after: Vec<Pair>,
}

/// Where the copy is kept.
struct Beside(Folder);

impl Beside {
    fn store(&self) -> PathBuf {
        self.0.join("gatelodge.redb")
    }

    fn copy(&self, of: u64) -> PathBuf {
        self.0.join(&format!("gatelodge.redb.before-upgrade-from-{of}"))
    }
}

fn records(engine: &dyn Engine) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let read = engine.read(&mut |view| {
        pairs = view.scan(&KeySpan::prefix(&[]), Direction::Up, usize::MAX)?;
        Ok(())
    });
    read.expect("readable");
    pairs
}

impl Old {
    fn read(folder: &Path, format: u64) -> Self {
        let bytes = std::fs::read(folder.join("gatelodge.redb")).expect("the data is there");
        let key = read_key(&folder.join("sealing-key")).expect("readable").expect("the key is there");
        let engine = open(&Disk::holding(bytes.clone())).expect("whole");
        let before = records(&engine);
        let mut old = Self { format, bytes, key, before, after: Vec::new() };
        old.upgrade(&engine, &Beside(Folder::new())).expect("a disk without faults");
        old.after = records(&engine);
        assert_ne!(old.before, old.after);
        old
    }

    /// The moment is the same each time, so that what comes of it is the same, too.
    fn upgrade(&self, engine: &dyn Engine, beside: &Beside) -> Result<(), OpenError> {
        let moment = &mut Moment::new(Timestamp::from_seconds(2_000_000_000), [3; 32]);
        upgrade_over(engine, (&beside.store(), &self.key), moment)
    }

    /// Whether the store has become the new one. It is one of the two, and the copy is whole as soon as it is needed.
    fn is_upgraded(&self, found: &[Pair], beside: &Beside) -> bool {
        let is_new = found == self.after;
        assert!(is_new || found == self.before, "neither the old store nor the new one");
        let copy = beside.copy(self.format);
        if is_new || copy.exists() {
            let (heading, is_signed) = heading_of(&copy).expect("a backup");
            let trust = if is_signed { Trust::Key(self.key.clone()) } else { Trust::Anybody };
            let kept = verify_file(&copy, trust).expect("whole");
            assert_eq!((heading.format, kept), (self.format, self.before.len() as u64));
        }
        is_new
    }

    /// Upgrades with power for so many writes and syncs, and what follows. True if the power lasted.
    fn loses_power_after(&self, power: u64, chance: &mut Chance, seen: &mut [u64; 2]) -> bool {
        let beside = Beside(Folder::new());
        let (mut bytes, mut lasted) = (self.bytes.clone(), None);
        // The second cut comes while the first one is repaired, or in the second attempt.
        for power in [power, 1 + chance.below(power)] {
            let disk = Disk::holding(bytes).losing_power(power, 0);
            let done = open(&disk).is_ok_and(|engine| self.upgrade(&engine, &beside).is_ok());
            lasted.get_or_insert(done);
            bytes = disk.after_the_cut(chance);
            let engine = open(&Disk::holding(bytes.clone())).expect("it opens after every cut");
            let is_new = self.is_upgraded(&records(&engine), &beside);
            assert!(is_new || !done, "what was done stays done");
            seen[usize::from(is_new)] += 1;
            // Of a copy that was not finished something may lie there, too.
            let half = format!("{}.partial", beside.copy(self.format).display());
            std::fs::write(half, &self.bytes[..99]).expect("written");
        }
        let engine = open(&Disk::holding(bytes)).expect("it opens");
        self.upgrade(&engine, &beside).expect("the power stays");
        assert!(self.is_upgraded(&records(&engine), &beside), "every record is there");
        lasted == Some(true)
    }
}

#[test]
fn an_upgrade_survives_a_power_cut_at_every_write() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let formats = [("format-1", 1), ("format-2-lived", 2), ("format-3-full", 3)];
    let mut seen = [0; 2];
    for (name, format) in formats {
        assert!(format < known_format());
        let old = Old::read(&data.join(name), format);
        for seed in 0..CUTS_AT_EACH {
            let chance = &mut Chance(seed);
            let lasts = |power: &u64| old.loses_power_after(*power, chance, &mut seen);
            let end = (1..10_000).find(lasts).expect("it has an end");
            assert!(end > 10, "the power went at {end} writes");
        }
    }
    assert!(seen.iter().all(|count| *count > 20), "old and new: {seen:?}");
}

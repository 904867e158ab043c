//! A disk: what it would read back now, what is safe, and what lies between.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Chance;

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// Which calls fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Writing: EIO.
    Write,
    /// Making durable: EIO; what was written may be safe all the same, or not.
    Sync,
    /// Writing and growing: ENOSPC.
    Full,
}

/// From which call on.
#[derive(Clone, Copy, Debug)]
pub struct Failing {
    pub fault: Fault,
    /// The first call that fails, counted from one over calls of every kind.
    pub from: u64,
    /// Whether all that follow fail too, until the disk is mended.
    pub stays: bool,
}

#[derive(Debug, Default)]
struct Platter {
    live: Vec<u8>,
    safe: Vec<u8>,
    unsynced: Vec<Change>,
    /// Writes and syncs until the power goes; none for a disk that keeps it.
    operations_left: Option<u64>,
    /// Every how many syncs it only pretends; 0 is an honest disk.
    lies_every: u64,
    syncs: u64,
    calls: u64,
    failing: Option<Failing>,
    has_failed: bool,
    /// What a failed sync leaves of what was not safe yet is chance.
    chance: Option<Chance>,
}

/// A handle to it.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Mutex<Platter>>);

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => bytes.resize(*length, 0),
        Change::Write(at, data) => {
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            bytes[*at..at + data.len()].copy_from_slice(data);
        }
    }
}

impl Disk {
    /// One without faults.
    pub fn holding(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Platter { live: bytes.clone(), safe: bytes, ..Platter::default() })))
    }

    /// Whose power goes after so many writes and syncs, and which only pretends every so often.
    pub fn losing_power(self, operations: u64, lies_every: u64) -> Self {
        let mut platter = self.platter();
        (platter.operations_left, platter.lies_every) = (Some(operations), lies_every);
        drop(platter);
        self
    }

    /// Whose calls fail.
    pub fn failing(self, failing: Failing, chance: Chance) -> Self {
        let mut platter = self.platter();
        (platter.failing, platter.chance) = (Some(failing), Some(chance));
        drop(platter);
        self
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing fails.
    pub fn mend(&self) {
        self.platter().failing = None;
    }

    /// Whether writing would work.
    pub fn probe(&self) -> io::Result<()> {
        let platter = self.platter();
        match platter.failing {
            Some(failing) if failing.stays && platter.calls >= failing.from => Err(error(failing.fault)),
            _ => Ok(()),
        }
    }

    /// Whether any call has failed.
    pub fn has_failed(&self) -> bool {
        self.platter().has_failed
    }

    /// What would be read now.
    pub fn bytes(&self) -> Vec<u8> {
        self.platter().live.clone()
    }

    /// What is safe: if the power went now, and nothing else survived.
    pub fn safe_bytes(&self) -> Vec<u8> {
        self.platter().safe.clone()
    }

    /// What is on it when the power comes back: all that was synced, and of the rest whatever chance left, unit by unit.
    pub fn after_the_cut(&self, chance: &mut Chance) -> Vec<u8> {
        let unit = [1, 16, 512, 4096][usize::try_from(chance.below(4)).expect("small")];
        let survives_of_100 = chance.below(98);
        let platter = self.platter();
        let mut bytes = platter.safe.clone();
        for change in &platter.unsynced {
            match change {
                Change::Length(_) if chance.below(100) < survives_of_100 => apply(&mut bytes, change),
                Change::Length(_) => {}
                Change::Write(at, data) => {
                    for (index, piece) in data.chunks(unit).enumerate() {
                        if chance.below(100) < survives_of_100 {
                            apply(&mut bytes, &Change::Write(at + index * unit, piece.to_vec()));
                        }
                    }
                }
            }
        }
        bytes
    }

    fn change(&self, change: Change, kinds: &[Fault]) -> io::Result<()> {
        let mut platter = self.platter();
        platter.may_fail(kinds)?;
        let powered = platter.has_power();
        // The write during which the power goes may reach the disk, whole, in part, or not.
        apply(&mut platter.live, &change);
        platter.unsynced.push(change);
        powered
    }
}

fn error(fault: Fault) -> io::Error {
    match fault {
        Fault::Write | Fault::Sync => io::Error::from_raw_os_error(5),
        Fault::Full => io::ErrorKind::StorageFull.into(),
    }
}

impl Platter {
    fn has_power(&mut self) -> io::Result<()> {
        let Some(left) = &mut self.operations_left else { return Ok(()) };
        *left = left.saturating_sub(1);
        if *left == 0 { Err(io::Error::other("the power is gone")) } else { Ok(()) }
    }

    fn may_fail(&mut self, kinds: &[Fault]) -> io::Result<()> {
        self.calls += 1;
        let Some(failing) = self.failing.filter(|failing| kinds.contains(&failing.fault)) else { return Ok(()) };
        if self.calls < failing.from || (self.has_failed && !failing.stays) {
            return Ok(());
        }
        self.has_failed = true;
        Err(error(failing.fault))
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.platter().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let at = usize::try_from(offset).expect("small");
        let platter = self.platter();
        let bytes = platter.live.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        let grows = len > self.platter().live.len() as u64;
        let kinds: &[Fault] = if grows { &[Fault::Full] } else { &[] };
        self.change(Change::Length(usize::try_from(len).expect("small")), kinds)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let at = usize::try_from(offset).expect("small");
        self.change(Change::Write(at, data.to_vec()), &[Fault::Write, Fault::Full])
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        let mut platter = self.platter();
        if let Err(error) = platter.may_fail(&[Fault::Sync]) {
            // Some of it is on the disk, and the kernel forgets what is not: a later sync does not bring it back.
            let mut chance = platter.chance.clone().expect("a disk that fails has its chance");
            for change in std::mem::take(&mut platter.unsynced) {
                if chance.below(2) == 0 {
                    apply(&mut platter.safe, &change);
                }
            }
            platter.chance = Some(chance);
            return Err(error);
        }
        platter.has_power()?;
        platter.syncs += 1;
        if platter.lies_every > 0 && platter.syncs.is_multiple_of(platter.lies_every) {
            return Ok(());
        }
        for change in std::mem::take(&mut platter.unsynced) {
            apply(&mut platter.safe, &change);
        }
        Ok(())
    }
}

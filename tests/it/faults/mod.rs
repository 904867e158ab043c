//! Disks that lose power, lie, fill up or fail, under the application's own write path: its use cases, its grouped commits,
//! its reopening. What people were told is held against what is there afterwards.

mod disk;
mod fault_injection;
mod interrupted_upgrades;
mod people;
mod power_cuts;

use disk::Disk;
use gatelodge::store::{RedbEngine, StoreError};

const CACHE: usize = 256 * 1024;

/// splitmix64: the same seed gives the same run.
#[derive(Clone, Debug)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.next().to_be_bytes()));
        bytes
    }
}

/// Opens what is on a disk; a page that went bad is damage like any other.
fn open(disk: &Disk) -> Result<RedbEngine, StoreError> {
    let opened =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| RedbEngine::with_backend(disk.clone(), CACHE)));
    opened.unwrap_or(Err(StoreError::Damaged("a page")))
}

/// A disk on which an empty store was made. It is made beside its place and moved there when it is whole, so no life begins
/// with half a file.
fn fresh() -> Vec<u8> {
    let made = Disk::holding(Vec::new());
    drop(open(&made).expect("a disk without faults"));
    made.bytes()
}

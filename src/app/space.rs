//! The room on the disk, and what is refused when it gets short: first what lets the store grow at a
//! stranger's request, then all but logging in and out.

use std::sync::atomic::Ordering;

use super::{App, DiskSpace, Fault};

impl App {
    /// Returns the room at the last check.
    pub fn room(&self) -> DiskSpace {
        match self.space.0.load(Ordering::Relaxed) {
            0 => DiskSpace::Plenty,
            1 => DiskSpace::Low,
            _ => DiskSpace::Critical,
        }
    }

    /// Notes how many bytes are free where the store is.
    pub fn note_free_space(&self, free_bytes: u64) {
        self.measures.note_free(free_bytes);
        let settings = &self.env().config.store;
        let room = match free_bytes >> 20 {
            mib if mib < settings.critical_space_mib => DiskSpace::Critical,
            mib if mib < settings.low_space_mib => DiskSpace::Low,
            _ => DiskSpace::Plenty,
        };
        if room == self.room() {
            return;
        }
        self.space.0.store(room as u8, Ordering::Relaxed);
        let mib = free_bytes >> 20;
        match room {
            DiskSpace::Plenty => tracing::warn!(free_mib = mib, "there is room on the disk again"),
            DiskSpace::Low => {
                tracing::error!(free_mib = mib, "THE DISK IS NEARLY FULL: nobody can register or ask for mails");
            }
            DiskSpace::Critical => {
                tracing::error!(free_mib = mib, "THE DISK IS FULL: people can log in and out, nothing else");
            }
        }
    }

    /// Refuses what would let the store grow at a stranger's request; the same for everybody.
    ///
    /// # Errors
    /// [`Fault::NoSpace`].
    pub(super) fn require_room_to_grow(&self) -> Result<(), Fault> {
        if self.room() == DiskSpace::Plenty { Ok(()) } else { Err(Fault::NoSpace) }
    }

    /// Refuses what can wait until there is room.
    ///
    /// # Errors
    /// [`Fault::NoSpace`].
    pub(super) fn require_room(&self) -> Result<(), Fault> {
        if self.room() == DiskSpace::Critical { Err(Fault::NoSpace) } else { Ok(()) }
    }
}

//! Watches the free space on the disk, and keeps the ballast.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::{App, DiskSpace, Fault};
use crate::base::Seconds;
use crate::store::Ballast;

use super::{Next, Worker};

/// Checks every few seconds; a check is one system call.
pub struct WatchSpace {
    app: Arc<App>,
    folder: PathBuf,
    ballast: Ballast,
}

impl WatchSpace {
    const LOOK_EVERY: Seconds = 2;

    /// Works for this appliance.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        let settings = &app.env().config.store;
        let folder = settings.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        let ballast = Ballast::beside(&settings.path, app.env().config.store.ballast_bytes());
        Self { app, folder, ballast }
    }
}

/// Returns the bytes that an ordinary user may still write there.
fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let volume = rustix::fs::statvfs(folder)?;
    Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
}

impl Worker for WatchSpace {
    const NAME: &'static str = "watch space";

    async fn step(&mut self) -> Result<Next, Fault> {
        match free_bytes(&self.folder) {
            Ok(free) => {
                self.app.note_free_space(free);
                let low = self.app.env().config.store.low_space_mib << 20;
                let has_room = free.saturating_sub(self.ballast.bytes()) >= low;
                // Only with room beyond the low mark: taking the ballast must not itself fill the disk.
                if self.app.room() == DiskSpace::Plenty && has_room && !self.ballast.is_there() {
                    let ballast = self.ballast.clone();
                    let taken = tokio::task::spawn_blocking(move || ballast.take()).await;
                    if let Ok(Err(error)) = taken {
                        tracing::warn!(%error, "there is no ballast beside the store");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "it is not known how much room there is on the disk"),
        }
        Ok(Next::After(Self::LOOK_EVERY))
    }
}

//! What needs the administrators: looked for by a worker, told by mail.

use std::sync::Arc;

use crate::accounts::attention::{self, Troubles};
use crate::config::Backups;

use super::{App, DiskSpace, Fault};

impl App {
    /// Tells administrators of what needs them, once a day at most. Returns whether they were told.
    ///
    /// # Errors
    /// The store's.
    pub async fn tell_administrators(self: &Arc<Self>) -> Result<bool, Fault> {
        let env = self.env();
        if !env.config.mail.admin_digest {
            return Ok(false);
        }
        let troubles = Troubles {
            certificate: self.measures.renewal_trouble(),
            disk_is_short: self.room() != DiskSpace::Plenty,
            snapshots_overdue: self.are_snapshots_overdue(&env.config.backup),
        };
        Ok(self.write(move |work| attention::tell(work, &troubles)).await?)
    }

    /// Whether the newest snapshot is twice as old as it should ever be. Where there is none yet, the first one is still
    /// due; that it could not be taken is in the log, and the next look tells of it.
    fn are_snapshots_overdue(&self, settings: &Backups) -> bool {
        let now = self.time().earlier;
        self.last_snapshot_at(settings).is_some_and(|at| now.since(at) > 2 * settings.every.seconds())
    }
}

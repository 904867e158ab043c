//! Opens the store that the configuration names, and builds the appliance on it.

use std::path::Path;
use std::sync::Arc;

use crate::app::{App, Hasher, newest_good_snapshot, newest_unsigned_snapshot};
use crate::base::{Clock, Moment};
use crate::config::Config;
use crate::store::{self, OpenError, OpenedStore, read_key};

use super::Exit;
use super::surroundings::why_not_writable;
use super::system_clock::SystemClock;

/// Opens the store as [`open_store`] does, but never creates one.
///
/// # Errors
/// When there is none, or it cannot be opened.
pub(super) fn open_present_store(config: &Config) -> Result<OpenedStore, Exit> {
    let path = &config.store.path;
    // Store and key both missing means that there is none; if only one is, opening explains it.
    let is_there = std::fs::metadata(path).is_ok_and(|found| !found.is_file() || found.len() > 0);
    if !is_there && !config.sealing_key_path().exists() {
        return Err(Exit::without_store(format!("there is no store at {}", path.display())).with_hint(
            "the server makes one when it starts, and so does the first `gatelodge user add`; `store.path` may name another place",
        ));
    }
    open_store(config)
}

/// Opens the store that the configuration names.
pub(super) fn open_store(config: &Config) -> Result<OpenedStore, Exit> {
    let mut moment = Moment::new(SystemClock.now(), SystemClock.seed());
    store::open(&config.store, &config.sealing_key_path(), &mut moment).map_err(|error| {
        let snapshots = config.backup.directory.as_deref().filter(|_| error.is_repaired_by_restoring());
        let folder = config.store.path.parent().filter(|_| matches!(error, OpenError::Io { .. }));
        let hint = snapshots.and_then(|folder| way_back(folder, config));
        match hint.or_else(|| folder.and_then(why_not_writable)) {
            Some(hint) => Exit::from(error).with_hint(hint),
            None => error.into(),
        }
    })
}

/// Returns a hint on what could be restored from the folder of snapshots.
fn way_back(folder: &Path, config: &Config) -> Option<String> {
    let key = read_key(&config.sealing_key_path()).ok().flatten();
    if let Some(path) = newest_good_snapshot(folder, key.as_ref()) {
        let path = path.display();
        return Some(format!(
            "the newest good snapshot is {path}; `gatelodge restore {path} --force` puts it in place"
        ));
    }
    let path = newest_unsigned_snapshot(folder)?;
    Some(format!(
        "no snapshot there proves who wrote it; {} is as older programs wrote them. See `gatelodge restore --help` before you take it",
        path.display()
    ))
}

/// Builds the appliance on an open store.
pub(super) fn build(config: Config, opened: OpenedStore) -> Result<Arc<App>, Exit> {
    let hasher = Hasher::start(config.password.cost()).map_err(Exit::failed)?;
    let app = App::new(config, opened, Arc::new(SystemClock), hasher).map_err(Exit::configuration)?;
    app.begin_log();
    Ok(Arc::new(app))
}

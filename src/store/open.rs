//! Chooses the engine.

use std::path::Path;

use crate::base::Moment;
use crate::config::{EngineKind, StoreSettings};

use super::embedded::{Ballast, open_file};
use super::{OpenError, OpenedStore};

/// Opens the store with the engine that the configuration names. This is the only place where one is chosen.
///
/// # Errors
/// When it is in use, missing where one was, damaged, too new, or without its key.
pub fn open(settings: &StoreSettings, key_path: &Path, moment: &mut Moment) -> Result<OpenedStore, OpenError> {
    match settings.engine {
        EngineKind::Embedded => {
            let ballast = Ballast::beside(&settings.path, settings.ballast_bytes());
            open_file(&settings.path, key_path, (settings.cache_bytes(), ballast), moment)
        }
    }
}

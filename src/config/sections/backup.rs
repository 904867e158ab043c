//! `[backup]`: snapshots by schedule.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::DAY;
use crate::config::Span;

/// `[backup]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backups {
    /// The folder for snapshots; without it none are taken.
    pub directory: Option<PathBuf>,
    /// The time between two snapshots.
    pub every: Span,
    /// The number of snapshots that are kept.
    pub keep: usize,
}

impl Default for Backups {
    fn default() -> Self {
        Self { directory: None, every: Span::from_seconds(DAY), keep: 7 }
    }
}

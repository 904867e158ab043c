//! `[store]`: where everything is kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What keeps the records.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// One file on this machine.
    #[default]
    Embedded,
}

/// `[store]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// What keeps the records.
    pub engine: EngineKind,
    /// The path of the one file that holds everything.
    pub path: PathBuf,
    /// The path of the sealing key; default: `sealing-key` beside the store.
    pub key_file: Option<PathBuf>,
    /// The page cache of the store, in MiB.
    pub cache_mib: usize,
    /// MiB of free disk below which nobody can register or ask for mails.
    pub low_space_mib: u64,
    /// MiB of free disk below which people can only log in and out.
    pub critical_space_mib: u64,
    /// The size of the ballast beside the store, in MiB, which is given up when the disk is full; 0 for none.
    pub ballast_mib: u64,
}

impl StoreSettings {
    /// Returns the size of the page cache, in bytes.
    #[must_use]
    pub fn cache_bytes(&self) -> usize {
        self.cache_mib << 20
    }

    /// Returns the size of the ballast, in bytes.
    #[must_use]
    pub fn ballast_bytes(&self) -> u64 {
        self.ballast_mib << 20
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            engine: EngineKind::default(),
            path: "/var/lib/gatelodge/gatelodge.redb".into(),
            key_file: None,
            cache_mib: 4,
            low_space_mib: 32,
            critical_space_mib: 8,
            ballast_mib: 16,
        }
    }
}

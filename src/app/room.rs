//! The room left on the disk.

use std::sync::atomic::AtomicU8;

use serde::{Deserialize, Serialize};

/// The room on the disk, by the configured limits.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum DiskSpace {
    /// Enough for everything.
    #[default]
    Plenty,
    /// Below `store.low_space_mib`: no registrations, no mails on request.
    Low,
    /// Below `store.critical_space_mib`: people log in and out, sessions end, administrators act; nothing else.
    Critical,
}

impl DiskSpace {
    /// Returns the stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plenty => "plenty",
            Self::Low => "low",
            Self::Critical => "critical",
        }
    }
}

/// The room at the last check.
#[derive(Debug, Default)]
pub(super) struct Space(pub(super) AtomicU8);

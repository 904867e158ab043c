//! The reasons why there is no certificate to serve.

use std::fmt;
use std::path::PathBuf;

use crate::app::Fault;
use crate::config::Unreadable;

pub(super) const PRIVATE_KEY: &str = "tls.private_key";

/// The reason why there is no certificate to serve.
#[derive(Debug)]
pub enum TlsError {
    /// A file is missing, unreadable or holds something else.
    File {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Unreadable,
    },
    /// The key is not the certificate's.
    Mismatch {
        /// The key's file.
        private_key: PathBuf,
    },
    /// Several things are wrong with the files.
    Several(Vec<Self>),
    /// A certificate could not be made, or is unusable.
    SelfSigned(String),
    /// It could not be read from, or written to, the store.
    Store(Fault),
}

impl std::error::Error for TlsError {}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { .. } | Self::Mismatch { .. } => {
                let (_, message, hint) = self.blame();
                f.write_str(&message)?;
                hint.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
            }
            Self::Several(several) => {
                let told: Vec<String> = several.iter().map(ToString::to_string).collect();
                f.write_str(&told.join("\n"))
            }
            Self::SelfSigned(reason) => write!(f, "no certificate could be made: {reason}"),
            Self::Store(fault) => write!(f, "the certificate could not be kept: {fault}"),
        }
    }
}

impl TlsError {
    /// Whether the only problem is that this user may not read the file.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::File { fault, .. } if fault.is_forbidden)
    }

    /// Returns the setting to blame, the problem, and what to do.
    #[must_use]
    pub fn blame(&self) -> (&'static str, String, Option<String>) {
        match self {
            Self::File { setting, path, fault } => {
                let line = fault.place.map(|(line, _)| format!(":{line}")).unwrap_or_default();
                let hint = "tls.certificate is the chain, tls.private_key its key, both PEM and readable by the service's user";
                let hint = fault.hint.clone().unwrap_or_else(|| hint.into());
                (setting, format!("{}{line}: {}", path.display(), fault.reason), Some(hint))
            }
            Self::Mismatch { private_key } => {
                let message = format!("{}: tls.private_key is not the key of tls.certificate", private_key.display());
                (PRIVATE_KEY, message, Some("take both from the same issue, fullchain.pem and privkey.pem".into()))
            }
            other => ("tls.mode", other.to_string(), None),
        }
    }

    pub(super) fn of(mut faults: Vec<Self>) -> Self {
        if faults.len() == 1 { faults.remove(0) } else { Self::Several(faults) }
    }
}

impl From<Fault> for TlsError {
    fn from(fault: Fault) -> Self {
        Self::Store(fault)
    }
}

//! What a backup or an export says of itself, and who must have written it to be believed.

use serde::{Deserialize, Serialize};

use crate::crypto::{Digest, SealingKey, base64url, constant_time_eq};

/// The heading of a backup: what it says of itself.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Heading {
    /// The format of the records.
    pub format: u64,
    /// The fingerprint of the sealing key without which it cannot be read.
    pub key_fingerprint: String,
    /// When it was made, in RFC 3339.
    pub created_at: String,
    /// Where the audit log ended then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<LogEnd>,
}

/// The end of an audit log. Kept elsewhere it is a witness: a log that does not
/// go through this row was cut or replaced since.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LogEnd {
    /// The number of the oldest row that is kept.
    pub first: u64,
    /// The number that the next row gets.
    pub next: u64,
    /// The digest in the newest row, in base64url.
    pub last: String,
}

impl LogEnd {
    /// Makes the end of a log with these rows.
    #[must_use]
    pub fn new(first: u64, next: u64, last: &Digest) -> Self {
        Self { first, next, last: base64url(&last.0) }
    }
}

/// Who must have written a backup or an export, for it to be believed.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Anybody, as long as it is whole: for those without the key.
    Anybody,
    /// Somebody with this key: it has to carry a code under it.
    Key(SealingKey),
    /// As [`Trust::Key`], but those of older programs, which carry no code, are
    /// accepted: somebody vouches for where it comes from.
    KeyOrUnsigned(SealingKey),
}

impl Trust {
    /// Returns what can be required of a file with this heading by whoever has this key, or none.
    #[must_use]
    pub fn by(key: Option<SealingKey>, heading: &Heading) -> Self {
        match key.filter(|key| key.fingerprint() == heading.key_fingerprint) {
            Some(key) => Self::Key(key),
            None => Self::Anybody,
        }
    }

    /// Whether files without a code are accepted.
    #[must_use]
    pub fn takes_unsigned(&self) -> bool {
        !matches!(self, Self::Key(_))
    }

    fn key(&self) -> Option<&SealingKey> {
        match self {
            Self::Anybody => None,
            Self::Key(key) | Self::KeyOrUnsigned(key) => Some(key),
        }
    }

    /// Whether `code` belongs to a file with this digest.
    pub(crate) fn accepts(&self, label: &[u8], sum: &Digest, code: &[u8; 32]) -> bool {
        self.key().is_none_or(|key| constant_time_eq(&key.mark(label, &[&sum.0]), code))
    }
}

//! What of a house's files cannot be served, and why.

use std::path::PathBuf;

use crate::config::Unreadable;

/// A file of the house that is not served.
#[derive(Clone, Debug)]
pub struct Unserved {
    /// The setting that names it, or its folder.
    pub key: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub fault: Unreadable,
    /// Whether the rest of the setting is as it should be: one file of many is left out.
    pub is_one_of_many: bool,
}

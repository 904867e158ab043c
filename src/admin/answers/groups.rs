//! Groups.

use serde::{Deserialize, Serialize};

/// A group.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What its members may do.
    pub permissions: Vec<String>,
}

/// A group that is no more.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct DisbandedGroup {
    /// Its name.
    pub disbanded: String,
}

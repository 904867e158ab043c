//! Collects sets item by item. `collect` would sort the items first, which is compiled once more for every type of
//! item: six kilobytes each, to save nothing where a handful are gathered.

use std::collections::{BTreeMap, BTreeSet};

/// Makes a set of these items.
#[must_use]
pub fn set_of<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// Makes a set of these items, or returns the first error among them.
///
/// # Errors
/// The first error among the items.
pub fn try_set_of<T: Ord, E>(items: impl IntoIterator<Item = Result<T, E>>) -> Result<BTreeSet<T>, E> {
    let mut set = BTreeSet::new();
    for item in items {
        set.insert(item?);
    }
    Ok(set)
}

/// Makes a map of these pairs.
#[must_use]
pub fn map_of<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

//! The index that a search for people reads: which words lead to which account.

use std::collections::BTreeSet;

use crate::base::{AccountId, NameSource};
use crate::store::{StoreError, Table, Transaction, schema};

/// (word, (account, [`NameSource::code`])) → nothing.
pub(crate) const WORDS: Table<(String, (AccountId, u8)), ()> = Table::at(schema::SEARCH_WORDS);

/// A name that changes.
#[derive(Clone, Copy, Debug)]
pub struct Renamed<'a> {
    /// The one that goes, if there was one.
    pub before: Option<&'a str>,
    /// The one that comes, if there is one.
    pub after: Option<&'a str>,
}

/// Keeps the index in step when a name of an account changes: each of its sources is indexed by itself.
pub fn note_changed(
    tx: &mut dyn Transaction,
    account: AccountId,
    source: NameSource,
    Renamed { before, after }: Renamed<'_>,
) -> Result<(), StoreError> {
    if before == after {
        return Ok(());
    }
    let words = |name: Option<&str>| name.map_or_else(BTreeSet::new, |name| source.words(name));
    let (before, after) = (words(before), words(after));
    for word in before.difference(&after) {
        WORDS.delete(tx, &(word.clone(), (account, source.code())))?;
    }
    for word in after.difference(&before) {
        WORDS.put(tx, &(word.clone(), (account, source.code())), &())?;
    }
    Ok(())
}

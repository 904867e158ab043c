//! The migrations from one format to the next. Each knows the records as they were when it
//! was written, whatever has become of them since.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::base::{DisplayName, GroupName, NameSource, NodeId, Timestamp};
use crate::crypto::PasswordHash;

use super::{Damaged, Direction, Field, Key, KeySpan, Reader, StoreError, Transaction, schema};

/// A migration from one format version to the next.
pub struct Migration {
    /// The version that it leads to from the one before.
    pub to: u64,
    /// What it does, for the log.
    pub name: &'static str,
    /// Migrates the records. All migrations run in one transaction.
    pub run: fn(&mut dyn Transaction) -> Result<(), StoreError>,
}

/// Every migration since version 1, in order.
pub(super) const STEPS: &[Migration] = &[
    Migration { to: 2, name: "noting who is in which group, beside what each is in", run: index_members },
    // Records have more fields from here on, and backups carry codes: older programs must refuse both as newer. The key
    // of codes is stored where the sealing key is at hand.
    Migration { to: 3, name: "keeping what codes are made with", run: |_| Ok(()) },
    Migration { to: 4, name: "keeping times and places by node", run: name_the_node },
    // Tokens have kinds from here on, and there are doors: an older program would take an application password for an API
    // token, and know no door.
    Migration { to: 5, name: "keeping whom other applications know", run: |_| Ok(()) },
    Migration { to: 6, name: "noting by which words people are found", run: index_words },
];

/// Accounts read at a time.
const PAGE: usize = 500;

/// Visits every row of a range.
fn each(
    tx: &mut dyn Transaction,
    range: schema::Range,
    mut visit: impl FnMut(&mut dyn Transaction, &[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut rows = KeySpan::prefix(&[range.prefix]);
    loop {
        let page = tx.scan(&rows, Direction::Up, PAGE)?;
        for (key, value) in &page {
            visit(tx, &key[1..], value)?;
        }
        match page.into_iter().last() {
            Some((key, _)) => rows.from = Bound::Excluded(key),
            None => return Ok(()),
        }
    }
}

fn index_members(tx: &mut dyn Transaction) -> Result<(), StoreError> {
    each(tx, schema::ACCOUNTS, |tx, id, account| {
        let OldAccount { groups, .. } = old_account(account).map_err(|Damaged| StoreError::Damaged("Account"))?;
        for group in groups {
            let mut member = vec![schema::MEMBERS.prefix];
            Key::put(&group.as_str().to_owned(), &mut member);
            member.extend(id);
            tx.put(&member, &[1])?;
        }
        Ok(())
    })
}

fn index_words(tx: &mut dyn Transaction) -> Result<(), StoreError> {
    // An export of the old format is imported with what belongs to today, beside which the same is written again.
    each(tx, schema::ACCOUNTS, |tx, id, account| {
        let OldAccount { name, .. } = old_account(account).map_err(|Damaged| StoreError::Damaged("Account"))?;
        name.map_or(Ok(()), |name| put_words(tx, id, NameSource::DisplayName, name.as_str()))
    })?;
    each(tx, schema::IDENTITIES_OF, |tx, key, claimed| {
        let source = NameSource::ALL.into_iter().find(|source| key.last() == Some(&source.code()));
        let (Some(source), Some((id, _))) = (source, key.split_first_chunk::<16>()) else {
            return Err(StoreError::Damaged("an identity"));
        };
        // The first field of every version: the identity as its owner wrote it.
        let shown: Result<String, Damaged> = Field::take(&mut Reader(claimed.get(1..).unwrap_or_default()));
        let shown = shown.map_err(|Damaged| StoreError::Damaged("Claimed"))?;
        put_words(tx, id, source, &shown)
    })
}

fn put_words(tx: &mut dyn Transaction, id: &[u8], source: NameSource, name: &str) -> Result<(), StoreError> {
    for word in source.words(name) {
        let mut key = vec![schema::SEARCH_WORDS.prefix];
        Key::put(&word, &mut key);
        key.extend(id);
        key.push(source.code());
        tx.put(&key, &[1])?;
    }
    Ok(())
}

/// What the migrations read of an account.
struct OldAccount {
    name: Option<DisplayName>,
    groups: BTreeSet<GroupName>,
}

/// Reads an account of version 1, or of a later one, which only has more fields behind: an export of the old format is
/// imported as records of today.
fn old_account(account: &[u8]) -> Result<OldAccount, Damaged> {
    let Some((1..=3, rest)) = account.split_first() else { return Err(Damaged) };
    let mut input = Reader(rest);
    let _password: Option<PasswordHash> = Field::take(&mut input)?;
    let _password_changed_at: Timestamp = Field::take(&mut input)?;
    let name: Option<DisplayName> = Field::take(&mut input)?;
    let _language: String = Field::take(&mut input)?;
    Ok(OldAccount { name, groups: Field::take(&mut input)? })
}

/// What was there once is the first node's from here on: the time floor, and how far each webhook has come.
fn name_the_node(tx: &mut dyn Transaction) -> Result<(), StoreError> {
    let one = NodeId::ONE.number().to_be_bytes();
    let floor = [&[schema::META.prefix][..], b"floor"].concat();
    if let Some(value) = tx.get(&floor)? {
        tx.put(&[&[schema::FLOORS.prefix][..], &one].concat(), &value)?;
        tx.delete(&floor)?;
    }
    let places = tx.scan(&KeySpan::prefix(&[schema::WEBHOOKS.prefix]), Direction::Up, usize::MAX)?;
    // An export of the old format is imported with keys of today: those are named already.
    for (key, value) in places.into_iter().filter(|(key, _)| key.last() == Some(&0)) {
        tx.put(&[&key[..], &one].concat(), &value)?;
        tx.delete(&key)?;
    }
    Ok(())
}

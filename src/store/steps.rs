//! The migrations from one format to the next. Each knows the records as they were when it
//! was written, whatever has become of them since.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::base::{DisplayName, GroupName, NodeId, Timestamp};
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
];

/// Accounts read at a time.
const PAGE: usize = 500;

fn index_members(tx: &mut dyn Transaction) -> Result<(), StoreError> {
    let mut accounts = KeySpan::prefix(&[schema::ACCOUNTS.prefix]);
    loop {
        let page = tx.scan(&accounts, Direction::Up, PAGE)?;
        for (key, value) in &page {
            for group in groups_of(value).map_err(|Damaged| StoreError::Damaged("Account"))? {
                let mut member = vec![schema::MEMBERS.prefix];
                Key::put(&group.as_str().to_owned(), &mut member);
                member.extend(&key[1..]);
                tx.put(&member, &[1])?;
            }
        }
        match page.into_iter().last() {
            Some((key, _)) => accounts.from = Bound::Excluded(key),
            None => return Ok(()),
        }
    }
}

/// Returns the groups in an account of version 1, or of a later one, which only has more fields behind: an export of
/// the old format is imported as records of today.
fn groups_of(account: &[u8]) -> Result<BTreeSet<GroupName>, Damaged> {
    let Some((1..=3, rest)) = account.split_first() else { return Err(Damaged) };
    let mut input = Reader(rest);
    let _password: Option<PasswordHash> = Field::take(&mut input)?;
    let _password_changed_at: Timestamp = Field::take(&mut input)?;
    let _name: Option<DisplayName> = Field::take(&mut input)?;
    let _language: String = Field::take(&mut input)?;
    Field::take(&mut input)
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

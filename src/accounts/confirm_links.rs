//! The links that confirm registrations: of those mailed to one address, the newest works.

use crate::base::{EmailAddress, Timestamp};
use crate::crypto::OpenedToken;
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};

use super::Env;

/// The state of the links that confirm the registrations of one address. A link is for the address and not for one
/// registration: whoever has the mailbox, and registered it, confirms their own by whichever mail came last.
#[derive(Clone, Debug, Default)]
pub struct ConfirmLink {
    /// The number of links that were mailed: a newer one kills the older.
    count: u64,
    mailed_at: Option<Timestamp>,
}
record!(ConfirmLink, version 1, { count, mailed_at });

pub(crate) const LINKS: Table<String, ConfirmLink> = Table::at(schema::CONFIRM_LINKS);

/// Counts one more link mailed to this address. Returns its number.
pub(super) fn begin_next(tx: &mut dyn Transaction, canonical: &str, now: Timestamp) -> Result<u64, StoreError> {
    let canonical = canonical.to_owned();
    let mut newest = LINKS.get(tx, &canonical)?.unwrap_or_default();
    newest.count += 1;
    newest.mailed_at = Some(now);
    LINKS.put(tx, &canonical, &newest)?;
    Ok(newest.count)
}

/// Forgets the links of an address that has an account now.
pub(super) fn forget(tx: &mut dyn Transaction, address: &EmailAddress) -> Result<(), StoreError> {
    LINKS.delete(tx, &address.canonical())
}

/// Whether a token is the newest that was mailed to this address to confirm its registrations. Those that an earlier
/// version mailed are bound to the address alone; they work until a newer one is mailed.
pub(super) fn is_newest(
    view: &dyn Snapshot,
    env: &Env,
    opened: &OpenedToken<'_>,
    address: &EmailAddress,
) -> Result<bool, StoreError> {
    let canonical = address.canonical();
    Ok(match LINKS.get(view, &canonical)? {
        Some(link) => env.is_bound(opened, &[canonical.as_bytes(), &link.count.to_be_bytes()]),
        None => env.is_bound(opened, &[canonical.as_bytes()]),
    })
}

/// Forgets addresses whose links have expired, looking at up to `limit` behind `after`. Returns where to go on, or none
/// at the end.
pub fn sweep(
    tx: &mut dyn Transaction,
    oldest: Timestamp,
    after: Option<&String>,
    limit: usize,
) -> Result<Option<String>, StoreError> {
    LINKS.sweep(tx, after, limit, |tx, address, link| {
        if link.mailed_at.is_none_or(|mailed_at| mailed_at < oldest) {
            LINKS.delete(tx, address)?;
        }
        Ok(())
    })
}

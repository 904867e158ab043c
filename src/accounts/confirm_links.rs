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
    /// The times that the address got an account while it had more registrations than could be removed at once:
    /// registrations that record another number are void. No id or time tells that, since the clock may fall back.
    epoch: u64,
}
record!(ConfirmLink, version 2, { count, mailed_at }, since 2 { epoch });

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

/// Begins the next epoch of an address: the registrations of before are void, and with them the links.
pub(super) fn begin_epoch(tx: &mut dyn Transaction, address: &EmailAddress) -> Result<(), StoreError> {
    let canonical = address.canonical();
    let newest = LINKS.get(tx, &canonical)?.unwrap_or_default();
    LINKS.put(tx, &canonical, &ConfirmLink { count: newest.count + 1, epoch: newest.epoch + 1, ..newest })
}

/// Returns the epoch that an address is in.
pub(super) fn epoch_of(view: &(impl Snapshot + ?Sized), canonical: &String) -> Result<u64, StoreError> {
    Ok(LINKS.get(view, canonical)?.map_or(0, |link| link.epoch))
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
/// at the end. As long as an address `has_rows` of registrations, the link tells which of them are void.
pub fn sweep(
    tx: &mut dyn Transaction,
    oldest: Timestamp,
    after: Option<&String>,
    limit: usize,
    has_rows: impl Fn(&dyn Snapshot, &String) -> Result<bool, StoreError>,
) -> Result<Option<String>, StoreError> {
    LINKS.sweep(tx, after, limit, |tx, address, link| {
        let is_over = link.mailed_at.is_none_or(|mailed_at| mailed_at < oldest);
        if is_over && (link.epoch == 0 || !has_rows(tx, address)?) {
            LINKS.delete(tx, address)?;
        }
        Ok(())
    })
}

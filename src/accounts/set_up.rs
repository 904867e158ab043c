//! Set-up: the link to the first administrator, which the appliance prints when it starts and nobody administers it
//! yet. Once there was an administrator no such link is ever printed again: it would be a way in for whoever can read
//! the log.

use crate::base::{MINUTE, Moment, Seconds, Timestamp};
use crate::crypto::{Bearer, BearerKind, Digest, TokenFault};
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};

use super::spent;

/// Seconds for which the link works.
pub const WORKS_FOR: Seconds = 30 * MINUTE;

pub(crate) struct SetUp {
    is_over: bool,
    digest: [u8; 32],
    expires_at: Timestamp,
}
record!(SetUp, version 1, { is_over, digest, expires_at });

pub(crate) const SET_UP: Table<String, SetUp> = Table::at(schema::SET_UP);

fn name() -> String {
    "first administrator".into()
}

/// Whether there ever was an administrator; `None` in a store that no link was drawn for yet, where that was not
/// recorded.
pub fn noted(view: &(impl Snapshot + ?Sized)) -> Result<Option<bool>, StoreError> {
    Ok(SET_UP.get(view, &name())?.map(|kept| kept.is_over))
}

fn is_over(view: &(impl Snapshot + ?Sized)) -> Result<bool, StoreError> {
    Ok(noted(view)?.unwrap_or(false))
}

/// Draws the secret of a new link, unless somebody administers the appliance or ever did. The one before stops working.
pub fn begin(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    has_administrator: bool,
) -> Result<Option<Bearer>, StoreError> {
    if has_administrator || is_over(tx)? {
        // Recorded for good, so that later starts print no link either, even if every administrator is gone by then.
        end(tx)?;
        return Ok(None);
    }
    let secret = Bearer::draw(BearerKind::SetUp, moment);
    let Digest(digest) = secret.digest();
    SET_UP.put(tx, &name(), &SetUp { is_over: false, digest, expires_at: moment.now().plus(WORKS_FOR) })?;
    Ok(Some(secret))
}

/// Ends the set-up, as there is an administrator: no link works any more, and none is drawn again.
pub(super) fn end(tx: &mut dyn Transaction) -> Result<(), StoreError> {
    if is_over(tx)? {
        return Ok(());
    }
    SET_UP.put(tx, &name(), &SetUp { is_over: true, digest: [0; 32], expires_at: Timestamp::default() })
}

/// Checks the secret of a link and changes nothing.
pub fn look_up(view: &dyn Snapshot, secret: &str, now: Timestamp) -> Result<Result<(), TokenFault>, StoreError> {
    let Some(secret) = Bearer::parse(BearerKind::SetUp, secret) else { return Ok(Err(TokenFault::Invalid)) };
    // Digests are compared, not secrets: how long that takes leads to no secret.
    let kept = SET_UP.get(view, &name())?.filter(|kept| !kept.is_over && secret.digest() == Digest(kept.digest));
    Ok(match kept {
        None => Err(spent::used_at(view, secret.digest())?.map_or(TokenFault::Invalid, TokenFault::Used)),
        Some(kept) if kept.expires_at <= now => Err(TokenFault::Expired),
        Some(_) => Ok(()),
    })
}

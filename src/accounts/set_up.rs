//! The first administrator, by a link that the appliance prints when it starts and nobody administers it yet. Once there was
//! an administrator, no such link ever comes again: it would be a way in for whoever can read the log.

use crate::base::{MINUTE, Moment, Seconds, Timestamp};
use crate::crypto::{Bearer, BearerKind, Digest, TokenFault};
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};

use super::spent;

/// How long the link works.
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

/// Whether there ever was an administrator; none in a store that no link was drawn for yet, where nobody took note.
pub fn noted(view: &(impl Snapshot + ?Sized)) -> Result<Option<bool>, StoreError> {
    Ok(SET_UP.get(view, &name())?.map(|kept| kept.is_over))
}

fn is_over(view: &(impl Snapshot + ?Sized)) -> Result<bool, StoreError> {
    Ok(noted(view)?.unwrap_or(false))
}

/// A new link's secret, unless somebody administers the appliance, or did. It puts an end to the one before.
pub fn begin(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    has_administrator: bool,
) -> Result<Option<Bearer>, StoreError> {
    if has_administrator || is_over(tx)? {
        end(tx)?;
        return Ok(None);
    }
    let secret = Bearer::draw(BearerKind::SetUp, moment);
    let Digest(digest) = secret.digest();
    SET_UP.put(tx, &name(), &SetUp { is_over: false, digest, expires_at: moment.now().plus(WORKS_FOR) })?;
    Ok(Some(secret))
}

/// There is an administrator: no link works any more, and none comes back.
pub(super) fn end(tx: &mut dyn Transaction) -> Result<(), StoreError> {
    if is_over(tx)? {
        return Ok(());
    }
    SET_UP.put(tx, &name(), &SetUp { is_over: true, digest: [0; 32], expires_at: Timestamp::default() })
}

/// Whether a link works.
pub fn look_up(view: &dyn Snapshot, secret: &str, now: Timestamp) -> Result<Result<(), TokenFault>, StoreError> {
    let Some(secret) = Bearer::parse(BearerKind::SetUp, secret) else { return Ok(Err(TokenFault::Invalid)) };
    let kept = SET_UP.get(view, &name())?.filter(|kept| !kept.is_over && secret.digest() == Digest(kept.digest));
    Ok(match kept {
        None => Err(spent::used_at(view, secret.digest())?.map_or(TokenFault::Invalid, TokenFault::Used)),
        Some(kept) if kept.expires_at <= now => Err(TokenFault::Expired),
        Some(_) => Ok(()),
    })
}

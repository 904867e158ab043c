//! Recovery codes, for the day when the factors are lost. Each works once; the store keeps keyed digests.

use std::collections::BTreeSet;

use crate::base::{AccountId, Moment, Secret, Timestamp, set_of};
use crate::crypto::{SealingKey, draw_recovery_code};
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};

/// The row of an account's codes.
pub(crate) struct Recovery {
    digests: BTreeSet<[u8; 32]>,
    made_at: Timestamp,
}
record!(Recovery, version 1, { digests, made_at });

pub(crate) const RECOVERY: Table<AccountId, Recovery> = Table::at(schema::RECOVERY);

/// Codes that are made at once.
pub const RECOVERY_CODES: usize = 10;

/// A digest keyed with the sealing key: whoever has the store alone cannot try codes against it.
fn digest(seal: &SealingKey, account: AccountId, code: &str) -> [u8; 32] {
    seal.code(b"gatelodge recovery code/1", &[account.bytes(), code.as_bytes()])
}

/// Makes new codes in place of those that are there. They are handed out here, once, in their canonical form.
pub fn make_codes(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    seal: &SealingKey,
    account: AccountId,
) -> Result<Vec<Secret<String>>, StoreError> {
    let codes: Vec<Secret<String>> = (0..RECOVERY_CODES).map(|_| draw_recovery_code(moment)).collect();
    let digests = set_of(codes.iter().map(|code| digest(seal, account, code.expose())));
    RECOVERY.put(tx, &account, &Recovery { digests, made_at: moment.now() })?;
    Ok(codes)
}

/// The number of codes that an account has left; none if none were ever made.
pub fn codes_left(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Option<usize>, StoreError> {
    Ok(RECOVERY.get(view, &account)?.map(|recovery| recovery.digests.len()))
}

/// Drops the codes that were made at `since` or later.
pub fn drop_codes_since(tx: &mut dyn Transaction, account: AccountId, since: Timestamp) -> Result<(), StoreError> {
    match RECOVERY.get(tx, &account)?.filter(|recovery| recovery.made_at >= since) {
        Some(_) => RECOVERY.delete(tx, &account),
        None => Ok(()),
    }
}

/// Takes a code, if it is one of the account's. Returns how many are left.
pub(super) fn take(
    tx: &mut dyn Transaction,
    seal: &SealingKey,
    account: AccountId,
    code: &str,
) -> Result<Option<usize>, StoreError> {
    let Some(mut recovery) = RECOVERY.get(tx, &account)? else { return Ok(None) };
    // Looked up by a keyed digest: how long that takes reveals nothing about the codes.
    if !recovery.digests.remove(&digest(seal, account, code)) {
        return Ok(None);
    }
    RECOVERY.put(tx, &account, &recovery)?;
    Ok(Some(recovery.digests.len()))
}

//! Authenticator programs: codes from a shared secret and the time (TOTP, RFC 6238).

use crate::base::{AccountId, DisplayName, FactorId, Moment, Timestamp};
use crate::crypto::{SealingKey, TotpSeed, TypedCode, newest_step_at, step_at};
use crate::store::{Snapshot, StoreError, Transaction, next_after, schema};

use super::factor::{FACTORS, Factor, FactorState, MAX_FACTORS, TotpState, of_account};

/// Factors read at a time.
const PAGE: usize = 500;

/// The place of a seed, which is sealed with it: a row that was moved to another account or factor does not open.
fn associated_data(account: AccountId, id: FactorId) -> [Vec<u8>; 3] {
    [schema::FACTORS.name.into(), account.bytes().to_vec(), id.bytes().to_vec()]
}

/// Begins an authenticator app, in place of others that were begun and not confirmed. None if the account has too
/// many.
pub fn begin_totp(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    seal: &SealingKey,
    account: AccountId,
    name: DisplayName,
) -> Result<Option<FactorId>, StoreError> {
    // Whoever begins anew must confirm a seed of their own: one that somebody else began, and has read, goes.
    for (id, factor) in of_account(tx, account)? {
        if factor.confirmed_at.is_none() {
            FACTORS.delete(tx, &(account, id))?;
        }
    }
    if of_account(tx, account)?.len() >= MAX_FACTORS {
        return Ok(None);
    }
    let (id, seed) = (FactorId::draw(moment), TotpSeed::draw(moment));
    let sealed = seal.seal(&associated_data(account, id).each_ref().map(Vec::as_slice), seed.expose(), moment);
    let state = FactorState::Totp(TotpState { sealed, last_step: 0, is_late: false });
    FACTORS.put(tx, &(account, id), &Factor::begin(name, state, moment.now()))?;
    Ok(Some(id))
}

/// The seed that the authenticator app is given: only while it is not confirmed, never again afterwards.
pub fn seed_of_begun(
    view: &(impl Snapshot + ?Sized),
    seal: &SealingKey,
    account: AccountId,
) -> Result<Option<(FactorId, TotpSeed)>, StoreError> {
    for (id, factor) in of_account(view, account)? {
        if let (FactorState::Totp(kept), None) = (&factor.state, factor.confirmed_at) {
            return Ok(Some((id, open_seed(seal, account, id, kept)?)));
        }
    }
    Ok(None)
}

fn open_seed(seal: &SealingKey, account: AccountId, id: FactorId, kept: &TotpState) -> Result<TotpSeed, StoreError> {
    let opened = seal.open(&associated_data(account, id).each_ref().map(Vec::as_slice), &kept.sealed);
    let seed = opened.ok().and_then(|bytes| TotpSeed::from_bytes(&bytes));
    seed.ok_or(StoreError::Damaged("the seed of a second factor"))
}

/// Whether the digits are of this factor and were not used before; records that they are used now.
pub(super) fn take_digits(
    tx: &mut dyn Transaction,
    now: Timestamp,
    seal: &SealingKey,
    (account, id): (AccountId, FactorId),
    digits: &str,
) -> Result<bool, StoreError> {
    let Some(mut factor) = FACTORS.get(tx, &(account, id))? else { return Ok(false) };
    let FactorState::Totp(kept) = &mut factor.state else { return Ok(false) };
    let Some(step) = open_seed(seal, account, id, kept)?.accepts(digits, now, kept.last_step) else {
        return Ok(false);
    };
    // Stored with what the code proves: the same code posted twice at once is taken once (RFC 6238, section 5.2).
    kept.last_step = step;
    kept.is_late = step < step_at(now);
    factor.used_at = Some(now);
    FACTORS.put(tx, &(account, id), &factor)?;
    Ok(true)
}

/// Refuses from now on every code of an authenticator app that was shown until now, whether or not it was used: a
/// restored backup does not know (RFC 6238, section 5.2: a code is taken once).
pub fn raise_steps(tx: &mut dyn Transaction, now: Timestamp) -> Result<(), StoreError> {
    for_each(tx, |_, kept| Ok(TotpState { last_step: kept.last_step.max(newest_step_at(now)), ..kept }))
}

/// Takes back what was noted of codes from the future: an administrator said that it is not as late as was believed, and nobody has
/// to wait for a time that was a mistake. Looks at up to `limit` factors behind `after`, and says where to go on.
pub fn lower_steps(
    tx: &mut dyn Transaction,
    now: Timestamp,
    after: Option<(AccountId, FactorId)>,
    limit: usize,
) -> Result<Option<(AccountId, FactorId)>, StoreError> {
    change(tx, after, limit, &mut |_, kept| {
        Ok(TotpState { last_step: kept.last_step.min(newest_step_at(now)), ..kept })
    })
}

/// Reseals the seed of every authenticator app with another key.
///
/// # Errors
/// When the store fails, or something was not sealed with the old key.
pub fn reseal(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    (old, new): (&SealingKey, &SealingKey),
) -> Result<(), StoreError> {
    for_each(tx, |(account, id), kept| {
        let place = associated_data(*account, *id);
        let sealed = old.hand_over(new, &place.each_ref().map(Vec::as_slice), &kept.sealed, moment);
        let sealed = sealed.map_err(|_| StoreError::Damaged("the seed of a second factor"))?;
        Ok(TotpState { sealed, ..kept })
    })
}

type Change<'a> = dyn FnMut(&(AccountId, FactorId), TotpState) -> Result<TotpState, StoreError> + 'a;

/// Changes every authenticator app.
fn for_each(
    tx: &mut dyn Transaction,
    mut how: impl FnMut(&(AccountId, FactorId), TotpState) -> Result<TotpState, StoreError>,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        after = change(tx, after, PAGE, &mut how)?;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Changes the authenticator apps among up to `limit` factors behind `after`; says where to go on.
fn change(
    tx: &mut dyn Transaction,
    after: Option<(AccountId, FactorId)>,
    limit: usize,
    how: &mut Change<'_>,
) -> Result<Option<(AccountId, FactorId)>, StoreError> {
    let page = FACTORS.page(tx, after.as_ref(), limit)?;
    let next = next_after(&page, limit);
    for (key, factor) in page {
        let Factor { state: FactorState::Totp(kept), .. } = factor else { continue };
        let state = FactorState::Totp(how(&key, kept)?);
        FACTORS.put(tx, &key, &Factor { state, ..factor })?;
    }
    Ok(next)
}

/// Confirms an authenticator app by a code that it shows. False if the code is wrong, or there is nothing to confirm.
pub fn confirm_totp(
    tx: &mut dyn Transaction,
    now: Timestamp,
    seal: &SealingKey,
    (account, id): (AccountId, FactorId),
    code: &TypedCode,
) -> Result<bool, StoreError> {
    let TypedCode::Digits(digits) = code else { return Ok(false) };
    let is_begun = FACTORS.get(tx, &(account, id))?.is_some_and(|factor| factor.confirmed_at.is_none());
    if !is_begun || !take_digits(tx, now, seal, (account, id), digits.expose())? {
        return Ok(false);
    }
    let Some(factor) = FACTORS.get(tx, &(account, id))? else { return Ok(false) };
    FACTORS.put(tx, &(account, id), &Factor { confirmed_at: Some(now), ..factor })?;
    Ok(true)
}

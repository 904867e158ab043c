//! Second factors: what somebody has besides the password. An account may have several; whoever has one is asked for a
//! code of any of them at login, or for a recovery code.

mod mailed;
mod proof;
mod recovery;
mod trusted;

use crate::base::{AccountId, DisplayName, FactorId, Moment, Timestamp};
use crate::crypto::{SealingKey, TotpSeed, TypedCode, newest_step_at, step_at};
use crate::sessions::Method;
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, next_after, record, schema, stored_enum};

pub(crate) use mailed::MAILED;
pub use mailed::{
    CODE_WORKS_FOR, CodePurpose, MailedCode, TakenCode, drop_all_codes, drop_code, is_recent, mail_code, sweep_codes,
    take_code, waiting_code,
};
pub use proof::{CodeProof, ProofOption, Proved};
pub(crate) use recovery::RECOVERY;
pub use recovery::{RECOVERY_CODES, codes_left, drop_codes_since, make_codes};
pub(crate) use trusted::TRUSTED;
pub use trusted::{
    MAX_TRUSTED, NewTrust, TrustedBrowser, end_some_trusts, end_trust, end_trusts, is_trusted, sweep_trusts, trust,
    trusts_of,
};

stored_enum! {
    /// The kind of a factor.
    FactorKind {
        /// An authenticator program.
        Totp = 1 "totp",
        /// Codes by mail to the account's address.
        Mail = 2 "mail",
        /// Codes by text message to the account's telephone number.
        Sms = 3 "sms",
    }
}

impl FactorKind {
    /// The proof to ask for where somebody has such a factor.
    #[must_use]
    pub const fn option(self) -> ProofOption {
        match self {
            Self::Totp => ProofOption::Totp,
            Self::Mail => ProofOption::Mail,
            Self::Sms => ProofOption::Sms,
        }
    }
}

/// A factor of an account.
#[derive(Clone, Debug)]
pub struct Factor {
    /// The kind of factor.
    pub kind: FactorKind,
    /// The name that its owner gave it.
    pub name: DisplayName,
    /// The shared secret, sealed; empty where there is none.
    sealed: Vec<u8>,
    /// The step of the last code that was taken.
    last_step: u64,
    /// Whether that code was of the step before: the clock of the authenticator may be late.
    pub is_late: bool,
    /// The time at which it was begun.
    pub created_at: Timestamp,
    /// The time at which its owner showed that it works: it counts from then on.
    pub confirmed_at: Option<Timestamp>,
    /// The time at which it was last used.
    pub used_at: Option<Timestamp>,
}
record!(Factor, version 1, { kind, name, sealed, last_step, is_late, created_at, confirmed_at, used_at });

pub(crate) const FACTORS: Table<(AccountId, FactorId), Factor> = Table::at(schema::FACTORS);

/// Factors read at a time.
const PAGE: usize = 500;

/// Factors that an account may have.
pub const MAX_FACTORS: usize = 10;

/// The factors of an account, including those that are not confirmed yet.
pub fn of_account(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<(FactorId, Factor)>, StoreError> {
    let rows = FACTORS.under(view, &account, Direction::Up, MAX_FACTORS + 1)?;
    Ok(rows.into_iter().map(|((_, id), factor)| (id, factor)).collect())
}

/// The factors of an account that count.
pub fn confirmed(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<(FactorId, Factor)>, StoreError> {
    let mut factors = of_account(view, account)?;
    factors.retain(|(_, factor)| factor.confirmed_at.is_some());
    Ok(factors)
}

/// Whether the account asks for more than a password.
pub fn has_any(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<bool, StoreError> {
    Ok(!confirmed(view, account)?.is_empty())
}

/// The place of a seed, which is sealed with it: a row that was moved to another account or factor does not open.
fn associated_data(account: AccountId, id: FactorId) -> [Vec<u8>; 3] {
    [schema::FACTORS.name.into(), account.bytes().to_vec(), id.bytes().to_vec()]
}

/// Begins an authenticator program, in place of others that were begun and not confirmed. None if the account has too
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
    FACTORS.put(tx, &(account, id), &begun(FactorKind::Totp, name, sealed, moment.now()))?;
    Ok(Some(id))
}

fn begun(kind: FactorKind, name: DisplayName, sealed: Vec<u8>, now: Timestamp) -> Factor {
    Factor { kind, name, sealed, last_step: 0, is_late: false, created_at: now, confirmed_at: None, used_at: None }
}

/// Adds codes by mail or by text message, which need no confirmation: address and number are known to be the owner's.
/// None if the account has such codes, or too many factors.
pub fn add_sent(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    account: AccountId,
    (kind, name): (FactorKind, DisplayName),
) -> Result<Option<FactorId>, StoreError> {
    let factors = of_account(tx, account)?;
    if factors.len() >= MAX_FACTORS || factors.iter().any(|(_, factor)| factor.kind == kind) {
        return Ok(None);
    }
    let id = FactorId::draw(moment);
    let factor = Factor { confirmed_at: Some(moment.now()), ..begun(kind, name, vec![], moment.now()) };
    FACTORS.put(tx, &(account, id), &factor)?;
    Ok(Some(id))
}

/// The seed that the authenticator program is given: only while it is not confirmed, never again afterwards.
pub fn seed_of_begun(
    view: &(impl Snapshot + ?Sized),
    seal: &SealingKey,
    account: AccountId,
) -> Result<Option<(FactorId, TotpSeed)>, StoreError> {
    for (id, factor) in of_account(view, account)? {
        if factor.kind == FactorKind::Totp && factor.confirmed_at.is_none() {
            return Ok(Some((id, open_seed(seal, account, id, &factor)?)));
        }
    }
    Ok(None)
}

fn open_seed(seal: &SealingKey, account: AccountId, id: FactorId, factor: &Factor) -> Result<TotpSeed, StoreError> {
    let opened = seal.open(&associated_data(account, id).each_ref().map(Vec::as_slice), &factor.sealed);
    let seed = opened.ok().and_then(|bytes| TotpSeed::from_bytes(&bytes));
    seed.ok_or(StoreError::Damaged("the seed of a second factor"))
}

/// Whether the digits are of this factor and were not used before; records that they are used now.
fn take_digits(
    tx: &mut dyn Transaction,
    now: Timestamp,
    seal: &SealingKey,
    (account, id): (AccountId, FactorId),
    digits: &str,
) -> Result<bool, StoreError> {
    let Some(mut factor) = FACTORS.get(tx, &(account, id))?.filter(|factor| factor.kind == FactorKind::Totp) else {
        return Ok(false);
    };
    let Some(step) = open_seed(seal, account, id, &factor)?.accepts(digits, now, factor.last_step) else {
        return Ok(false);
    };
    // Stored with what the code proves: the same code posted twice at once is taken once (RFC 6238, section 5.2).
    factor.last_step = step;
    factor.is_late = step < step_at(now);
    factor.used_at = Some(now);
    FACTORS.put(tx, &(account, id), &factor)?;
    Ok(true)
}

/// Refuses from now on every code of an authenticator program that was shown until now, whether or not it was used: a
/// restored backup does not know (RFC 6238, section 5.2: a code is taken once).
pub fn raise_steps(tx: &mut dyn Transaction, now: Timestamp) -> Result<(), StoreError> {
    for_each_totp(tx, |_, factor| Ok(Factor { last_step: factor.last_step.max(newest_step_at(now)), ..factor }))
}

/// Takes back what was noted of codes from the future: an administrator said that it is not as late as was believed, and nobody has
/// to wait for a time that was a mistake. Looks at up to `limit` factors behind `after`, and says where to go on.
pub fn lower_steps(
    tx: &mut dyn Transaction,
    now: Timestamp,
    after: Option<(AccountId, FactorId)>,
    limit: usize,
) -> Result<Option<(AccountId, FactorId)>, StoreError> {
    change_totp(tx, after, limit, &mut |_, factor| {
        Ok(Factor { last_step: factor.last_step.min(newest_step_at(now)), ..factor })
    })
}

/// Reseals the seed of every authenticator program with another key.
///
/// # Errors
/// When the store fails, or something was not sealed with the old key.
pub fn reseal(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    (old, new): (&SealingKey, &SealingKey),
) -> Result<(), StoreError> {
    for_each_totp(tx, |(account, id), factor| {
        let place = associated_data(*account, *id);
        let sealed = old.hand_over(new, &place.each_ref().map(Vec::as_slice), &factor.sealed, moment);
        let sealed = sealed.map_err(|_| StoreError::Damaged("the seed of a second factor"))?;
        Ok(Factor { sealed, ..factor })
    })
}

type Change<'a> = dyn FnMut(&(AccountId, FactorId), Factor) -> Result<Factor, StoreError> + 'a;

/// Changes every authenticator program.
fn for_each_totp(
    tx: &mut dyn Transaction,
    mut change: impl FnMut(&(AccountId, FactorId), Factor) -> Result<Factor, StoreError>,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        after = change_totp(tx, after, PAGE, &mut change)?;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Changes the authenticator programs among up to `limit` factors behind `after`; says where to go on.
fn change_totp(
    tx: &mut dyn Transaction,
    after: Option<(AccountId, FactorId)>,
    limit: usize,
    change: &mut Change<'_>,
) -> Result<Option<(AccountId, FactorId)>, StoreError> {
    let page = FACTORS.page(tx, after.as_ref(), limit)?;
    let next = next_after(&page, limit);
    for (key, factor) in page.into_iter().filter(|(_, factor)| factor.kind == FactorKind::Totp) {
        FACTORS.put(tx, &key, &change(&key, factor)?)?;
    }
    Ok(next)
}

/// Confirms an authenticator program by a code that it shows. False if the code is wrong, or there is nothing to confirm.
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

/// Takes a code of any of the account's factors, once. None if it is wrong.
pub fn verify(
    tx: &mut dyn Transaction,
    now: Timestamp,
    seal: &SealingKey,
    proof: &CodeProof<'_>,
) -> Result<Option<Proved>, StoreError> {
    let account = proof.account;
    let digits = match proof.code {
        TypedCode::Recovery(text) => {
            let left = recovery::take(tx, seal, account, text.expose())?;
            return Ok(left.map(|left| Proved { recovery_codes_left: Some(left), ..Proved::by(Method::RecoveryCode) }));
        }
        TypedCode::Digits(digits) => digits,
    };
    let (mut has_mail, mut has_sms) = (false, false);
    for (id, factor) in confirmed(tx, account)? {
        match factor.kind {
            FactorKind::Totp if take_digits(tx, now, seal, (account, id), digits.expose())? => {
                return Ok(Some(Proved::by(Method::Totp)));
            }
            FactorKind::Totp => {}
            FactorKind::Mail => has_mail = true,
            FactorKind::Sms => has_sms = true,
        }
    }
    // A code that was sent counts only while the account still has such a factor, and only for the account that it was
    // sent for.
    if !has_mail && !has_sms {
        return Ok(None);
    }
    Ok(match take_code(tx, now, seal, (proof.purpose, proof.bound_to), digits.expose())? {
        TakenCode::Right { account: owner, by_sms: false } if owner == account && has_mail => {
            Some(Proved::by(Method::MailCode))
        }
        TakenCode::Right { account: owner, by_sms: true } if owner == account && has_sms => {
            Some(Proved::by(Method::TextCode))
        }
        _ => None,
    })
}

/// Removes a factor. With the last one its recovery codes go, and the trust in browsers. None if there is none of this
/// id.
pub fn remove(tx: &mut dyn Transaction, account: AccountId, id: FactorId) -> Result<Option<Factor>, StoreError> {
    let Some(factor) = FACTORS.get(tx, &(account, id))? else { return Ok(None) };
    FACTORS.delete(tx, &(account, id))?;
    if !has_any(tx, account)? {
        remove_rest(tx, account)?;
    }
    Ok(Some(factor))
}

/// Removes every factor, the recovery codes and the trust in browsers.
pub fn remove_all(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    for (id, _) in of_account(tx, account)? {
        FACTORS.delete(tx, &(account, id))?;
    }
    remove_rest(tx, account)
}

fn remove_rest(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    RECOVERY.delete(tx, &account)?;
    end_trusts(tx, account)
}

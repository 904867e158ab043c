//! Factors whose codes are sent: by mail, or by text message.

use crate::base::{AccountId, DisplayName, FactorId, Moment, Timestamp};
use crate::crypto::SealingKey;
use crate::store::{StoreError, Transaction};

use super::factor::{FACTORS, Factor, FactorState, MAX_FACTORS, of_account};
use super::kind::FactorKind;
use super::mailed::{TakenCode, take_code};
use super::proof::CodeProof;

/// Adds codes by mail or by text message, which need no confirmation: address and number are known to be the owner's.
/// None if the account has such codes, or too many factors.
pub fn add_sent(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    account: AccountId,
    name: DisplayName,
    by_sms: bool,
) -> Result<Option<FactorId>, StoreError> {
    let state = if by_sms { FactorState::Sms } else { FactorState::Mail };
    let factor = Factor { confirmed_at: Some(moment.now()), ..Factor::begin(name, state, moment.now()) };
    let factors = of_account(tx, account)?;
    if factors.len() >= MAX_FACTORS || factors.iter().any(|(_, other)| other.kind() == factor.kind()) {
        return Ok(None);
    }
    let id = FactorId::draw(moment);
    FACTORS.put(tx, &(account, id), &factor)?;
    Ok(Some(id))
}

/// Takes a code that was sent, once. None if it is wrong, or was sent in a way that is not one of `kinds`.
pub(super) fn take_sent(
    tx: &mut dyn Transaction,
    now: Timestamp,
    seal: &SealingKey,
    (proof, digits): (&CodeProof<'_>, &str),
    kinds: &[FactorKind],
) -> Result<Option<FactorKind>, StoreError> {
    // A code counts only while the account still has such a factor, and only for the account that it was sent for.
    Ok(match take_code(tx, now, seal, (proof.purpose, proof.bound_to), digits)? {
        TakenCode::Right { account, by_sms } if account == proof.account => {
            let kind = if by_sms { FactorKind::Sms } else { FactorKind::Mail };
            kinds.contains(&kind).then_some(kind)
        }
        _ => None,
    })
}

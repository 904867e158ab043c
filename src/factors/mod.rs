//! Second factors: what somebody has besides the password. An account may have several; whoever has one is asked for a
//! code of any of them at login, or for a recovery code.

mod factor;
mod kind;
mod mailed;
mod proof;
mod recovery;
mod sent;
mod totp;
mod trusted;

use crate::base::{AccountId, FactorId, Timestamp};
use crate::crypto::{SealingKey, TypedCode};
use crate::sessions::Method;
use crate::store::{StoreError, Transaction};

pub(crate) use factor::FACTORS;
pub use factor::{Factor, MAX_FACTORS, confirmed, has_any, of_account};
pub use kind::FactorKind;
pub(crate) use mailed::MAILED;
pub use mailed::{
    CODE_WORKS_FOR, CodePurpose, MailedCode, TakenCode, drop_all_codes, drop_code, is_recent, mail_code, sweep_codes,
    take_code, waiting_code,
};
pub use proof::{CodeProof, ProofOption, Proved};
pub(crate) use recovery::RECOVERY;
pub use recovery::{RECOVERY_CODES, codes_left, drop_codes_since, make_codes};
pub use sent::add_sent;
pub use totp::{begin_totp, confirm_totp, lower_steps, raise_steps, reseal, seed_of_begun};
pub(crate) use trusted::TRUSTED;
pub use trusted::{
    MAX_TRUSTED, NewTrust, TrustedBrowser, end_everybodys_trusts, end_trust, end_trusts, has_trust_rows, is_trusted,
    sweep_trusts, trust, trusts_of,
};

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
    let mut sent = Vec::new();
    for (id, factor) in confirmed(tx, account)? {
        match factor.kind() {
            FactorKind::Totp if totp::take_digits(tx, now, seal, (account, id), digits.expose())? => {
                return Ok(Some(Proved::by(FactorKind::Totp.method())));
            }
            FactorKind::Totp => {}
            kind @ (FactorKind::Mail | FactorKind::Sms) => sent.push(kind),
        }
    }
    if sent.is_empty() {
        return Ok(None);
    }
    let taken = sent::take_sent(tx, now, seal, (proof, digits.expose()), &sent)?;
    Ok(taken.map(|kind| Proved::by(kind.method())))
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

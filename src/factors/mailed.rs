//! Mailed codes: six digits by mail or by text message, for one login or one session, for ten minutes, for five
//! attempts.

use crate::base::{AccountId, MINUTE, Moment, Seconds, Secret, SessionId, Timestamp};
use crate::crypto::{Digest, SealingKey, constant_time_eq, draw_digits};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema};

/// The login or session that a code is for: it serves nowhere else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CodePurpose([u8; 16]);

impl CodePurpose {
    /// The pending login whose secret has this digest.
    #[must_use]
    pub fn login(secret: Digest) -> Self {
        Self(*secret.0.first_chunk().expect("16 of 32 bytes"))
    }

    /// The purpose with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The reauthentication of a session.
    #[must_use]
    pub const fn session(id: SessionId) -> Self {
        Self(*id.bytes())
    }
}

/// The row of a code. The store keeps a keyed digest of the digits, never the digits.
pub struct MailedCode {
    account: AccountId,
    code: [u8; 32],
    sent_at: Timestamp,
    expires_at: Timestamp,
    tries_left: u32,
    by_sms: bool,
}
record!(MailedCode, version 2, { account, code, sent_at, expires_at, tries_left }, since 2 { by_sms });

pub(crate) const MAILED: Table<[u8; 16], MailedCode> = Table::at(schema::MAILED_CODES);

/// Seconds for which a code works (ASVS 5.0, 6.5.5: ten minutes at most).
pub const CODE_WORKS_FOR: Seconds = 10 * MINUTE;
/// Wrong attempts after which a code is dead.
const TRIES: u32 = 5;
/// Seconds between two codes for the same purpose.
const AGAIN_AFTER: Seconds = MINUTE;

/// A keyed digest of a code, since a million codes would be tried in no time against a plain one. `bound_to` stands for
/// the owner's credentials at that time: digits die with the password, with the address, and when the owner takes the
/// account back. A link that is mailed beside them is bound to the same.
fn digest(seal: &SealingKey, context: CodePurpose, bound_to: Digest, digits: &str) -> [u8; 32] {
    seal.code(b"gatelodge mailed code/2", &[&context.0, &bound_to.0, digits.as_bytes()])
}

/// Whether a code for this purpose was sent within the last minute: then none is to be sent.
pub fn is_recent(view: &(impl Snapshot + ?Sized), now: Timestamp, context: CodePurpose) -> Result<bool, StoreError> {
    Ok(MAILED.get(view, &context.0)?.is_some_and(|before| now.since(before.sent_at) < AGAIN_AFTER))
}

/// Draws a code, which ends the one before. None while that one is younger than a minute.
pub fn mail_code(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    seal: &SealingKey,
    (account, bound_to, by_sms): (AccountId, Digest, bool),
    context: CodePurpose,
) -> Result<Option<Secret<String>>, StoreError> {
    let now = moment.now();
    if is_recent(tx, now, context)? {
        return Ok(None);
    }
    let digits = draw_digits(moment);
    let code = digest(seal, context, bound_to, digits.expose());
    let expires_at = now.plus(CODE_WORKS_FOR);
    let row = MailedCode { account, code, sent_at: now, expires_at, tries_left: TRIES, by_sms };
    MAILED.put(tx, &context.0, &row)?;
    Ok(Some(digits))
}

/// The outcome of trying a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TakenCode {
    /// It was right, and is used up.
    Right {
        /// The account that it was sent for.
        account: AccountId,
        /// Whether it was sent by text message.
        by_sms: bool,
    },
    /// It was wrong, or there is none any more.
    Wrong,
}

/// Takes a code. A wrong one costs an attempt; after the last the code is dead.
pub fn take_code(
    tx: &mut dyn Transaction,
    now: Timestamp,
    seal: &SealingKey,
    (context, bound_to): (CodePurpose, Digest),
    digits: &str,
) -> Result<TakenCode, StoreError> {
    // Computed in any case, and compared in constant time: whether a code was mailed, or how much of it is right, must
    // not show.
    let given = digest(seal, context, bound_to, digits);
    let Some(row) = MAILED.get(tx, &context.0)?.filter(|row| now < row.expires_at) else { return Ok(TakenCode::Wrong) };
    if constant_time_eq(&row.code, &given) {
        MAILED.delete(tx, &context.0)?;
        return Ok(TakenCode::Right { account: row.account, by_sms: row.by_sms });
    }
    match row.tries_left {
        0 | 1 => MAILED.delete(tx, &context.0)?,
        left => MAILED.put(tx, &context.0, &MailedCode { tries_left: left - 1, ..row })?,
    }
    Ok(TakenCode::Wrong)
}

/// The account whose code for this purpose can still be used, if there is one.
pub fn waiting_code(
    view: &(impl Snapshot + ?Sized),
    now: Timestamp,
    context: CodePurpose,
) -> Result<Option<AccountId>, StoreError> {
    Ok(MAILED.get(view, &context.0)?.filter(|row| now < row.expires_at).map(|row| row.account))
}

/// Drops a code, as what it was for has happened another way.
pub fn drop_code(tx: &mut dyn Transaction, context: CodePurpose) -> Result<(), StoreError> {
    MAILED.delete(tx, &context.0)
}

/// Drops every code, when a backup is restored: they may have been used since it was made.
pub fn drop_all_codes(tx: &mut dyn Transaction) -> Result<(), StoreError> {
    let codes = MAILED.all(tx, Direction::Up, usize::MAX)?;
    codes.iter().try_for_each(|(context, _)| MAILED.delete(tx, context))
}

/// Removes codes that have expired, looking at up to `limit` behind `after`. Returns where to go on, or none at the
/// end.
pub fn sweep_codes(
    tx: &mut dyn Transaction,
    now: Timestamp,
    after: Option<[u8; 16]>,
    limit: usize,
) -> Result<Option<[u8; 16]>, StoreError> {
    MAILED.sweep(tx, after.as_ref(), limit, |tx, context, row| {
        if now >= row.expires_at {
            MAILED.delete(tx, context)?;
        }
        Ok(())
    })
}

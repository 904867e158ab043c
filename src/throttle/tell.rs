//! Mails: how many an address may be sent, and when an owner is told of failed logins.

use crate::base::{AccountId, DAY, Moment, Seconds};
use crate::config::Throttle as Settings;
use crate::store::{Snapshot, StoreError, Transaction};

use super::bucket::{self, Bucket, Kind, MAX_CONSECUTIVE};

/// What a mail to an address is about. Each has its own limit: a flood of registrations does not hold up a reset.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MailPurpose {
    /// A link that confirms.
    Confirm,
    /// A link that sets a new password.
    Reset,
    /// Word that the address has an account.
    Known,
    /// Word to an administrator that somebody waits for approval.
    Approval,
    /// A link that logs in.
    LogIn,
    /// A code by text message.
    Text,
}

/// Seconds between two mails that tell an owner of failed logins.
const TELL_EVERY: Seconds = DAY;

/// Takes a mail of this purpose to this address (by its digest). False, and nothing is taken, if it had enough of them.
///
/// # Errors
/// When the store fails.
pub fn take_mail(
    tx: &mut dyn Transaction,
    moment: &Moment,
    settings: &Settings,
    purpose: MailPurpose,
    address: [u8; 16],
) -> Result<bool, StoreError> {
    if !settings.enabled {
        return Ok(true);
    }
    let bucket = Bucket::of(Kind::MailAddress(purpose), address);
    if bucket::level_of(tx, &bucket)?.wait(bucket.kind.rate(settings), moment.earliest(), 0) > 0 {
        return Ok(false);
    }
    bucket::charge(tx, moment, settings, &[bucket])?;
    Ok(true)
}

/// Whether the owner of this account is to be told that somebody keeps trying: there are no tries left, or the password is
/// out of use. True once a day at most.
///
/// # Errors
/// When the store fails.
pub fn may_be_told(
    tx: &mut dyn Transaction,
    moment: &Moment,
    settings: &Settings,
    account: AccountId,
) -> Result<bool, StoreError> {
    is_to_be_told(tx, moment, settings, (Kind::Account, account))
}

/// As [`may_be_told`], of wrong codes: somebody knows the password.
///
/// # Errors
/// When the store fails.
pub fn may_be_told_of_codes(
    tx: &mut dyn Transaction,
    moment: &Moment,
    settings: &Settings,
    account: AccountId,
) -> Result<bool, StoreError> {
    is_to_be_told(tx, moment, settings, (Kind::SecondFactor, account))
}

fn is_to_be_told(
    tx: &mut dyn Transaction,
    moment: &Moment,
    settings: &Settings,
    (kind, account): (Kind, AccountId),
) -> Result<bool, StoreError> {
    let (now, rate) = (moment.earliest(), kind.rate(settings));
    bucket::note_told(tx, (kind, account), now, TELL_EVERY, |level| {
        level.is_empty(rate, now) || level.failures >= MAX_CONSECUTIVE
    })
}

/// Whether so many tries failed in a row that the password is out of use.
///
/// # Errors
/// When the store fails.
pub fn is_out_of_use(view: &dyn Snapshot, account: AccountId) -> Result<bool, StoreError> {
    let bucket = Bucket::of(Kind::Account, *account.bytes());
    Ok(bucket::level_of(view, &bucket)?.failures >= MAX_CONSECUTIVE)
}

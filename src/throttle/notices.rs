//! The rate limits of mails, and when an owner is told of failed logins.

use crate::base::{AccountId, DAY, Moment, NodeId, Seconds};
use crate::config::Throttle as Settings;
use crate::store::{Snapshot, StoreError, Transaction};

use super::bucket::{self, Bucket, MAX_CONSECUTIVE};
use super::{Kind, Level, MailPurpose};

/// Seconds between two mails that tell an owner of failed logins.
const TELL_EVERY: Seconds = DAY;

/// A mail that is to be counted.
#[derive(Clone, Copy, Debug)]
pub struct MailQuota {
    /// What it is about.
    pub purpose: MailPurpose,
    /// To whom it goes, by a digest.
    pub address: [u8; 16],
    /// Which node counts it among the mails to everybody.
    pub node: NodeId,
}

/// Takes a mail out of its quota. False, and nothing is taken, if the address had enough of them.
pub fn take_mail(
    tx: &mut dyn Transaction,
    moment: &Moment,
    settings: &Settings,
    MailQuota { purpose, address, node }: MailQuota,
) -> Result<bool, StoreError> {
    if !settings.enabled {
        return Ok(true);
    }
    let bucket = Bucket::of(Kind::MailAddress(purpose), address);
    if bucket::level_of(tx, &bucket)?.wait(bucket.kind.rate(settings), moment.earliest(), 0) > 0 {
        return Ok(false);
    }
    // The crowd's bucket is charged here but judged where requests are deferred: the address alone decides whether this
    // mail is written.
    let crowd = purpose.crowd().map(|kind| Bucket::everybody(kind, node));
    let buckets: Vec<Bucket> = std::iter::once(bucket).chain(crowd).collect();
    bucket::charge(tx, moment, settings, &buckets)?;
    Ok(true)
}

/// Takes one out of a bucket. Returns the seconds to wait, and takes nothing, if it is empty.
pub fn take(
    tx: &mut dyn Transaction,
    moment: &Moment,
    settings: &Settings,
    bucket: Bucket,
) -> Result<Result<(), Seconds>, StoreError> {
    if !settings.enabled {
        return Ok(Ok(()));
    }
    let wait = bucket::level_of(tx, &bucket)?.wait(bucket.kind.rate(settings), moment.earliest(), 0);
    // A refusal costs nothing more, so whoever keeps asking does not wait any longer for it.
    if wait > 0 {
        return Ok(Err(wait));
    }
    bucket::charge(tx, moment, settings, &[bucket])?;
    Ok(Ok(()))
}

/// Wrong codes in a row of which the owner is told: whoever tries them knows the password, or asked for the mail.
const TELL_OF_CODES: u32 = 5;

/// Whether the owner of this account is to be told that somebody keeps trying: no attempts are left, or the password is
/// out of use. Attempts from known browsers count as well, in a bucket of their own. True once a day at most for each.
pub fn should_notify(
    tx: &mut dyn Transaction,
    moment: &Moment,
    settings: &Settings,
    account: AccountId,
) -> Result<bool, StoreError> {
    let now = moment.earliest();
    for kind in [Kind::Account, Kind::KnownDevices] {
        let rate = kind.rate(settings);
        let is_due = |level: &Level| level.is_empty(rate, now) || level.failures >= MAX_CONSECUTIVE;
        if bucket::note_told(tx, (kind, account), now, TELL_EVERY, is_due)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the owner is to be told of wrong codes in the bucket of this kind; once a day at most. A patient guesser
/// never empties it, so the owner is told of a few in a row.
pub fn should_notify_of_codes(
    tx: &mut dyn Transaction,
    moment: &Moment,
    whose: (Kind, AccountId),
) -> Result<bool, StoreError> {
    bucket::note_told(tx, whose, moment.earliest(), TELL_EVERY, |level| level.failures >= TELL_OF_CODES)
}

/// Whether so many attempts failed in a row that the password is out of use.
pub fn is_out_of_use(view: &dyn Snapshot, account: AccountId) -> Result<bool, StoreError> {
    let bucket = Bucket::of(Kind::Account, *account.bytes());
    Ok(bucket::level_of(view, &bucket)?.failures >= MAX_CONSECUTIVE)
}

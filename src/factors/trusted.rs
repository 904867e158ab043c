//! Trusted browsers, which are not asked for a code for a while, because their owner said so after giving one there.

use crate::base::{AccountId, BrowserId, Moment, Seconds, Timestamp};
use crate::crypto::{Digest, constant_time_eq};
use crate::sessions::{Endable, epoch_of, raise_epoch, raise_everybodys};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema};
use std::net::IpAddr;

/// A browser that its owner trusts.
#[derive(Clone, Debug)]
pub struct TrustedBrowser {
    digest: Digest,
    generation: [u8; 16],
    /// The time since which it is trusted.
    pub created_at: Timestamp,
    /// The time until which it is trusted.
    pub expires_at: Timestamp,
    /// The network address that it had.
    pub network: String,
    /// The browser, as it calls itself.
    pub agent: String,
    /// The epoch that its account was in when the trust began.
    epoch: u64,
}
record!(TrustedBrowser, version 2, { digest, generation, created_at, expires_at, network, agent }, since 2 { epoch });

/// The rows, those of a past epoch too until they are swept.
pub(crate) const TRUSTED: Table<(AccountId, BrowserId), TrustedBrowser> = Table::at(schema::TRUSTED);

/// Browsers that an account may trust; the one that was trusted first makes room.
pub const MAX_TRUSTED: usize = 50;

/// Browsers in which trust ends one by one; of more the epoch ends it in all, and the sweep removes their rows.
const ONE_BY_ONE: usize = 2;

/// Derives the id from the secret, so that the one finds the other.
fn id_of(secret: Digest) -> BrowserId {
    BrowserId::from_bytes(*secret.0.first_chunk().expect("16 of 32 bytes"))
}

/// A browser that is to be trusted.
#[derive(Clone, Copy, Debug)]
pub struct NewTrust<'a> {
    /// The digest of its secret.
    pub secret: Digest,
    /// The store's generation: a restored backup revives no trust.
    pub generation: [u8; 16],
    /// Seconds for which it is trusted.
    pub within: Seconds,
    /// The network address that it has.
    pub network: IpAddr,
    /// The browser, as it calls itself.
    pub agent: &'a str,
}

/// Trusts a browser with an account.
pub fn trust(
    tx: &mut dyn Transaction,
    moment: &Moment,
    account: AccountId,
    new: &NewTrust<'_>,
) -> Result<(), StoreError> {
    let now = moment.now();
    let (mut others, epoch) = (rows_of(tx, account)?, epoch_of(tx, account, Endable::TrustedBrowsers)?);
    if others.len() >= MAX_TRUSTED {
        // The row of one whose trust ended with all others makes room first.
        others.sort_unstable_by_key(|(_, browser)| (browser.epoch == epoch, browser.created_at));
        TRUSTED.delete(tx, &(account, others[0].0))?;
    }
    let browser = TrustedBrowser {
        digest: new.secret,
        generation: new.generation,
        created_at: now,
        expires_at: now.plus(new.within),
        network: new.network.to_string(),
        agent: new.agent.to_owned(),
        epoch,
    };
    TRUSTED.put(tx, &(account, id_of(new.secret)), &browser)
}

/// Whether the browser whose secret has this digest is trusted with this account.
pub fn is_trusted(
    view: &(impl Snapshot + ?Sized),
    account: AccountId,
    (secret, generation): (Digest, &[u8; 16]),
    now: Timestamp,
) -> Result<bool, StoreError> {
    // Found by half of the digest, so the whole of it is compared, in constant time.
    let found = find(view, account, id_of(secret))?;
    Ok(found.is_some_and(|browser| {
        constant_time_eq(&browser.digest.0, &secret.0) && browser.generation == *generation && now < browser.expires_at
    }))
}

/// Finds a browser of an account; not one in which trust has ended with all others.
fn find(
    view: &(impl Snapshot + ?Sized),
    account: AccountId,
    id: BrowserId,
) -> Result<Option<TrustedBrowser>, StoreError> {
    let epoch = epoch_of(view, account, Endable::TrustedBrowsers)?;
    Ok(TRUSTED.get(view, &(account, id))?.filter(|browser| browser.epoch == epoch))
}

/// The browsers that an account trusts, including those that have expired and are not swept yet.
pub fn trusts_of(
    view: &(impl Snapshot + ?Sized),
    account: AccountId,
) -> Result<Vec<(BrowserId, TrustedBrowser)>, StoreError> {
    let (mut rows, epoch) = (rows_of(view, account)?, epoch_of(view, account, Endable::TrustedBrowsers)?);
    rows.retain(|(_, browser)| browser.epoch == epoch);
    Ok(rows)
}

/// Whether an account has any row, of whatever epoch.
pub fn has_trust_rows(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<bool, StoreError> {
    Ok(!TRUSTED.under(view, &account, Direction::Up, 1)?.is_empty())
}

/// The rows of an account, those of a past epoch too.
fn rows_of(
    view: &(impl Snapshot + ?Sized),
    account: AccountId,
) -> Result<Vec<(BrowserId, TrustedBrowser)>, StoreError> {
    let rows = TRUSTED.under(view, &account, Direction::Up, MAX_TRUSTED + 1)?;
    Ok(rows.into_iter().map(|((_, id), browser)| (id, browser)).collect())
}

/// Ends the trust in a browser. False if there is none of this id.
pub fn end_trust(tx: &mut dyn Transaction, account: AccountId, id: BrowserId) -> Result<bool, StoreError> {
    let is_there = find(tx, account, id)?.is_some();
    TRUSTED.delete(tx, &(account, id))?;
    Ok(is_there)
}

/// Ends the trust in every browser.
pub fn end_trusts(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    let trusts = trusts_of(tx, account)?;
    if trusts.len() > ONE_BY_ONE {
        return raise_epoch(tx, account, Endable::TrustedBrowsers).map(drop);
    }
    trusts.iter().try_for_each(|(id, _)| TRUSTED.delete(tx, &(account, *id)))
}

/// Ends the trust in everybody's browsers. Returns in how many.
pub fn end_everybodys_trusts(tx: &mut dyn Transaction) -> Result<usize, StoreError> {
    let mut ended = 0;
    for ((account, _), browser) in TRUSTED.all(tx, Direction::Up, usize::MAX)? {
        ended += usize::from(browser.epoch == epoch_of(tx, account, Endable::TrustedBrowsers)?);
    }
    raise_everybodys(tx, Endable::TrustedBrowsers)?;
    Ok(ended)
}

/// Removes browsers whose trust has expired, looking at up to `limit` behind `after`. Returns where to go on, or none
/// at the end.
pub fn sweep_trusts(
    tx: &mut dyn Transaction,
    now: Timestamp,
    after: Option<(AccountId, BrowserId)>,
    limit: usize,
) -> Result<Option<(AccountId, BrowserId)>, StoreError> {
    TRUSTED.sweep(tx, after.as_ref(), limit, |tx, key, browser| {
        if now >= browser.expires_at || browser.epoch != epoch_of(tx, key.0, Endable::TrustedBrowsers)? {
            TRUSTED.delete(tx, key)?;
        }
        Ok(())
    })
}

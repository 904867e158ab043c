//! Trusted browsers, which are not asked for a code for a while, because their owner said so after giving one there.

use crate::base::{AccountId, BrowserId, Moment, Seconds, Timestamp};
use crate::crypto::{Digest, constant_time_eq};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, next_after, record, schema};
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
}
record!(TrustedBrowser, version 1, { digest, generation, created_at, expires_at, network, agent });

pub(crate) const TRUSTED: Table<(AccountId, BrowserId), TrustedBrowser> = Table::at(schema::TRUSTED);

/// Browsers that an account may trust; the one that was trusted first makes room.
pub const MAX_TRUSTED: usize = 50;

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
    let mut others = trusts_of(tx, account)?;
    if others.len() >= MAX_TRUSTED {
        others.sort_unstable_by_key(|(_, browser)| browser.created_at);
        TRUSTED.delete(tx, &(account, others[0].0))?;
    }
    let browser = TrustedBrowser {
        digest: new.secret,
        generation: new.generation,
        created_at: now,
        expires_at: now.plus(new.within),
        network: new.network.to_string(),
        agent: new.agent.to_owned(),
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
    let found = TRUSTED.get(view, &(account, id_of(secret)))?;
    Ok(found.is_some_and(|browser| {
        constant_time_eq(&browser.digest.0, &secret.0) && browser.generation == *generation && now < browser.expires_at
    }))
}

/// The browsers that an account trusts, including those that have expired and are not swept yet.
pub fn trusts_of(
    view: &(impl Snapshot + ?Sized),
    account: AccountId,
) -> Result<Vec<(BrowserId, TrustedBrowser)>, StoreError> {
    let rows = TRUSTED.under(view, &account, Direction::Up, MAX_TRUSTED + 1)?;
    Ok(rows.into_iter().map(|((_, id), browser)| (id, browser)).collect())
}

/// Ends the trust in a browser. False if there is none of this id.
pub fn end_trust(tx: &mut dyn Transaction, account: AccountId, id: BrowserId) -> Result<bool, StoreError> {
    let is_there = TRUSTED.get(tx, &(account, id))?.is_some();
    TRUSTED.delete(tx, &(account, id))?;
    Ok(is_there)
}

/// Ends the trust in every browser.
pub fn end_trusts(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    for (id, _) in trusts_of(tx, account)? {
        TRUSTED.delete(tx, &(account, id))?;
    }
    Ok(())
}

/// Ends the trust in up to `limit` browsers behind `after`, of any account. Returns in how many, and where to go on, or
/// none at the end.
pub fn end_some_trusts(
    tx: &mut dyn Transaction,
    after: Option<(AccountId, BrowserId)>,
    limit: usize,
) -> Result<(usize, Option<(AccountId, BrowserId)>), StoreError> {
    let page = TRUSTED.page(tx, after.as_ref(), limit)?;
    page.iter().try_for_each(|(key, _)| TRUSTED.delete(tx, key))?;
    Ok((page.len(), next_after(&page, limit)))
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
        if now >= browser.expires_at {
            TRUSTED.delete(tx, key)?;
        }
        Ok(())
    })
}

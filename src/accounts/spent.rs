//! Secrets that did their work: links that were used, and the secrets of sessions that go on under new ones.
//!
//! Whoever opens a used link again, or posts a form twice (a double submit), hears that it is done, and when: the second of two clicks is what a browser
//! shows. Only the digest of a secret that worked is here, so nobody learns anything by guessing, and it opens nothing any more.

use crate::audit::Act;
use crate::base::{AccountId, DAY, Moment, Seconds, SessionId, Timestamp};
use crate::crypto::{Bearer, Digest};
use crate::sessions::{self, Method, Session};
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};

use super::Work;

/// Seconds for which a link still says that it did its work; after that it does not work, as any other.
const REMEMBERED_FOR: Seconds = 30 * DAY;

/// What a secret did.
pub struct Spent {
    /// When.
    pub done_at: Timestamp,
    /// What the session was renewed for; none for a link, which is of one kind.
    pub act: Option<Act>,
}
record!(Spent, version 1, { done_at, act });

pub(crate) const SPENT: Table<Digest, Spent> = Table::at(schema::SPENT_SECRETS);

/// Notes that the link with this secret did its work now.
pub(super) fn note(tx: &mut dyn Transaction, moment: &Moment, secret: Digest) -> Result<(), StoreError> {
    SPENT.put(tx, &secret, &Spent { done_at: moment.now(), act: None })
}

/// What this secret did, if it did its work.
pub fn find(view: &(impl Snapshot + ?Sized), secret: Digest) -> Result<Option<Spent>, StoreError> {
    SPENT.get(view, &secret)
}

/// When the link with this secret did its work, if it did.
pub(super) fn used_at(view: &(impl Snapshot + ?Sized), secret: Digest) -> Result<Option<Timestamp>, StoreError> {
    Ok(find(view, secret)?.map(|spent| spent.done_at))
}

/// As [`sessions::renew`], and notes that the old secret did its work: a form that is posted twice comes with it once more.
pub fn renew_session(
    work: &mut Work<'_>,
    (account, id, act): (AccountId, SessionId, Act),
    methods: &[Method],
) -> Result<Option<(Bearer, Session)>, StoreError> {
    if let Some(old) = sessions::secret_of(work.tx, account, id)? {
        SPENT.put(work.tx, &old, &Spent { done_at: work.moment.now(), act: Some(act) })?;
    }
    sessions::renew(work.tx, work.moment, (account, id), methods, work.env.config.spa.access.seconds())
}

/// Forgets up to `limit` secrets that were spent long ago, looking at as many behind `after`. Returns where to go on, or none at the
/// end.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    after: Option<Digest>,
    limit: usize,
) -> Result<Option<Digest>, StoreError> {
    let page = SPENT.page(tx, after.as_ref(), limit)?;
    for (secret, spent) in &page {
        if now.since(spent.done_at) > REMEMBERED_FOR {
            SPENT.delete(tx, secret)?;
        }
    }
    Ok((page.len() == limit).then(|| page.last().map(|(secret, _)| *secret)).flatten())
}

//! Spent secrets: links that have done their work, and the secrets of sessions that go on under new ones.
//!
//! Whoever opens a used link again, or posts a form twice (double submit), is told that it is done, and when: the
//! answer to the second of two clicks is what a browser shows. Only digests of secrets that worked are kept, so
//! guessing reveals nothing, and a spent secret opens nothing any more.

use crate::audit::Act;
use crate::base::{AccountId, DAY, Moment, Seconds, SessionId, Timestamp};
use crate::crypto::{Bearer, Digest};
use crate::sessions::{self, Method, Session};
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};

use super::Work;

/// Seconds for which a used link is reported as used; after that it is refused like any other that does not work.
const REMEMBERED_FOR: Seconds = 30 * DAY;

/// The work that a secret has done.
pub struct Spent {
    /// The time at which it was spent.
    pub done_at: Timestamp,
    /// The action that the session was renewed for; none for a link, which is for one purpose only.
    pub act: Option<Act>,
}
record!(Spent, version 1, { done_at, act });

pub(crate) const SPENT: Table<Digest, Spent> = Table::at(schema::SPENT_SECRETS);

/// Records that the link with this secret was used now.
pub(super) fn note(tx: &mut dyn Transaction, moment: &Moment, secret: Digest) -> Result<(), StoreError> {
    SPENT.put(tx, &secret, &Spent { done_at: moment.now(), act: None })
}

/// Finds the work that a secret has done, if it is spent.
pub fn find(view: &(impl Snapshot + ?Sized), secret: Digest) -> Result<Option<Spent>, StoreError> {
    SPENT.get(view, &secret)
}

/// The time at which the link with this secret was used, if it was.
pub(super) fn used_at(view: &(impl Snapshot + ?Sized), secret: Digest) -> Result<Option<Timestamp>, StoreError> {
    Ok(find(view, secret)?.map(|spent| spent.done_at))
}

/// Renews a session as [`sessions::renew`] does, and records that the old secret is spent: a form that is posted twice
/// comes with it once more.
pub fn renew_session(
    work: &mut Work<'_>,
    account: AccountId,
    id: SessionId,
    act: Act,
    methods: &[Method],
) -> Result<Option<(Bearer, Session)>, StoreError> {
    if let Some(old) = sessions::secret_of(work.tx, account, id)? {
        SPENT.put(work.tx, &old, &Spent { done_at: work.moment.now(), act: Some(act) })?;
    }
    let access = work.env.config.spa.access.seconds();
    let renewed = sessions::renew(work.tx, work.moment, (account, id), methods, access)?;
    if let Some((secret, session)) = &renewed {
        sessions::make_doors(work.tx, secret, session, &work.env.config.access.domains)?;
    }
    Ok(renewed)
}

/// Forgets secrets that were spent long ago, looking at up to `limit` behind `after`. Returns where to go on, or none
/// at the end.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    after: Option<Digest>,
    limit: usize,
) -> Result<Option<Digest>, StoreError> {
    SPENT.sweep(tx, after.as_ref(), limit, |tx, secret, spent| {
        if now.since(spent.done_at) > REMEMBERED_FOR {
            SPENT.delete(tx, secret)?;
        }
        Ok(())
    })
}

//! Doors: the secrets by which other applications below a domain know who is logged in (forward auth).
//!
//! A browser sends a cookie of a whole domain to every application there, so it holds a secret of its own that opens
//! nothing here. That secret is derived from the session's, and its row names the session by the digest of that: a door
//! is shut as soon as the session has ended or goes on under a new secret, without anything to remove. The sweep removes
//! the row later.

use crate::config::AccessDomain;
use crate::crypto::{Bearer, Digest};
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};

use super::session::find;
use super::{Carrier, Session};

/// A door: what it leads to never changes.
#[derive(Clone, Debug)]
pub struct DoorCookie {
    /// The digest of the session's secret.
    pub session: Digest,
    /// The domain at and below which it is good.
    pub domain: String,
}
record!(DoorCookie, version 1, { session, domain });

pub(crate) const DOORS: Table<Digest, DoorCookie> = Table::at(schema::DOORS);

/// Makes the doors of a session that a browser carries, one for each domain.
pub fn make_doors(
    tx: &mut dyn Transaction,
    secret: &Bearer,
    session: &Session,
    domains: &[AccessDomain],
) -> Result<(), StoreError> {
    if !matches!(session.carrier, Carrier::BrowserCookie | Carrier::KeptCookie) {
        return Ok(());
    }
    for domain in domains.iter().filter_map(|domain| domain.cookie.as_ref()) {
        let door = DoorCookie { session: secret.digest(), domain: domain.as_str().to_owned() };
        DOORS.put(tx, &secret.door(&door.domain).digest(), &door)?;
    }
    Ok(())
}

/// Finds where the door with this secret leads, whether or not the session lives.
pub fn find_door(view: &(impl Snapshot + ?Sized), digest: Digest) -> Result<Option<DoorCookie>, StoreError> {
    DOORS.get(view, &digest)
}

/// Removes doors to sessions that are gone, looking at up to `limit` behind `after`. Returns where to go on, or none at
/// the end.
pub fn sweep_doors(
    tx: &mut dyn Transaction,
    after: Option<Digest>,
    limit: usize,
) -> Result<Option<Digest>, StoreError> {
    DOORS.sweep(tx, after.as_ref(), limit, |tx, digest, door| {
        if find(tx, door.session)?.is_some() { Ok(()) } else { DOORS.delete(tx, digest) }
    })
}

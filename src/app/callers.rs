//! Finds who asks: the holder of a session or of an API token, cached from one request to the next.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};

use crate::accounts::standing::{self, Credential};
use crate::accounts::{permissions, person, spent};
use crate::audit::Act;
use crate::base::{MINUTE, Permission, Seconds, Timestamp};
use crate::crypto::Digest;
use crate::factors;
use crate::groups;
use crate::store::StoreError;

use super::App;
use super::session_cache::KnownCaller;

/// How long after a form was posted another post of it counts as the second of two clicks, in seconds.
const SECOND_CLICK_WITHIN: Seconds = 5 * MINUTE;

impl App {
    /// Returns the act for which the session with this secret went on under a new one a moment ago. A
    /// failure of the store is no reason to report one.
    pub fn just_renewed_for(&self, secret: Digest) -> Option<Act> {
        let found = self.read(|view| spent::find(view, secret)).ok().flatten()?;
        found.act.filter(|_| self.now().since(found.done_at) < SECOND_CLICK_WITHIN)
    }
}

impl App {
    /// Returns the holder of the session, or of the API token, with this secret, if it is alive and its account open.
    pub fn find_caller(&self, digest: Digest) -> Result<Option<Arc<KnownCaller>>, StoreError> {
        let logged_in = match self.session_cache.find(&digest) {
            Ok(logged_in) => logged_in,
            Err(heard) => match self.look_up_session(digest)? {
                None => return Ok(None),
                Some(logged_in) => {
                    self.session_cache.remember(&logged_in, heard);
                    logged_in
                }
            },
        };
        // Judged at every request, because a cached session expires without any commit that would evict it.
        let time = self.time();
        let seen_at = Timestamp::from_seconds(logged_in.seen_at.load(Ordering::Relaxed));
        let is_alive = logged_in.session.is_alive(seen_at, time.later, &self.session_cache.generation);
        if !is_alive || !logged_in.session.is_open(time.later) || logged_in.person.account.disabled_at.is_some() {
            return Ok(None);
        }
        // While a step of the clock is in doubt the earlier time is noted: it
        // is still true when the step is taken back.
        let used_at = time.earlier.max(logged_in.session.created_at);
        if used_at.since(seen_at) >= logged_in.session.note_after() {
            logged_in.seen_at.store(used_at.seconds(), Ordering::Relaxed);
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, used_at);
        }
        Ok(Some(logged_in))
    }

    /// Whether the person who is named may do something. None if nobody has the name.
    pub fn may(&self, named: &str, permission: &Permission) -> Result<Option<bool>, StoreError> {
        self.read(|view| permissions::may(view, named, permission))
    }

    fn look_up_session(&self, digest: Digest) -> Result<Option<Arc<KnownCaller>>, StoreError> {
        self.read(|view| {
            let Some(Credential { session, scopes }) = standing::look_up(view, digest)? else { return Ok(None) };
            let Some(person) = person::load(view, session.account)? else { return Ok(None) };
            let permissions = groups::permissions_of(view, &person.account.groups)?;
            let seen_at = AtomicU64::new(session.seen_at.seconds());
            let has_second_factor = factors::has_any(view, person.id)?;
            let lacks_second_factor = standing::lacks_second_factor(view, &self.env(), &session, &person.account)?;
            Ok(Some(Arc::new(KnownCaller {
                digest,
                session,
                person,
                permissions,
                scopes,
                has_second_factor,
                lacks_second_factor,
                document: OnceLock::new(),
                seen_at,
            })))
        })
    }
}

//! Finds who asks: the holder of a session, an API token or an application password, cached from one request to the
//! next.

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
    pub async fn just_renewed_for(&self, secret: Digest) -> Option<Act> {
        let found = self.read(|view| spent::find(view, secret)).await.ok().flatten()?;
        found.act.filter(|_| self.now().since(found.done_at) < SECOND_CLICK_WITHIN)
    }
}

impl App {
    /// Returns the holder of the session, the API token or the application password with this secret, if it is alive
    /// and its account open. Which of them it is only [`KnownCaller::grant`] tells.
    pub async fn find_caller(&self, digest: Digest) -> Result<Option<Arc<KnownCaller>>, StoreError> {
        let found = match self.session_cache.find(&digest) {
            Ok(cached) => Some(cached),
            Err(heard) => {
                let found = self.look_up_session(digest).await?;
                found.inspect(|caller| self.session_cache.remember(caller, heard))
            }
        };
        Ok(found.filter(|caller| self.is_in(caller)))
    }

    /// As [`App::find_caller`], where the store need not be asked. None says nothing: then it has to be.
    pub fn find_cached_caller(&self, digest: Digest) -> Option<Arc<KnownCaller>> {
        self.session_cache.find(&digest).ok().filter(|caller| self.is_in(caller))
    }

    /// Whether the session still lets its holder in; notes that it was used.
    fn is_in(&self, caller: &KnownCaller) -> bool {
        // Judged at every request, because a cached session expires without any commit that would evict it.
        let time = self.time();
        let (session, seen_at) = (&caller.session, Timestamp::from_seconds(caller.seen_at.load(Ordering::Relaxed)));
        let is_alive = session.is_alive(seen_at, time.later, &self.session_cache.generation);
        if !is_alive || !session.is_open(time.later) || caller.person.account.disabled_at.is_some() {
            return false;
        }
        // While a step of the clock is in doubt the earlier time is noted: it
        // is still true when the step is taken back.
        let used_at = time.earlier.max(session.created_at);
        // A token's first use is news, however soon it comes.
        let is_first = !caller.grant.is_session() && seen_at == session.created_at && used_at > seen_at;
        if is_first || used_at.since(seen_at) >= session.note_after() {
            caller.seen_at.store(used_at.seconds(), Ordering::Relaxed);
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(caller.digest, used_at);
        }
        true
    }

    /// Whether the person who is named may do something. None if nobody has the name.
    pub async fn may(&self, named: &str, permission: &Permission) -> Result<Option<bool>, StoreError> {
        self.read(|view| permissions::may(view, named, permission)).await
    }

    async fn look_up_session(&self, digest: Digest) -> Result<Option<Arc<KnownCaller>>, StoreError> {
        self.read(|view| {
            let Some(Credential { session, grant }) = standing::look_up(view, digest)? else { return Ok(None) };
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
                grant,
                has_second_factor,
                lacks_second_factor,
                document: OnceLock::new(),
                at_door: OnceLock::new(),
                seen_at,
            })))
        })
        .await
    }
}

//! Sessions that were looked up before. A commit makes forget what it changed, before anybody is answered,
//! so an ended session is refused from the moment its ending was acknowledged.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use bytes::Bytes;

use crate::accounts::Person;
use crate::base::{AccountId, Permission};
use crate::crypto::Digest;
use crate::sessions::{Scope, Session};
use crate::store::{Changes, Event, schema};

/// Somebody with a session.
#[derive(Debug)]
pub struct LoggedIn {
    /// The digest of the session's secret.
    pub digest: Digest,
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub person: Person,
    /// What they may do, by their groups.
    pub permissions: BTreeSet<Permission>,
    /// What an API token that they ask by is good for; none with a session of their own, which is good for everything.
    pub scopes: Option<BTreeSet<Scope>>,
    /// Whether they have a second factor.
    pub has_second_factor: bool,
    /// Whether they have to set one up before anything else.
    pub lacks_second_factor: bool,
    /// What was made of session and person for the API: it stays true as long as this value is remembered.
    pub document: OnceLock<Bytes>,
    pub(super) seen_at: AtomicU64,
}

impl LoggedIn {
    /// Whether they see what administrators see: by a session of their own, or by a token that is good for that.
    #[must_use]
    pub fn administers(&self) -> bool {
        let is_good = self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&Scope::AdminRead));
        is_good && self.person.account.is_administrator()
    }
}

/// In several parts, each behind a lock of its own: threads that look sessions up would meet at one lock with every request.
pub(super) struct SessionCache {
    parts: [RwLock<Part>; SessionCache::PARTS],
    /// The store's: sessions of another one are none.
    pub(super) generation: [u8; 16],
}

#[derive(Default)]
struct Part {
    by_digest: HashMap<Digest, Arc<LoggedIn>, BuildHasherDefault<Spread>>,
    /// Counts what was heard: whoever read an older view must not remember what it says.
    heard: u64,
}

/// The first bytes of a digest. They are spread evenly, and what is kept are digests of secrets that we drew: nobody can choose some
/// that meet.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length, which is the same for all.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl SessionCache {
    const PARTS: usize = 16;
    /// Sessions remembered in each part at most; beyond it all of them are forgotten and looked up again.
    const MAX: usize = 10_000 / Self::PARTS;

    /// None are known yet of those that the store has in this generation.
    pub(super) fn new(generation: [u8; 16]) -> Self {
        Self { parts: Default::default(), generation }
    }

    pub(super) fn invalidate(&self, event: &Event<'_>) {
        match event {
            Event::Reopened => self.forget_all(),
            Event::Committed(changes, _) => {
                let changed = Changed::of(changes);
                self.each(|known| known.forget(&changed));
            }
        }
    }

    pub(super) fn forget_all(&self) {
        self.each(|known| known.by_digest.clear());
    }

    /// Whatever is heard, every part hears.
    fn each(&self, forget: impl Fn(&mut Part)) {
        for part in &self.parts {
            let mut known = part.write().unwrap_or_else(PoisonError::into_inner);
            forget(&mut known);
            known.heard += 1;
        }
    }

    /// By the last byte, because the table in a part goes by the first ones.
    fn part(&self, digest: &Digest) -> &RwLock<Part> {
        &self.parts[usize::from(digest.0[31]) % Self::PARTS]
    }

    pub(super) fn find(&self, digest: &Digest) -> Result<Arc<LoggedIn>, u64> {
        let known = self.part(digest).read().unwrap_or_else(PoisonError::into_inner);
        known.by_digest.get(digest).cloned().ok_or(known.heard)
    }

    pub(super) fn remember(&self, logged_in: &Arc<LoggedIn>, heard: u64) {
        let mut known = self.part(&logged_in.digest).write().unwrap_or_else(PoisonError::into_inner);
        if known.heard != heard {
            return;
        }
        if known.by_digest.len() >= Self::MAX {
            known.by_digest.clear();
        }
        known.by_digest.insert(logged_in.digest, Arc::clone(logged_in));
    }
}

/// What a commit changed, as far as sessions depend on it.
struct Changed {
    /// What a group may do is part of what is remembered of all its members.
    groups: bool,
    credentials: Vec<Digest>,
    accounts: BTreeSet<AccountId>,
}

impl Changed {
    fn of(changes: &Changes) -> Self {
        let credentials = keys(changes, schema::SESSIONS).chain(keys(changes, schema::API_TOKENS));
        let accounts = [schema::ACCOUNTS, schema::IDENTITIES_OF, schema::FACTORS].into_iter();
        Self {
            groups: keys(changes, schema::GROUPS).next().is_some(),
            credentials: credentials.filter_map(|key| key.try_into().ok().map(Digest)).collect(),
            accounts: accounts
                .flat_map(|range| keys(changes, range))
                .filter_map(|key| key.first_chunk().map(|id| AccountId::from_bytes(*id)))
                .collect(),
        }
    }
}

impl Part {
    fn forget(&mut self, changed: &Changed) {
        if changed.groups {
            self.by_digest.clear();
        }
        for digest in &changed.credentials {
            self.by_digest.remove(digest);
        }
        if !changed.accounts.is_empty() {
            self.by_digest.retain(|_, logged_in| !changed.accounts.contains(&logged_in.person.id));
        }
    }
}

/// The changed keys of a table, without its prefix.
fn keys(changes: &Changes, range: schema::Range) -> impl Iterator<Item = &[u8]> {
    changes.range(vec![range.prefix]..vec![range.prefix + 1]).map(|(key, _)| &key[1..])
}

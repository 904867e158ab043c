//! A cache of sessions. A commit evicts what it changed before anybody is answered, so an ended session is
//! refused from the moment its end was acknowledged.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use bytes::Bytes;

use crate::accounts::Person;
use crate::base::{AccountId, Permission};
use crate::crypto::Digest;
use crate::gate::ProofKind;
use crate::sessions::{DoorCookie, EVERYBODY, Grant, Scope, Session};
use crate::store::{Changes, Event, schema};

use super::at_door::AtDoor;

/// A caller with a session or a token, and what requests need to know of them.
#[derive(Debug)]
pub struct KnownCaller {
    /// The digest of the session's secret.
    pub digest: Digest,
    /// The session itself, or the one that a token stands for.
    pub session: Session,
    /// The person whose session it is.
    pub person: Person,
    /// What they may do, by their groups.
    pub permissions: BTreeSet<Permission>,
    /// What their credential is good for: it says whether they have a session of their own, an API token or an
    /// application password.
    pub grant: Grant,
    /// Whether they have a second factor.
    pub has_second_factor: bool,
    /// Whether they must set one up before anything else.
    pub lacks_second_factor: bool,
    /// The document on session and person for the API, made once: it holds as long as this value is cached.
    pub document: OnceLock<Bytes>,
    pub(super) at_door: OnceLock<AtDoor>,
    pub(super) seen_at: AtomicU64,
}

impl KnownCaller {
    /// Returns what access rules and applications are told of them.
    pub fn at_door(&self) -> &AtDoor {
        let proof = match self.grant {
            Grant::Session => ProofKind::Session,
            Grant::ApiToken(_) => ProofKind::Token,
            Grant::AppPassword(_) => ProofKind::AppPassword,
            Grant::Password => ProofKind::Password,
        };
        self.at_door.get_or_init(|| AtDoor::of(&self.person, &self.session, proof))
    }

    /// Whether they see what administrators see: by a session of their own, or by a token with the scope for it.
    #[must_use]
    pub fn administers(&self) -> bool {
        self.grant.covers(Some(Scope::AdminRead)) && self.person.account.is_administrator()
    }
}

/// The cache, in parts with a lock each: with a single lock, all threads would contend for it at every request.
pub(super) struct SessionCache {
    parts: [RwLock<Part>; SessionCache::PARTS],
    /// The store's generation: sessions of another one are void.
    pub(super) generation: [u8; 16],
}

#[derive(Default)]
struct Part {
    by_digest: HashMap<Digest, Arc<KnownCaller>, BuildHasherDefault<Spread>>,
    /// Doors by the digests of their secrets. Where one leads never changes, so no commit makes any of these untrue.
    doors: HashMap<Digest, Arc<DoorCookie>, BuildHasherDefault<Spread>>,
    /// Pairs of name and password that were refused, and are not hashed again before their account changes; those of names
    /// that nobody has, before any name does.
    refused: HashMap<Digest, Option<AccountId>, BuildHasherDefault<Spread>>,
    /// Counts invalidations: whoever read an older view must not cache what it says.
    heard: u64,
    /// What that was at the last change of any account or name.
    heard_of_accounts: u64,
}

/// Takes the first bytes of a digest for its hash. They are spread evenly, and the digests are of secrets that
/// we drew: nobody can choose some that collide.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// Leaves out the length, which is the same for all.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl SessionCache {
    const PARTS: usize = 16;
    /// The most sessions cached in each part; beyond it the part is emptied and filled again.
    const MAX: usize = 10_000 / Self::PARTS;

    /// Starts empty, for a store of this generation.
    pub(super) fn new(generation: [u8; 16]) -> Self {
        Self { parts: Default::default(), generation }
    }

    pub(super) fn invalidate(&self, event: &Event<'_>) {
        match event {
            Event::Reopened => self.forget_all(),
            Event::Committed(changes, _) | Event::Elsewhere(changes) => {
                let changed = Changed::of(changes);
                self.each(|known| known.forget(&changed));
            }
        }
    }

    pub(super) fn forget_all(&self) {
        self.each(|known| {
            known.by_digest.clear();
            known.doors.clear();
            known.refused.clear();
        });
    }

    /// Applies an invalidation to every part.
    fn each(&self, forget: impl Fn(&mut Part)) {
        for part in &self.parts {
            let mut known = part.write().unwrap_or_else(PoisonError::into_inner);
            forget(&mut known);
            // Counted in every part, also where nothing was removed: a look-up that began
            // before the commit must not be cached after it.
            known.heard += 1;
        }
    }

    /// Chooses by the last byte, because the table in a part goes by the first ones.
    fn part(&self, digest: &Digest) -> &RwLock<Part> {
        &self.parts[usize::from(digest.0[31]) % Self::PARTS]
    }

    pub(super) fn find(&self, digest: &Digest) -> Result<Arc<KnownCaller>, u64> {
        let known = self.part(digest).read().unwrap_or_else(PoisonError::into_inner);
        known.by_digest.get(digest).cloned().ok_or(known.heard)
    }

    /// Returns how many invalidations were heard where a digest belongs, for what is remembered after reading.
    pub(super) fn heard(&self, digest: &Digest) -> u64 {
        self.part(digest).read().unwrap_or_else(PoisonError::into_inner).heard
    }

    /// Whether a pair of name and password was refused, and its account has not changed since.
    pub(super) fn is_refused(&self, digest: &Digest) -> bool {
        self.part(digest).read().unwrap_or_else(PoisonError::into_inner).refused.contains_key(digest)
    }

    /// Remembers that a pair was refused, as far as was heard.
    pub(super) fn refuse(&self, digest: Digest, account: Option<AccountId>, heard: u64) {
        let mut known = self.part(&digest).write().unwrap_or_else(PoisonError::into_inner);
        if known.heard_of_accounts > heard {
            return;
        }
        if known.refused.len() >= Self::MAX {
            known.refused.clear();
        }
        known.refused.insert(digest, account);
    }

    pub(super) fn find_door(&self, digest: &Digest) -> Option<Arc<DoorCookie>> {
        self.part(digest).read().unwrap_or_else(PoisonError::into_inner).doors.get(digest).cloned()
    }

    pub(super) fn remember_door(&self, digest: Digest, door: DoorCookie) -> Arc<DoorCookie> {
        let door = Arc::new(door);
        let mut known = self.part(&digest).write().unwrap_or_else(PoisonError::into_inner);
        if known.doors.len() >= Self::MAX {
            known.doors.clear();
        }
        known.doors.insert(digest, Arc::clone(&door));
        door
    }

    pub(super) fn remember(&self, logged_in: &Arc<KnownCaller>, heard: u64) {
        let mut known = self.part(&logged_in.digest).write().unwrap_or_else(PoisonError::into_inner);
        // Something was committed since the caller's view: what it says may be out of date already.
        if known.heard != heard {
            return;
        }
        if known.by_digest.len() >= Self::MAX {
            known.by_digest.clear();
        }
        known.by_digest.insert(logged_in.digest, Arc::clone(logged_in));
    }
}

/// The changes of a commit that sessions depend on.
struct Changed {
    /// Whether nothing that is cached holds: a group changed, whose permissions are part of what is cached of its
    /// members, or everybody's sessions ended.
    everybody: bool,
    credentials: Vec<Digest>,
    accounts: BTreeSet<AccountId>,
    /// Whether anybody has another name.
    names: bool,
}

impl Changed {
    fn of(changes: &Changes) -> Self {
        let credentials = keys(changes, schema::SESSIONS).chain(keys(changes, schema::API_TOKENS));
        let accounts: BTreeSet<AccountId> = [schema::ACCOUNTS, schema::IDENTITIES_OF, schema::FACTORS, schema::EPOCHS]
            .into_iter()
            .flat_map(|range| keys(changes, range))
            .filter_map(|key| key.first_chunk().map(|id| AccountId::from_bytes(*id)))
            .collect();
        Self {
            everybody: keys(changes, schema::GROUPS).next().is_some() || accounts.contains(&EVERYBODY),
            credentials: credentials.filter_map(|key| key.try_into().ok().map(Digest)).collect(),
            accounts,
            names: keys(changes, schema::IDENTITIES).next().is_some(),
        }
    }
}

impl Part {
    fn forget(&mut self, changed: &Changed) {
        if changed.everybody {
            self.by_digest.clear();
        }
        for digest in &changed.credentials {
            self.by_digest.remove(digest);
        }
        if changed.everybody {
            self.refused.clear();
        }
        if changed.everybody || changed.names || !changed.accounts.is_empty() {
            self.heard_of_accounts = self.heard + 1;
            let holds = |account: &Option<AccountId>| match account {
                Some(account) => !changed.accounts.contains(account),
                None => !changed.names,
            };
            self.refused.retain(|_, account| holds(account));
        }
        if !changed.accounts.is_empty() {
            self.by_digest.retain(|_, logged_in| !changed.accounts.contains(&logged_in.person.id));
        }
    }
}

/// Returns the changed keys of a table, without its prefix.
fn keys(changes: &Changes, range: schema::Range) -> impl Iterator<Item = &[u8]> {
    changes.range(vec![range.prefix]..vec![range.prefix + 1]).map(|(key, _)| &key[1..])
}

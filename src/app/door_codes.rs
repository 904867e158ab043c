//! Codes that carry a door to another domain, which no cookie reaches. They live for a minute and in memory: whoever
//! loses one to a restart is sent for another.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::base::{MINUTE, Seconds, Timestamp};
use crate::crypto::{Bearer, Digest};
use crate::sessions::Client;

/// Seconds for which a code works.
pub(super) const CODE_WITHIN: Seconds = MINUTE;
/// The most codes that are out at once.
const MAX_CODES: usize = 10_000;

/// The codes that are out, each of which carries one session to one domain.
#[derive(Default)]
pub(super) struct DoorCodes(Mutex<Codes>);

impl DoorCodes {
    pub(super) fn lock(&self) -> MutexGuard<'_, Codes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
pub(super) struct Codes {
    by_code: HashMap<Digest, Passage>,
    /// The one that counts for a session and domain: asking in a loop makes no more of them.
    latest: HashMap<(Digest, String), Digest>,
}

/// Where a code leads.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    /// The secret of the door.
    pub door: Bearer,
    /// The digest of the session's secret.
    pub session: Digest,
    /// The domain that the door is good for.
    pub domain: String,
    /// The time at which the code was made.
    pub made_at: Timestamp,
    /// The browser that it was made for, as far as it is known.
    pub browser: Browser,
}

/// What is known of a browser wherever it goes: its network address, and what it calls itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Browser {
    /// The network address.
    pub network: IpAddr,
    /// What it calls itself.
    pub agent: String,
}

impl From<&Client> for Browser {
    fn from(client: &Client) -> Self {
        Self { network: client.network, agent: client.agent.clone() }
    }
}

impl Codes {
    pub(super) fn find(&self, code: Digest) -> Option<&Passage> {
        self.by_code.get(&code)
    }

    pub(super) fn take(&mut self, code: Digest) -> Option<Passage> {
        let passage = self.by_code.remove(&code)?;
        self.latest.remove(&(passage.session, passage.domain.clone()));
        Some(passage)
    }

    pub(super) fn put(&mut self, code: Digest, passage: Passage) {
        if self.by_code.len() >= MAX_CODES {
            let now = passage.made_at;
            self.by_code.retain(|_, other| now.since(other.made_at) < CODE_WITHIN);
            let kept = &self.by_code;
            self.latest.retain(|_, code| kept.contains_key(code));
        }
        let place = (passage.session, passage.domain.clone());
        if let Some(before) = self.latest.get(&place) {
            self.by_code.remove(before);
        } else if self.by_code.len() >= MAX_CODES {
            // Whoever comes now logs in again; nobody who has a code loses it.
            return;
        }
        self.latest.insert(place, code);
        self.by_code.insert(code, passage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Moment;
    use crate::crypto::BearerKind;

    fn passage(session: u8, domain: &str, made_at: u64) -> Passage {
        let mut moment = Moment::new(Timestamp::from_seconds(made_at), [session; 32]);
        let secret = Bearer::draw(BearerKind::Session, &mut moment);
        let made_at = moment.now();
        let browser = Browser::from(&Client::at([192, 0, 2, 1].into()));
        Passage { door: secret.door(domain), session: secret.digest(), domain: domain.to_owned(), made_at, browser }
    }

    #[test]
    fn a_code_works_once_and_the_next_of_a_session_replaces_it() {
        let mut codes = Codes::default();
        let (first, second, other) = (Digest([1; 32]), Digest([2; 32]), Digest([3; 32]));
        codes.put(first, passage(1, "example.org", 100));
        codes.put(other, passage(1, "example.net", 100));
        codes.put(second, passage(1, "example.org", 101));
        assert!(codes.take(first).is_none());
        assert!(codes.take(second).is_some() && codes.take(second).is_none());
        assert!(codes.take(other).is_some());
        assert!(codes.by_code.is_empty() && codes.latest.is_empty());
    }

    #[test]
    fn codes_are_bounded_and_those_that_are_over_make_room() {
        let mut codes = Codes::default();
        let digest = |n: usize| Digest::of(&n.to_le_bytes());
        for n in 0..=MAX_CODES {
            codes.put(digest(n), Passage { session: digest(n), ..passage(1, "example.org", 100) });
        }
        assert_eq!((codes.by_code.len(), codes.latest.len()), (MAX_CODES, MAX_CODES));
        assert!(codes.take(digest(MAX_CODES)).is_none() && codes.take(digest(0)).is_some());
        codes.put(digest(1_000_000), passage(2, "example.org", 100));
        codes.put(digest(1_000_001), passage(3, "example.org", 100 + CODE_WITHIN));
        assert_eq!((codes.by_code.len(), codes.latest.len()), (1, 1));
    }
}

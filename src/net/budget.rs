//! The memory budget for requests and answers under way: a total, and a fair share of it for each network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ipnet::IpNet;

use super::networks::widest_network;

/// Bytes of requests and answers under way at a time, over all connections: heads, bodies, and answers until they have
/// left. The service may have 256 MiB (`systemd/gatelodge.service`), of which hashing takes 19 MiB for each thread.
const MAX_UNDER_WAY_BYTES: usize = 32 * 1024 * 1024;
/// One part in four is reserved for networks that hold little.
const PART_RESERVED: usize = 4;
/// Bytes that count as little: some ten requests of the usual size.
const LITTLE_BYTES: usize = 96 * 1024;
/// A network that holds more than a little may hold one part in two of what is free beyond the reserve.
const PART_PER_NETWORK: usize = 2;

/// The bytes held, in total and by network.
///
/// A network may hold no more than a part of what is free (dynamic thresholds, Choudhury and Hahne 1998): a single one
/// gets a quarter of all, and the more of them are greedy the less each gets. Those that hold little have a reserve
/// which the greedy do not reach. A request without room is refused at once: waiting ones would hold memory that nobody
/// has counted.
#[derive(Default)]
pub struct Budget {
    total: AtomicUsize,
    by_network: Mutex<HashMap<IpNet, Weak<Share>>>,
}

/// The bytes that one network holds. It is looked up once per connection, not per request.
pub struct Share {
    budget: Arc<Budget>,
    network: IpNet,
    held: AtomicUsize,
}

impl Budget {
    /// Returns the share of a client's network, shared by all its connections.
    pub fn share(self: &Arc<Self>, client: IpAddr) -> Arc<Share> {
        // The widest network counts: a customer with a /48 must not have a share for each of its /64.
        let network = widest_network(client);
        let mut by_network = self.by_network();
        if let Some(share) = by_network.get(&network).and_then(Weak::upgrade) {
            return share;
        }
        let share = Arc::new(Share { budget: Arc::clone(self), network, held: AtomicUsize::new(0) });
        // Weak, so that a network is forgotten with its last connection.
        by_network.insert(network, Arc::downgrade(&share));
        share
    }

    /// Whether a network may hold `by_network` bytes when all together hold `total`.
    fn allows(by_network: usize, total: usize) -> bool {
        let Some(free) = MAX_UNDER_WAY_BYTES.checked_sub(total) else { return false };
        let share = free.saturating_sub(MAX_UNDER_WAY_BYTES / PART_RESERVED) / PART_PER_NETWORK;
        by_network <= share.max(LITTLE_BYTES)
    }

    /// Whether nothing is held.
    #[cfg(test)]
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.total.load(Relaxed) == 0
    }

    fn by_network(&self) -> MutexGuard<'_, HashMap<IpNet, Weak<Share>>> {
        self.by_network.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Takes room for so many bytes; `None` if this network has none left.
    pub fn room(self: &Arc<Self>, bytes: usize) -> Option<Room> {
        let mut room = Room { share: Arc::clone(self), bytes: 0 };
        room.resize(bytes).then_some(room)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut by_network = self.budget.by_network();
        // Between the count reaching zero and this lock a connection may have put a new share here: that one stays.
        if by_network.get(&self.network).is_some_and(|share| share.strong_count() == 0) {
            by_network.remove(&self.network);
        }
    }
}

/// Bytes taken from the budget; they are free again when this is dropped.
pub struct Room {
    share: Arc<Share>,
    bytes: usize,
}

impl Room {
    /// The number of bytes taken.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes more, or gives some back. Returns false, and changes nothing, if there is not that much more.
    pub fn resize(&mut self, bytes: usize) -> bool {
        let (total, held) = (&self.share.budget.total, &self.share.held);
        if let Some(more) = bytes.checked_sub(self.bytes) {
            // Added first and taken back on refusal, so that parallel requests cannot all pass the same check. At worst
            // two that meet at the limit are both refused. The counters guard no other memory, so relaxed order
            // suffices.
            let (total_then, held_then) = (total.fetch_add(more, Relaxed) + more, held.fetch_add(more, Relaxed) + more);
            if more > 0 && !Budget::allows(held_then, total_then) {
                total.fetch_sub(more, Relaxed);
                held.fetch_sub(more, Relaxed);
                return false;
            }
        } else {
            total.fetch_sub(self.bytes - bytes, Relaxed);
            held.fetch_sub(self.bytes - bytes, Relaxed);
        }
        self.bytes = bytes;
        true
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(budget: &Arc<Budget>, client: &str, bytes: usize) -> Option<Room> {
        budget.share(client.parse().expect("an address")).room(bytes)
    }

    const KIB: usize = 1024;

    /// Takes all that one network gets, in pieces.
    fn all_of(budget: &Arc<Budget>, client: &str) -> Vec<Room> {
        (0..100_000).map_while(|_| room(budget, client, 8 * KIB)).collect()
    }

    #[test]
    fn one_network_gets_a_quarter_and_others_are_not_held_up() {
        let budget = Arc::new(Budget::default());
        let held = all_of(&budget, "192.0.2.1");
        assert_eq!(budget.total.load(Relaxed), MAX_UNDER_WAY_BYTES / 4);
        assert!(room(&budget, "192.0.2.1", 1).is_none());
        assert!(room(&budget, "192.0.2.2", 1024 * KIB).is_some());
        drop(held);
        assert!(room(&budget, "192.0.2.1", 1024 * KIB).is_some());
        assert!(budget.by_network().is_empty(), "nothing is kept of those who have gone");
    }

    #[test]
    fn greedy_networks_leave_something_for_whoever_comes_next() {
        let budget = Arc::new(Budget::default());
        let held: Vec<_> = (0..60).flat_map(|network| all_of(&budget, &format!("192.0.2.{network}"))).collect();
        assert!(budget.total.load(Relaxed) <= MAX_UNDER_WAY_BYTES);
        assert!(room(&budget, "198.51.100.1", LITTLE_BYTES).is_some());
        drop(held);
        let _all = (0..250).flat_map(|network| all_of(&budget, &format!("192.0.2.{network}"))).collect::<Vec<_>>();
        assert!(budget.total.load(Relaxed) <= MAX_UNDER_WAY_BYTES);
    }

    #[test]
    fn what_grows_is_counted_and_what_is_refused_changes_nothing() {
        let budget = Arc::new(Budget::default());
        let mut room = room(&budget, "192.0.2.1", 100).expect("room");
        assert!(room.resize(400));
        assert!(!room.resize(MAX_UNDER_WAY_BYTES / 2));
        assert_eq!((room.bytes(), budget.total.load(Relaxed)), (400, 400));
        assert!(room.resize(10));
        drop(room);
        assert!(budget.is_free());
    }

    #[test]
    fn an_ipv6_network_is_a_48() {
        let budget = Arc::new(Budget::default());
        let _held = all_of(&budget, "2001:db8:1:1::1");
        assert!(room(&budget, "2001:db8:1:2::1", 1).is_none());
        assert!(room(&budget, "2001:db8:2::1", 1).is_some());
    }
}

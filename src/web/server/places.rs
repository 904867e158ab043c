//! Places for connections: so many in total, and so many for each client network, so that one network cannot take them all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at a time, over all listeners. One costs about 40 KiB while nothing happens on it.
const MAX_CONNECTIONS: usize = 1024;
/// Connections at a time from one client network: an IPv4 address, or an IPv6 /64. Browsers open about six.
const MAX_PER_NETWORK: usize = 128;
/// One network may have this part of all places, where there are few.
const PART_PER_NETWORK: usize = 4;
/// File descriptors that are kept for the store, its probe, the mail server, the control socket and the log.
const RESERVED_DESCRIPTORS: usize = 32;

/// Who has a place.
pub struct Places {
    total: Arc<Semaphore>,
    all: usize,
    per_network: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    /// Proxies speak for many: they are held to the total only.
    proxies: Vec<IpNet>,
}

impl Places {
    /// As many as this process has file descriptors for.
    pub fn new(proxies: Vec<IpNet>) -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let descriptors = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Self::among(descriptors, proxies)
    }

    fn among(descriptors: usize, proxies: Vec<IpNet>) -> Self {
        let all = descriptors.saturating_sub(RESERVED_DESCRIPTORS).clamp(PART_PER_NETWORK, MAX_CONNECTIONS);
        let per_network = MAX_PER_NETWORK.min(all / PART_PER_NETWORK);
        Self { total: Arc::new(Semaphore::new(all)), all, per_network, taken: Arc::default(), proxies }
    }

    /// Whether so many have a place that nobody may take their time.
    pub fn is_crowded(&self) -> bool {
        self.total.available_permits() < self.all / 2
    }

    /// Waits for room: whoever finds none waits in the listener's backlog.
    pub async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.total).acquire_owned().await.ok()
    }

    /// A place for this peer. None if its network has all that one network may have.
    pub fn take(&self, room: OwnedSemaphorePermit, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        if self.proxies.iter().any(|net| net.contains(&peer)) {
            return Some(Place { network: None, taken: Arc::clone(&self.taken), _room: room });
        }
        let network = network_of(peer);
        let mut taken = lock(&self.taken);
        let count = taken.entry(network).or_default();
        if *count >= self.per_network {
            return None;
        }
        *count += 1;
        Some(Place { network: Some(network), taken: Arc::clone(&self.taken), _room: room })
    }
}

/// A connection's place; it is free again when this is dropped.
pub struct Place {
    network: Option<IpAddr>,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    _room: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(network) = self.network else { return };
        let mut taken = lock(&self.taken);
        match taken.get_mut(&network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&network)),
        }
    }
}

fn lock(taken: &Mutex<HashMap<IpAddr, usize>>) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

fn network_of(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Places, peer: &str) -> Option<Place> {
        let room = Arc::clone(&places.total).try_acquire_owned().expect("there is room");
        places.take(room, peer.parse().expect("an address"))
    }

    #[test]
    fn one_network_gets_so_many_and_another_is_not_held_up() {
        let places = Places::among(usize::MAX, vec![]);
        let held: Vec<_> = (0..MAX_PER_NETWORK).map(|_| take(&places, "192.0.2.1").expect("a place")).collect();
        assert!(take(&places, "192.0.2.1").is_none());
        assert!(take(&places, "::ffff:192.0.2.1").is_none());
        assert!(take(&places, "192.0.2.2").is_some());
        drop(held);
        assert!(take(&places, "192.0.2.1").is_some());
        assert!(lock(&places.taken).is_empty(), "nothing is kept of those who have gone");
        assert_eq!(places.total.available_permits(), MAX_CONNECTIONS);
    }

    #[test]
    fn where_there_are_few_descriptors_some_are_kept_and_nobody_takes_all() {
        let places = Places::among(64, vec![]);
        assert_eq!((places.all, places.per_network), (32, 8));
        let held: Vec<_> = (0..8).map(|_| take(&places, "192.0.2.1").expect("a place")).collect();
        assert!(take(&places, "192.0.2.1").is_none());
        assert!(!places.is_crowded());
        let _others: Vec<_> = (0..9).map(|host| take(&places, &format!("192.0.2.{}", 10 + host))).collect();
        assert!(places.is_crowded());
        drop(held);
        assert_eq!(Places::among(10, vec![]).per_network, 1);
    }

    #[test]
    fn an_ipv6_network_is_a_64() {
        let places = Places::among(usize::MAX, vec![]);
        let _held: Vec<_> =
            (0..MAX_PER_NETWORK).map(|host| take(&places, &format!("2001:db8::{host:x}")).expect("a place")).collect();
        assert!(take(&places, "2001:db8::ffff:1").is_none());
        assert!(take(&places, "2001:db8:0:1::1").is_some());
    }

    #[test]
    fn a_trusted_proxy_is_held_to_the_total_only() {
        let places = Places::among(usize::MAX, vec!["127.0.0.0/8".parse().expect("a network")]);
        let held: Vec<_> = (0..=MAX_PER_NETWORK).map(|_| take(&places, "127.0.0.1")).collect();
        assert!(held.iter().all(Option::is_some));
    }
}

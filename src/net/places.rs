//! Connection limits: a total, and one for each client network, so that one network cannot take all places. When few
//! are left, connections that wait for their client make room for new ones.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::{IpNet, Ipv6Net};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::networks::WIDE;
use super::pulse::Pulse;

/// Connections at a time, over all listeners. An idle one costs about 40 KiB.
const MAX_CONNECTIONS: usize = 1024;
/// Connections at a time from an IPv4 address, or an IPv6 /64. Browsers open about six.
const MAX_PER_NETWORK: usize = 128;
/// Connections at a time from an IPv6 /48, the most that one customer has, with 65,536 networks of their own.
const MAX_PER_WIDE_NETWORK: usize = 256;
/// One part in four of all places is the most for one network, where descriptors are few.
const PART_PER_NETWORK: usize = 4;
/// One part in sixteen of all places is kept free for new connections, by closing others.
const PART_SPARE: usize = 16;
/// The pause before another connection is asked to leave, when none could be asked before.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// File descriptors kept for the store, its probe, the mail server, the control socket and the log.
const RESERVED_DESCRIPTORS: usize = 32;

/// All places, and who has them.
pub(super) struct Places {
    total: Arc<Semaphore>,
    all: usize,
    taken: Arc<Mutex<Taken>>,
    /// Proxies speak for many clients and are held to the total only.
    proxies: Vec<IpNet>,
}

#[derive(Default)]
struct Taken {
    by_network: HashMap<IpNet, usize>,
    /// The places taken, by their number.
    places: HashMap<u64, Seat>,
    last_number: u64,
    /// The number of connections that were asked to leave and have not left yet.
    leaving: usize,
}

/// A place that is taken.
struct Seat {
    networks: Vec<IpNet>,
    pulse: Arc<Pulse>,
    leave: CancellationToken,
}

impl Places {
    /// Creates as many places as this process has file descriptors for.
    pub(super) fn new(proxies: Vec<IpNet>) -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let descriptors = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Self::among(descriptors, proxies)
    }

    fn among(descriptors: usize, proxies: Vec<IpNet>) -> Self {
        let all = descriptors.saturating_sub(RESERVED_DESCRIPTORS).clamp(PART_PER_NETWORK, MAX_CONNECTIONS);
        Self { total: Arc::new(Semaphore::new(all)), all, taken: Arc::default(), proxies }
    }

    /// Whether more than half of the places are taken, so that timeouts become short.
    pub(super) fn is_crowded(&self) -> bool {
        self.total.available_permits() < self.all / 2
    }

    /// Waits for a permit, asking others to leave when few are free; meanwhile new clients wait in the kernel's
    /// backlog.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        // Those who are leaving count as free: otherwise each arrival would close one more before the first has gone.
        let soon_free = self.total.available_permits() + lock(&self.taken).leaving;
        if soon_free < self.all.div_ceil(PART_SPARE) {
            self.ask_somebody_to_leave();
        }
        loop {
            match timeout(ASK_AGAIN, Arc::clone(&self.total).acquire_owned()).await {
                Ok(room) => return room.ok(),
                Err(_) => self.ask_somebody_to_leave(),
            }
        }
    }

    /// Whether this peer is a trusted proxy.
    pub(super) fn is_proxy(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|net| net.contains(&peer.to_canonical()))
    }

    /// Takes a place for this peer; `None` if one of its networks has its full number.
    pub(super) fn take(&self, room: OwnedSemaphorePermit, peer: IpAddr, pulse: Arc<Pulse>) -> Option<Place> {
        let networks = if self.is_proxy(peer) { vec![] } else { networks_of(peer) };
        let mut taken = lock(&self.taken);
        let has_all = |net: &IpNet| taken.by_network.get(net).is_some_and(|count| *count >= self.limit_of(net));
        if networks.iter().any(has_all) {
            return None;
        }
        for network in &networks {
            *taken.by_network.entry(*network).or_default() += 1;
        }
        taken.last_number += 1;
        let (number, leave) = (taken.last_number, CancellationToken::new());
        taken.places.insert(number, Seat { networks, pulse, leave: leave.clone() });
        drop(taken);
        Some(Place { number, leave, taken: Arc::clone(&self.taken), _room: room })
    }

    fn limit_of(&self, network: &IpNet) -> usize {
        let is_wide = matches!(network, IpNet::V6(_)) && network.prefix_len() == WIDE;
        let limit = if is_wide { MAX_PER_WIDE_NETWORK } else { MAX_PER_NETWORK };
        limit.min(self.all / PART_PER_NETWORK)
    }

    /// Asks one connection to leave: of those that wait for their client, the one that waits longest among those whose
    /// network has the most places. So a single client is never closed for a crowd, and nobody is for whom we work at
    /// the moment.
    fn ask_somebody_to_leave(&self) {
        let mut taken = lock(&self.taken);
        let rank = |seat: &Seat| {
            let waits_since = seat.pulse.waits_since().filter(|_| !seat.leave.is_cancelled())?;
            let count = |network: &IpNet| taken.by_network.get(network).copied().unwrap_or_default();
            // A proxy's connections stand for many clients: with a count of zero they are asked last.
            Some((seat.networks.iter().map(count).max().unwrap_or_default(), Reverse(waits_since)))
        };
        let ranked = taken.places.values().filter_map(|seat| Some((rank(seat)?, &seat.leave)));
        if let Some((_, leave)) = ranked.max_by_key(|(rank, _)| *rank) {
            leave.cancel();
            taken.leaving += 1;
        }
    }
}

/// The place of a connection; it is free again when this is dropped.
pub struct Place {
    number: u64,
    /// Cancelled when the place is needed for another connection.
    pub leave: CancellationToken,
    taken: Arc<Mutex<Taken>>,
    _room: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.leaving -= usize::from(self.leave.is_cancelled());
        let networks = taken.places.remove(&self.number).map(|seat| seat.networks).unwrap_or_default();
        for network in networks {
            // Rows of zero are removed: the map must not keep every network that was ever here.
            match taken.by_network.get_mut(&network) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(taken.by_network.remove(&network)),
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The prefix length of the least that a provider gives a customer.
const NARROW: u8 = 64;

/// Returns the networks that one client counts against: an IPv4 address, or an IPv6 /64 and /48.
fn networks_of(peer: IpAddr) -> Vec<IpNet> {
    match peer.to_canonical() {
        IpAddr::V4(address) => vec![IpAddr::V4(address).into()],
        IpAddr::V6(address) => {
            [NARROW, WIDE].map(|prefix| Ipv6Net::new_assert(address, prefix).trunc().into()).to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Places, peer: &str) -> Option<Place> {
        let room = Arc::clone(&places.total).try_acquire_owned().expect("there is room");
        let pulse = Arc::new(Pulse::new(Duration::from_secs(10)));
        places.take(room, peer.parse().expect("an address"), pulse)
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
        assert!(lock(&places.taken).by_network.is_empty(), "nothing is kept of those who have gone");
        assert_eq!(places.total.available_permits(), MAX_CONNECTIONS);
    }

    #[test]
    fn where_there_are_few_descriptors_some_are_kept_and_nobody_takes_all() {
        let places = Places::among(64, vec![]);
        assert_eq!(places.all, 32);
        let held: Vec<_> = (0..8).map(|_| take(&places, "192.0.2.1").expect("a place")).collect();
        assert!(take(&places, "192.0.2.1").is_none());
        assert!(!places.is_crowded());
        let _others: Vec<_> = (0..9).map(|host| take(&places, &format!("192.0.2.{}", 10 + host))).collect();
        assert!(places.is_crowded());
        drop(held);
        assert_eq!(Places::among(10, vec![]).limit_of(&networks_of("192.0.2.1".parse().expect("an address"))[0]), 1);
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
    fn an_ipv6_48_does_not_take_all() {
        let places = Places::among(usize::MAX, vec![]);
        let one = |number: usize| take(&places, &format!("2001:db8:0:{:x}::{number:x}", number / 100));
        let held: Vec<_> = (0..MAX_CONNECTIONS).map_while(one).collect();
        assert_eq!(held.len(), MAX_PER_WIDE_NETWORK);
        assert!(take(&places, "2001:db8:1::1").is_some());
        drop(held);
        assert!(one(0).is_some());
    }

    #[test]
    fn whoever_keeps_us_waiting_among_many_leaves_first() {
        let places = Places::among(usize::MAX, vec!["127.0.0.0/8".parse().expect("a network")]);
        let proxy = take(&places, "127.0.0.1").expect("a place");
        let alone = take(&places, "192.0.2.1").expect("a place");
        let many: Vec<_> = (0..3).map(|_| take(&places, "192.0.2.2").expect("a place")).collect();
        let mut worked_on = lock(&places.taken).places[&many[0].number].pulse.begin(false);
        worked_on.works();
        for expected in [&many[1], &many[2], &alone, &proxy] {
            assert!(!expected.leave.is_cancelled());
            places.ask_somebody_to_leave();
            assert!(expected.leave.is_cancelled());
        }
        places.ask_somebody_to_leave();
        assert!(!many[0].leave.is_cancelled(), "its request is worked on");
    }

    #[test]
    fn a_trusted_proxy_is_held_to_the_total_only() {
        let places = Places::among(usize::MAX, vec!["127.0.0.0/8".parse().expect("a network")]);
        let held: Vec<_> = (0..=MAX_PER_NETWORK).map(|_| take(&places, "127.0.0.1")).collect();
        assert!(held.iter().all(Option::is_some));
    }
}

//! Refusals for want of a right: counted, and logged (ASVS 5.0, 16.3.2 and 16.3.3).

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;

use crate::metrics::{Counter, Exposition, SampleKind};

use super::access::bearer_token;
use super::context::Web;
use super::failure::Failure;
use crate::net::widest_network;

use super::request::Request;
use super::route::Route;

/// The most log lines about refusals in a minute. A client that is refused again and again must neither fill the disk
/// nor bury the lines about others; what is not logged is counted all the same.
const MAX_LINES: u32 = 60;
const A_MINUTE: Duration = Duration::from_mins(1);
/// The pause between two lines about one reason and network.
const PAUSE: Duration = Duration::from_secs(10);

/// The reason for a refusal.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Reason {
    Forbidden,
    InsufficientScope,
    CrossSite,
    BadToken,
    ForeignHost,
    ForwardAuth,
}

impl Reason {
    const ALL: [Self; 6] = [
        Self::Forbidden,
        Self::InsufficientScope,
        Self::CrossSite,
        Self::BadToken,
        Self::ForeignHost,
        Self::ForwardAuth,
    ];

    /// Returns the reason, if a failure is a refusal. Having no session is none; a bearer token that opens nothing is.
    fn of(failure: &Failure, request: &Request) -> Option<Self> {
        match failure {
            Failure::Forbidden => Some(Self::Forbidden),
            Failure::InsufficientScope => Some(Self::InsufficientScope),
            Failure::CrossSite => Some(Self::CrossSite),
            Failure::NotLoggedIn if bearer_token(&request.headers).is_some() => Some(Self::BadToken),
            _ => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::InsufficientScope => "insufficient_scope",
            Self::CrossSite => "cross_site",
            Self::BadToken => "bad_token",
            Self::ForeignHost => "foreign_host",
            Self::ForwardAuth => "forward_auth",
        }
    }
}

/// The counters, and what was logged lately.
#[derive(Default)]
pub(super) struct Refusals {
    counted: [Counter; Reason::ALL.len()],
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// The last line about each reason and network, and how many refusals it has left out since. Bounded by the lines
    /// of two minutes.
    last: HashMap<(Reason, IpNet), (Instant, u64)>,
    minute: Option<Instant>,
    lines: u32,
}

impl Told {
    /// Returns how many refusals before this one went unlogged, if a line is due.
    fn is_due(&mut self, key: (Reason, IpNet), now: Instant) -> Option<u64> {
        if self.minute.is_none_or(|began| now >= began + A_MINUTE) {
            (self.minute, self.lines) = (Some(now), 0);
            self.last.retain(|_, (at, _)| now < *at + A_MINUTE);
        }
        let last = self.last.get_mut(&key);
        let untold = last.as_ref().map_or(0, |(_, untold)| *untold);
        let is_early = last.as_ref().is_some_and(|(at, _)| now < *at + PAUSE);
        if is_early || self.lines >= MAX_LINES {
            if let Some((_, untold)) = last {
                *untold += 1;
            }
            return None;
        }
        self.lines += 1;
        self.last.insert(key, (now, 0));
        Some(untold)
    }
}

impl Refusals {
    pub(super) fn write(&self, text: &mut Exposition) {
        text.family(
            "refusals_total",
            SampleKind::Counter,
            "Requests that were refused for want of a right, by reason.",
        );
        for (reason, counter) in Reason::ALL.into_iter().zip(&self.counted) {
            text.sample("refusals_total", &[("reason", reason.as_str())], counter.get());
        }
    }
}

impl Refusals {
    /// Notes a request for another host. The name is the client's choice, so it is logged without anything that could
    /// forge a line.
    pub(super) fn note_foreign_host(&self, web: &Web, asked_for: &str, peer: IpAddr) {
        let reason = Reason::ForeignHost;
        self.counted[reason as usize].add();
        let Some(untold) = self.is_due(reason, peer) else { return };
        let asked_for: String = asked_for.chars().filter(char::is_ascii_graphic).take(100).collect();
        let site = web.app.env().config.site.url.origin().to_owned();
        tracing::info!(
            untold,
            "{peer} asked for {asked_for:?}, but this is {site}: type that, or, if {peer} is a proxy, name it in proxy.trusted or have it pass Host on"
        );
    }

    /// Notes a request to another application about which a proxy asked, and which is refused whoever makes it. `reason`
    /// holds nothing of the client's but a host that was parsed.
    pub(super) fn note_for_proxy(&self, network: IpAddr, reason: &dyn fmt::Display) {
        let kind = Reason::ForwardAuth;
        self.counted[kind as usize].add();
        if let Some(untold) = self.is_due(kind, network) {
            tracing::info!(reason = kind.as_str(), untold, "forward auth: refused a request from {network}: {reason}");
        }
    }

    /// Notes a failure if it is a refusal.
    pub(super) async fn note(&self, web: &Web, failure: &Failure, route: &Route, request: &Request) {
        let Some(reason) = Reason::of(failure, request) else { return };
        self.counted[reason as usize].add();
        // Before the caller is looked up: a flood of refusals must not wait for reads of the store.
        let Some(untold) = self.is_due(reason, request.network) else { return };
        let caller = web.caller(&request.headers).await.ok().flatten();
        let account = caller.map_or_else(|| "nobody".to_owned(), |caller| caller.person.id.to_string());
        // The route's pattern and not the path, which may hold a token.
        let (network, method, path) = (request.network, route.method, route.path);
        tracing::info!(reason = reason.as_str(), account, untold, "refused from {network}: {method} {path}");
    }

    /// Whether a refusal is worth a line in the log; returns how many were not.
    fn is_due(&self, reason: Reason, network: IpAddr) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // By the widest network: otherwise a client with a /48 could write a line for each of its addresses.
        told.is_due((reason, widest_network(network)), Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: usize) -> IpNet {
        widest_network(std::net::Ipv4Addr::new(192, 0, 2, u8::try_from(number).expect("small")).into())
    }

    #[test]
    fn whoever_is_refused_again_and_again_is_told_of_once_in_a_while() {
        let (mut told, now) = (Told::default(), Instant::now());
        let key = (Reason::CrossSite, network(1));
        assert_eq!(told.is_due(key, now), Some(0));
        assert!((0..100).all(|_| told.is_due(key, now).is_none()));
        assert_eq!(told.is_due((Reason::CrossSite, network(2)), now), Some(0), "somebody else is");
        assert_eq!(told.is_due((Reason::Forbidden, network(1)), now), Some(0), "for another reason too");
        assert_eq!(told.is_due(key, now + PAUSE), Some(100));
    }

    #[test]
    fn many_together_do_not_fill_the_log_or_the_memory() {
        let (mut told, now) = (Told::default(), Instant::now());
        for minute in 0..3 {
            let now = now + A_MINUTE * minute;
            let lines = (0..250).filter(|number| told.is_due((Reason::BadToken, network(*number)), now).is_some());
            assert_eq!(lines.count(), MAX_LINES as usize);
            assert!(told.last.len() <= 2 * MAX_LINES as usize);
        }
    }
}

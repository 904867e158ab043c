//! Which addresses belong to one client.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv6Net};

/// The prefix length of the IPv6 networks that one site is given, with any address in it (RFC 6177).
pub const WIDE: u8 = 48;

/// Returns the largest network in which a client may choose its address freely: an IPv4 address, or an IPv6 /48.
pub fn widest_network(client: IpAddr) -> IpNet {
    match client.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address).into(),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, WIDE).trunc().into(),
    }
}

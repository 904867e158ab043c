//! Which addresses are one client's.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv6Net};

/// The IPv6 networks of which one site has one, and any address in it (RFC 6177).
pub const WIDE: u8 = 48;

/// The network in which a client may have any address: an IPv4 address, or an IPv6 /48.
pub fn widest_network(client: IpAddr) -> IpNet {
    match client.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address).into(),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, WIDE).trunc().into(),
    }
}

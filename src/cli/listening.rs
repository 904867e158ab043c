//! The sockets on which the server listens.

use std::io::{Error, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustix::net::sockopt::set_ipv6_v6only;
use tokio::net::{TcpListener, TcpSocket};

use crate::config::{Config, TlsMode};
use crate::tls::Certificates;
use crate::web::server::Protocol;

use super::Exit;
use super::supervisor::InheritedSocket;

/// The purpose of a socket.
#[derive(Clone, Copy)]
enum Purpose {
    Https,
    /// Redirects to HTTPS, or serves the site if there is no TLS.
    Cleartext,
    Metrics,
}

/// The sockets, bound and listening; clients wait in their backlog until they are accepted.
pub(super) struct Bound(Vec<(TcpListener, Purpose)>);

/// Takes the sockets that were handed over; only without any are the configured addresses opened.
pub(super) fn bind_all(config: &Config, sockets: Vec<InheritedSocket>, another_port: &str) -> Result<Bound, Exit> {
    let is_secure = config.tls.mode != TlsMode::Off;
    let mut wanted = Vec::new();
    if !sockets.iter().any(InheritedSocket::is_for_metrics) {
        wanted.extend(config.metrics.listen.iter().map(|address| (*address, Purpose::Metrics)));
    }
    if sockets.iter().all(InheritedSocket::is_for_metrics) {
        let https = config.listen.https.iter().filter(|_| is_secure);
        wanted.extend(https.map(|address| (*address, Purpose::Https)));
        wanted.extend(config.listen.http.iter().map(|address| (*address, Purpose::Cleartext)));
    }
    let mut bound = Vec::new();
    for handed in sockets {
        let address = handed.listener.local_addr().map_err(Exit::failed)?;
        let is_cleartext = match handed.name.as_str() {
            "http" => true,
            "https" => false,
            _ => address.port() == 80 || config.listen.http.iter().any(|http| http.port() == address.port()),
        };
        let purpose = match is_cleartext {
            _ if handed.is_for_metrics() => Purpose::Metrics,
            false if is_secure => Purpose::Https,
            _ => Purpose::Cleartext,
        };
        let listener = handed.listener;
        listener.set_nonblocking(true).map_err(Exit::failed)?;
        bound.push((TcpListener::from_std(listener).map_err(Exit::failed)?, purpose));
    }
    for (address, purpose) in wanted {
        bound.push((open(address, config, another_port)?, purpose));
    }
    Ok(Bound(bound))
}

impl Bound {
    /// Assigns each socket its protocol. Without certificates the site itself is served in clear text.
    pub(super) fn speaking(self, config: &Config, certificates: Option<&Certificates>) -> Vec<(TcpListener, Protocol)> {
        let cleartext = certificates
            .map_or(Protocol::Http, |certificates| Protocol::Redirect(Arc::clone(certificates.challenges())));
        let secure = certificates.map(|certificates| Protocol::Https(certificates.acceptor()));
        let protocol = |purpose| match (purpose, &secure) {
            (Purpose::Metrics, _) => Protocol::Metrics,
            (Purpose::Https, Some(secure)) => secure.clone(),
            _ => cleartext.clone(),
        };
        let listeners: Vec<_> = self.0.into_iter().map(|(listener, purpose)| (listener, protocol(purpose))).collect();
        for (listener, protocol) in &listeners {
            tell(listener, protocol, config);
        }
        note_redirects(&listeners);
        listeners
    }
}

/// Notes that a plain HTTP listener exists: only then is a certificate authority sent to port 80.
fn note_redirects(listeners: &[(TcpListener, Protocol)]) {
    for (_, protocol) in listeners {
        if let Protocol::Redirect(challenges) = protocol {
            challenges.note_listener();
        }
    }
}

/// The connections that may wait to be accepted, as in `systemd/gatelodge.socket`. Beyond them the kernel drops new
/// ones, which retry after a second; the usual 128 are taken within one round of a flood.
const BACKLOG: u32 = 1024;
/// The kernel's buffer for a connection in each direction, as in `systemd/gatelodge.socket`. By itself it would grow to
/// megabytes for each client that does not read, which count as the service's memory.
const BUFFER_BYTES: u32 = 32 * 1024;

/// Logs an address, and what is served on it.
fn tell(listener: &TcpListener, protocol: &Protocol, config: &Config) {
    let Ok(address) = listener.local_addr() else { return };
    let site = &config.site.url;
    match protocol {
        Protocol::Https(_) => tracing::info!("listening on https://{address} for {site}"),
        Protocol::Http => tracing::info!("listening on http://{address} for {site}"),
        Protocol::Redirect(_) => tracing::info!("listening on http://{address}, to send people on to {site}"),
        Protocol::Metrics => tracing::info!("listening on http://{address}/metrics for monitoring"),
    }
}

/// Opens an address; on a machine without IPv6, `[::]` becomes `0.0.0.0`.
fn open(address: SocketAddr, config: &Config, another_port: &str) -> Result<TcpListener, Exit> {
    let is_alone = !has_twin(address, config);
    bind(address, is_alone).or_else(|error| match in_place_of(address, &error) {
        Some(other) => {
            tracing::warn!("this machine has no IPv6: listening on {other} in place of {address}");
            bind(other, true).map_err(|error| refused(other, &error, another_port))
        }
        None => Err(refused(address, &error, another_port)),
    })
}

/// Whether an IPv4 address with the same port is configured. Then `[::]` means IPv6 alone, or the port would be bound
/// twice.
fn has_twin(address: SocketAddr, config: &Config) -> bool {
    let named = [&config.listen.https, &config.listen.http, &config.metrics.listen];
    named.into_iter().flatten().any(|other| other.is_ipv4() && other.port() == address.port() && other.port() != 0)
}

fn in_place_of(address: SocketAddr, error: &Error) -> Option<SocketAddr> {
    const EAFNOSUPPORT: i32 = 97;
    let lacks_ipv6 = error.raw_os_error() == Some(EAFNOSUPPORT) || error.kind() == ErrorKind::AddrNotAvailable;
    let means_all = address.is_ipv6() && address.ip().is_unspecified();
    (lacks_ipv6 && means_all).then(|| (Ipv4Addr::UNSPECIFIED, address.port()).into())
}

fn bind(address: SocketAddr, takes_ipv4: bool) -> Result<TcpListener, Error> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        set_ipv6_v6only(&socket, !takes_ipv4)?;
    }
    // A restart does not wait for old connections in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    // Set before listening: connections inherit it.
    socket.set_send_buffer_size(BUFFER_BYTES)?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn refused(address: SocketAddr, error: &Error, another_port: &str) -> Exit {
    let (what, hint) = match error.kind() {
        ErrorKind::AddrInUse => (
            "somebody listens there already".to_owned(),
            format!("another program listens there: stop it (`ss -ltnp` names it), or {another_port}"),
        ),
        ErrorKind::PermissionDenied => (
            "this user may not".to_owned(),
            "ports below 1024 need root, the capability CAP_NET_BIND_SERVICE, or a socket unit; in a container, listen on 8443 and publish that as 443".to_owned(),
        ),
        ErrorKind::AddrNotAvailable => (
            "this machine does not have the address".to_owned(),
            "`ip address` shows those it has; [::] stands for all of them".to_owned(),
        ),
        _ => (error.to_string(), format!("check the address, or {another_port}")),
    };
    Exit::failed(format!("cannot listen on {address}: {what}")).with_hint(&hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One port for both, each by a socket of its own. Nobody is let in: what is tried is whether they can be had
    /// together.
    #[tokio::test]
    async fn every_ipv4_address_and_every_ipv6_address_can_be_named_beside_each_other() {
        let free = bind("[::]:0".parse().expect("an address"), false);
        // A machine without IPv6 has nothing to share.
        let Ok(six) = free else { return };
        let port = six.local_addr().expect("it is bound").port();
        bind((Ipv4Addr::LOCALHOST, port).into(), true).expect("IPv4 is left to others");

        let parsed = |https: &str| {
            let text = format!(
                "[site]\nurl = \"https://localhost\"\n[listen]\nhttps = {https}\n[mail]\nfrom = \"a@example.org\"\ntransport = \"file\"\n"
            );
            Config::parse(&text, std::path::Path::new("a.toml")).expect("valid")
        };
        let six = "[::]:8443".parse().expect("an address");
        assert!(has_twin(six, &parsed("[\"0.0.0.0:8443\", \"[::]:8443\"]")));
        assert!(!has_twin(six, &parsed("[\"0.0.0.0:8080\", \"[::]:8443\"]")));
    }

    #[test]
    fn without_ipv6_every_address_is_every_ipv4_address() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let no_family = Error::from_raw_os_error(97);
        assert_eq!(in_place_of(address("[::]:443"), &no_family), Some(address("0.0.0.0:443")));
        assert_eq!(in_place_of(address("[::]:443"), &ErrorKind::AddrNotAvailable.into()), Some(address("0.0.0.0:443")));
        assert_eq!(in_place_of(address("[::1]:443"), &no_family), None, "one address has no other");
        assert_eq!(in_place_of(address("[::]:443"), &ErrorKind::AddrInUse.into()), None);
        assert_eq!(in_place_of(address("0.0.0.0:443"), &ErrorKind::AddrNotAvailable.into()), None);
    }
}

//! Accepts connections, and drains them when the server stops. The protocol spoken on them is the caller's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::places::{Place, Places};
use super::pulse::Pulse;

/// The time for a handshake or the first bytes of a request, and between requests.
const FIRST_WORDS_TIMEOUT: Duration = Duration::from_secs(10);
/// The same while the server is crowded.
const CROWDED_TIMEOUT: Duration = Duration::from_secs(2);
/// The time for requests under way to finish when the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after a failed accept: most often the process is out of file descriptors.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(200);

/// A connection that was accepted and has a place.
pub struct Accepted {
    /// The connection.
    pub stream: TcpStream,
    /// The address of its other end.
    pub peer: SocketAddr,
    /// The local port that took it.
    pub listener: u16,
    /// The time for a handshake or the first bytes of a request.
    pub timeout: Duration,
    /// Its place among the connections, until it is dropped.
    pub place: Place,
    /// Its progress.
    pub pulse: Arc<Pulse>,
    /// Whether the peer is a trusted proxy, which speaks for many clients.
    pub is_proxy: bool,
}

/// Accepts the connections of all listeners.
#[derive(Clone)]
pub struct Door {
    places: Arc<Places>,
    connections: TaskTracker,
    stop: CancellationToken,
}

impl Door {
    /// Creates a door that accepts nothing more once `stop` is cancelled. Proxies speak for many clients and are held
    /// to the total only.
    #[must_use]
    pub fn new(proxies: Vec<IpNet>, stop: CancellationToken) -> Self {
        Self { places: Arc::new(Places::new(proxies)), connections: TaskTracker::new(), stop }
    }

    /// The token that is cancelled when the server stops.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Accepts connections from a listener and spawns `serve` for each, until the server stops.
    pub async fn accept<F>(&self, listener: &TcpListener, serve: impl Fn(Accepted) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::select! {
            () = self.accept_for_ever(listener, serve) => {}
            () = self.stop.cancelled() => {}
        }
    }

    async fn accept_for_ever<F>(&self, listener: &TcpListener, serve: impl Fn(Accepted) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        loop {
            // A permit comes first: without one the client waits in the kernel's backlog, where it costs us nothing.
            let Some(room) = self.places.room().await else { return };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let timeout = if self.places.is_crowded() { CROWDED_TIMEOUT } else { FIRST_WORDS_TIMEOUT };
                    let pulse = Arc::new(Pulse::new(timeout));
                    // Dropped without an answer: an answer would need the place that this network may not have.
                    let Some(place) = self.places.take(room, peer.ip(), Arc::clone(&pulse)) else { continue };
                    // Answers are small and written at once; Nagle's algorithm would only delay them.
                    let _ = stream.set_nodelay(true);
                    let listener = stream.local_addr().map_or(0, |address| address.port());
                    let is_proxy = self.places.is_proxy(peer.ip());
                    let accepted = Accepted { stream, peer, listener, timeout, place, pulse, is_proxy };
                    self.connections.spawn(serve(accepted));
                }
                Err(error) => {
                    // Not fatal: ECONNABORTED concerns one client, and EMFILE passes. The pause keeps the latter from
                    // spinning.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Waits until every connection has ended, ten seconds at most.
    pub async fn drain(self) {
        self.connections.close();
        if tokio::time::timeout(DRAIN_TIMEOUT, self.connections.wait()).await.is_err() {
            tracing::warn!(
                "some requests did not finish in {} s; their connections are closed",
                DRAIN_TIMEOUT.as_secs()
            );
        }
    }
}

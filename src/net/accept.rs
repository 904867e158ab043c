//! Accepts connections, and drains them at the end. What is spoken on them is somebody else's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::places::{Place, Places};
use super::pulse::Pulse;

/// How long a handshake or the first words of a client may take, and how long a connection may wait for the next request.
const FIRST_WORDS_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for those who come while it is crowded.
const CROWDED_TIMEOUT: Duration = Duration::from_secs(2);
/// How long what is under way may take to finish when the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after accepting failed: most often the process is out of file descriptors.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(200);

/// A connection that was let in.
pub struct Accepted {
    /// The connection.
    pub stream: TcpStream,
    /// Who is at its other end.
    pub peer: SocketAddr,
    /// The port that took it.
    pub listener: u16,
    /// How long a handshake or the first words may take.
    pub timeout: Duration,
    /// Its place among the connections, until it is dropped.
    pub place: Place,
    /// How it gets on.
    pub pulse: Arc<Pulse>,
    /// Whether somebody speaks here for many.
    pub is_proxy: bool,
}

/// Where connections come in, over all listeners.
#[derive(Clone)]
pub struct Door {
    places: Arc<Places>,
    connections: TaskTracker,
    stop: CancellationToken,
}

impl Door {
    /// Proxies speak for many: they are held to the total only. Nobody is let in any more once `stop` is called.
    #[must_use]
    pub fn new(proxies: Vec<IpNet>, stop: CancellationToken) -> Self {
        Self { places: Arc::new(Places::new(proxies)), connections: TaskTracker::new(), stop }
    }

    /// What is called when the server stops.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Takes connections from a listener, and has each served, until the server stops.
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
            // Room comes first: whoever finds none waits in the listener's backlog.
            let Some(room) = self.places.room().await else { return };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let timeout = if self.places.is_crowded() { CROWDED_TIMEOUT } else { FIRST_WORDS_TIMEOUT };
                    let pulse = Arc::new(Pulse::new(timeout));
                    // Whoever gets none is dropped without a word: a word would cost a place.
                    let Some(place) = self.places.take(room, peer.ip(), Arc::clone(&pulse)) else { continue };
                    let _ = stream.set_nodelay(true);
                    let listener = stream.local_addr().map_or(0, |address| address.port());
                    let is_proxy = self.places.is_proxy(peer.ip());
                    let accepted = Accepted { stream, peer, listener, timeout, place, pulse, is_proxy };
                    self.connections.spawn(serve(accepted));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Waits until every connection has ended, for as long as one may take.
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

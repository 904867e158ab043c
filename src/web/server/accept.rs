//! Accepts connections, and drains them at the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::web::service::Service;

use super::budget::Budget;
use super::connection::Serving;
use super::ending::Ending;
use super::places::{Place, Places};
use super::protocol::Protocol;
use super::pulse::Pulse;

/// How long a handshake or the headers of a request may take, and how long a connection may wait for the next request.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same for those who come while it is crowded.
const HURRIED: Duration = Duration::from_secs(2);

/// How long requests under way may take to finish when the server stops.
const DRAIN: Duration = Duration::from_secs(10);

/// The pause after accepting failed: most often the process is out of file descriptors.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(200);

/// Serves on all listeners until `stop`, then drains.
pub async fn serve(service: Arc<Service>, listeners: Vec<(TcpListener, Protocol)>, stop: CancellationToken) {
    let places = Arc::new(Places::new(service.web.app.env().config.proxy.trusted.clone()));
    let budget = Arc::new(Budget::default());
    let connections = TaskTracker::new();
    let mut accepting = tokio::task::JoinSet::new();
    for (listener, protocol) in listeners {
        let door = Door {
            service: Arc::clone(&service),
            protocol,
            places: Arc::clone(&places),
            budget: Arc::clone(&budget),
            connections: connections.clone(),
            stop: stop.clone(),
        };
        accepting.spawn(async move {
            tokio::select! {
                () = door.accept(&listener) => {}
                () = door.stop.cancelled() => {}
            }
        });
    }
    while accepting.join_next().await.is_some() {}
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!("some requests did not finish in {} s; their connections are closed", DRAIN.as_secs());
    }
}

/// Where connections come in.
struct Door {
    service: Arc<Service>,
    protocol: Protocol,
    places: Arc<Places>,
    budget: Arc<Budget>,
    connections: TaskTracker,
    stop: CancellationToken,
}

impl Door {
    async fn accept(&self, listener: &TcpListener) {
        loop {
            // Room comes first: whoever finds none waits in the listener's backlog.
            let Some(room) = self.places.room().await else { return };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let patience = if self.places.is_crowded() { HURRIED } else { PATIENCE };
                    let pulse = Arc::new(Pulse::new(patience));
                    // Whoever gets none is dropped without a word: a word would cost a place.
                    let Some(place) = self.places.take(room, peer.ip(), Arc::clone(&pulse)) else { continue };
                    self.spawn(stream, (peer, patience), place, pulse);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
    }

    fn spawn(&self, stream: TcpStream, (peer, patience): (SocketAddr, Duration), place: Place, pulse: Arc<Pulse>) {
        let _ = stream.set_nodelay(true);
        let serving = Serving {
            service: Arc::clone(&self.service),
            peer: peer.ip(),
            listener: stream.local_addr().map_or(0, |address| address.port()),
            patience,
            ending: Ending::new(&self.stop, place.leave.clone()),
            pulse,
            budget: Arc::clone(&self.budget),
            is_proxy: self.places.is_proxy(peer.ip()),
        };
        self.connections.spawn(serving.run(stream, place, self.protocol.clone()));
    }
}

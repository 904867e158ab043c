//! Connections: accepting them, bounding them, draining them.

mod connection;
mod idle;
mod places;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Web;
use connection::Serving;
use places::{Place, Places};

/// What a listener speaks.
#[derive(Clone)]
pub enum Protocol {
    /// HTTP/1.1 and HTTP/2 over TLS, chosen by ALPN.
    Https(TlsAcceptor),
    /// HTTP/1.1 without TLS, behind a proxy or on loopback.
    Http,
    /// A redirect to the site, and nothing else.
    Redirect,
}

/// How long a handshake or the headers of a request may take, and how long a connection may wait for the next request.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for those who come while it is crowded.
const HURRIED: Duration = Duration::from_secs(2);
/// How long requests under way may take to finish when the server stops.
const DRAIN: Duration = Duration::from_secs(10);
/// The pause after accepting failed: most often the process is out of file descriptors.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(200);

/// Serves on all listeners until `stop`, then drains.
pub async fn serve(web: Arc<Web>, listeners: Vec<(TcpListener, Protocol)>, stop: CancellationToken) {
    let graceful = Arc::new(GracefulShutdown::new());
    let places = Arc::new(Places::new(web.app.services.config.proxy.trusted.clone()));
    let mut accepting = tokio::task::JoinSet::new();
    for (listener, protocol) in listeners {
        let (web, places, graceful, stop) =
            (Arc::clone(&web), Arc::clone(&places), Arc::clone(&graceful), stop.clone());
        accepting.spawn(async move {
            tokio::select! {
                () = accept(web, listener, protocol, places, graceful) => {}
                () = stop.cancelled() => {}
            }
        });
    }
    while accepting.join_next().await.is_some() {}
    let Some(graceful) = Arc::into_inner(graceful) else { return };
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in {} s; their connections are closed", DRAIN.as_secs());
    }
}

async fn accept(
    web: Arc<Web>,
    listener: TcpListener,
    protocol: Protocol,
    places: Arc<Places>,
    graceful: Arc<GracefulShutdown>,
) {
    loop {
        // Room comes first: whoever finds none waits in the listener's backlog.
        let Some(room) = places.room().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Whoever gets none is dropped without a word: a word would cost a place.
                let Some(place) = places.take(room, peer.ip()) else { continue };
                let patience = if places.is_crowded() { HURRIED } else { PATIENCE };
                spawn(&web, stream, (peer, patience), &protocol, place, &graceful);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
}

fn spawn(
    web: &Arc<Web>,
    stream: TcpStream,
    (peer, patience): (SocketAddr, Duration),
    protocol: &Protocol,
    place: Place,
    graceful: &GracefulShutdown,
) {
    let _ = stream.set_nodelay(true);
    let serving = Serving { web: Arc::clone(web), peer: peer.ip(), patience, watcher: graceful.watcher() };
    let protocol = protocol.clone();
    tokio::spawn(serving.run(stream, place, protocol));
}

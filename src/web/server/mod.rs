//! Connections: accepting them, bounding them, draining them.

mod connection;
mod idle;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Web;
use connection::Serving;

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

/// Connections at a time, over all listeners. A connection costs about 40 KiB.
const MAX_CONNECTIONS: usize = 1024;
/// How long requests under way may take to finish when the server stops.
const DRAIN: Duration = Duration::from_secs(10);
/// The pause after accepting failed: most often the process is out of file descriptors.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(200);

/// Serves on all listeners until `stop`, then drains.
pub async fn serve(web: Arc<Web>, listeners: Vec<(TcpListener, Protocol)>, stop: CancellationToken) {
    let graceful = Arc::new(GracefulShutdown::new());
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut accepting = tokio::task::JoinSet::new();
    for (listener, protocol) in listeners {
        let (web, permits, graceful, stop) =
            (Arc::clone(&web), Arc::clone(&permits), Arc::clone(&graceful), stop.clone());
        accepting.spawn(async move {
            tokio::select! {
                () = accept(web, listener, protocol, permits, graceful) => {}
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
    permits: Arc<Semaphore>,
    graceful: Arc<GracefulShutdown>,
) {
    loop {
        // The permit comes first: whoever finds no room waits in the listener's backlog.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => spawn(&web, stream, peer, &protocol, permit, &graceful),
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
    peer: SocketAddr,
    protocol: &Protocol,
    permit: OwnedSemaphorePermit,
    graceful: &GracefulShutdown,
) {
    let _ = stream.set_nodelay(true);
    let serving = Serving { web: Arc::clone(web), peer: peer.ip(), watcher: graceful.watcher() };
    let protocol = protocol.clone();
    tokio::spawn(serving.run(stream, permit, protocol));
}

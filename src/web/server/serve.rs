//! Serves the site on every listener.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::net::{Accepted, Budget, Door};
use crate::web::service::Service;

use super::connection::Serving;
use super::ending::Ending;
use super::protocol::Protocol;

/// Serves on all listeners until `stop`, then drains.
pub async fn serve(service: Arc<Service>, listeners: Vec<(TcpListener, Protocol)>, stop: CancellationToken) {
    let door = Door::new(service.web.app.env().config.proxy.trusted.clone(), stop);
    let budget = Arc::new(Budget::default());
    let mut accepting = tokio::task::JoinSet::new();
    for (listener, protocol) in listeners {
        let (service, budget, door) = (Arc::clone(&service), Arc::clone(&budget), door.clone());
        accepting.spawn(async move {
            let serve = |accepted: Accepted| {
                let serving = Serving {
                    service: Arc::clone(&service),
                    peer: accepted.peer.ip(),
                    listener: accepted.listener,
                    timeout: accepted.timeout,
                    ending: Ending::new(door.stop(), accepted.place.leave.clone()),
                    pulse: accepted.pulse,
                    budget: Arc::clone(&budget),
                    is_proxy: accepted.is_proxy,
                };
                serving.run(accepted.stream, accepted.place, protocol.clone())
            };
            door.accept(&listener, serve).await;
        });
    }
    while accepting.join_next().await.is_some() {}
    door.drain().await;
}

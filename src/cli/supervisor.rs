//! The service manager, if there is one: the sockets that it hands over, and the notifications that it expects.
//!
//! The protocols are systemd's, `sd_listen_fds(3)` and `sd_notify(3)`; any manager that speaks them will do. Without
//! one nothing happens here.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::app::App;

use super::Exit;

/// A listening socket that was opened for us: port 443 then needs no capability, and clients wait in its backlog while
/// the service restarts.
#[derive(Debug)]
pub(super) struct InheritedSocket {
    /// The socket.
    pub listener: TcpListener,
    /// The name in the socket unit (`FileDescriptorName=`), if any.
    pub name: String,
}

impl InheritedSocket {
    /// Whether it is for monitoring, which only the name `metrics` says.
    pub(super) fn is_for_metrics(&self) -> bool {
        self.name == "metrics"
    }
}

/// Takes the sockets that were handed over. Must be called before there are threads: it changes the environment.
pub(super) fn take_sockets() -> Result<Vec<InheritedSocket>, Exit> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut handed = listenfd::ListenFd::from_env();
    let mut sockets = Vec::new();
    for index in 0..handed.len() {
        let name = names.next().unwrap_or_default().to_owned();
        let listener = handed.take_tcp_listener(index).map_err(|error| {
            Exit::failed(format!(
                "the service manager handed over something that is no TCP socket: {error}\nhint: only ListenStream= with ports belongs in gatelodge.socket"
            ))
        })?;
        let Some(listener) = listener else { continue };
        sockets.push(InheritedSocket { listener, name });
    }
    Ok(sockets)
}

/// Takes the courier's socket, if one was handed over. Must be called before there are threads.
pub(super) fn take_unix_socket() -> Result<Option<UnixListener>, Exit> {
    let mut handed = listenfd::ListenFd::from_env();
    handed.take_unix_listener(0).map_err(|error| {
        Exit::failed(format!(
            "the service manager handed over something that is no Unix socket: {error}\nhint: ListenStream= in gatelodge-courier.socket is a path"
        ))
    })
}

/// Notifies that the service is ready, with a status.
pub(super) fn tell_ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Notifies that the configuration is being reloaded; [`tell_ready`] follows.
pub(super) fn tell_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "the service manager is not told of the reload"),
    }
}

/// Notifies that the service stops, and is finishing what is under way.
pub(super) fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// Notifies the watchdog as often as it asks, as long as the runtime and the store answer; otherwise the service
/// manager restarts the service.
pub(super) async fn beat(app: Arc<App>, stop: CancellationToken) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return stop.cancelled().await };
    let pause = limit / 3;
    while !stop.is_cancelled() {
        // A refusal counts as an answer: a restart would not free a full disk.
        if tokio::time::timeout(pause, app.can_write()).await.is_ok() {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!("the store does not answer; the service manager will start the service anew");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

//! `gatelodge courier`: the part that talks to other machines, in a process without any account data.

use std::os::unix::net::UnixListener as UnixSocket;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::base::{BUILD_DATE, Clock};
use crate::control;
use crate::courier::{self, CourierService};

use super::common::Common;
use super::supervisor;
use super::surroundings::{self, Eyes};
use super::system_clock::SystemClock;
use super::{Exit, logging};

#[derive(Debug, Args)]
pub(super) struct Courier {
    /// The socket to be asked on; not needed where systemd hands one over.
    #[arg(long, value_name = "SOCKET")]
    listen: Option<PathBuf>,
    /// End after so many seconds without an errand; the socket unit starts it again.
    #[arg(long, value_name = "SECONDS")]
    idle: Option<u64>,
}

impl Courier {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let handed = supervisor::take_unix_socket()?;
        // A wrong configuration does not end the process: each request is answered with the reason until it is mended.
        logging::to_stdout(common.draft().settings().map(|config| config.log.format).unwrap_or_default())?;
        let reading = common.clone();
        let role = Arc::new(CourierService::new(move || {
            let (mut draft, now) = (reading.draft(), SystemClock.now().max(BUILD_DATE));
            surroundings::look(&mut draft, Eyes::Carrying, now);
            let config = draft.finish().map_err(|error| error.to_string())?;
            courier::Courier::new(&config, now).map_err(|error| error.to_string())
        }));
        if let Err(reason) = role.courier() {
            tracing::error!("{reason}; errands fail until that is mended");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Exit::failed)?;
        runtime.block_on(self.serve(handed, role))
    }

    async fn serve(self, handed: Option<UnixSocket>, role: Arc<CourierService>) -> Result<(), Exit> {
        let (listener, _place) = match (handed, &self.listen) {
            (Some(handed), _) => {
                handed.set_nonblocking(true).map_err(Exit::failed)?;
                (UnixListener::from_std(handed).map_err(Exit::failed)?, None)
            }
            (None, Some(path)) => {
                let (listener, place) = control::bind(path).await.map_err(Exit::failed)?;
                (listener, Some(place))
            }
            (None, None) => {
                return Err(Exit::failed(
                    "there is no socket to be asked on\nhint: gatelodge courier --listen /run/gatelodge/courier.sock",
                ));
            }
        };
        let stop = CancellationToken::new();
        let mut terminate = signal(SignalKind::terminate()).map_err(Exit::failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Exit::failed)?;
        let mut hang_up = signal(SignalKind::hangup()).map_err(Exit::failed)?;
        let mut serving = tokio::spawn(courier::serve(listener, Arc::clone(&role), stop.clone()));
        tracing::info!("waiting for errands");
        supervisor::tell_ready("waiting for errands");
        loop {
            tokio::select! {
                _ = hang_up.recv() => {
                    role.reload();
                    tracing::info!("the configuration is read again at the next errand");
                    continue;
                }
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = idle(&role, self.idle) => tracing::debug!("nothing to do; the next errand starts the courier again"),
                _ = &mut serving => {}
            }
            break;
        }
        supervisor::tell_stopping();
        stop.cancel();
        if !serving.is_finished() {
            let _ = serving.await;
        }
        Ok(())
    }
}

/// Completes after so many seconds without a request.
async fn idle(role: &CourierService, seconds: Option<u64>) {
    let Some(seconds) = seconds else { return std::future::pending().await };
    let mut errands = role.errands();
    loop {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        if role.errands() == errands {
            return;
        }
        errands = role.errands();
    }
}

//! The signals that a server handles.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Exit;

/// The signals that are handled.
pub(super) struct Signals {
    /// SIGTERM.
    pub terminate: Signal,
    /// SIGINT.
    pub interrupt: Signal,
    /// SIGHUP.
    pub hang_up: Signal,
}

impl Signals {
    /// Handles them from now on.
    pub(super) fn handle() -> Result<Self, Exit> {
        let [terminate, interrupt, hang_up] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
        Ok(Self {
            terminate: terminate.map_err(Exit::failed)?,
            interrupt: interrupt.map_err(Exit::failed)?,
            hang_up: hang_up.map_err(Exit::failed)?,
        })
    }

    /// Handles signals from the beginning where this is process 1, as in a container: the kernel lets that one end by
    /// no signal that it does not handle, so that one during the start would be lost. Any other ends by it at once.
    pub(super) fn if_first() -> Result<Option<Self>, Exit> {
        (std::process::id() == 1).then(Self::handle).transpose()
    }
}

//! How connections end when the server stops: what is under way is finished, and whoever has just come is heard.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long somebody who has not asked anything yet is waited for: their first request may be on its way, and would be
/// lost with the connection although a new server is about to listen.
const FIRST_REQUEST: Duration = Duration::from_secs(2);

/// What one connection knows of its end.
#[derive(Clone)]
pub struct Ending {
    stop: CancellationToken,
    first: Arc<First>,
}

#[derive(Default)]
struct First {
    has_come: AtomicBool,
    comes: Notify,
}

impl Ending {
    /// When `stop` is cancelled. Each connection has a token of its own below it: whoever waits for one looks at it again with
    /// every request, and all of them would meet at the same lock.
    pub fn new(stop: &CancellationToken) -> Self {
        Self { stop: stop.child_token(), first: Arc::default() }
    }

    /// A request has come.
    pub fn note_request(&self) {
        if !self.first.has_come.load(Ordering::Relaxed) && !self.first.has_come.swap(true, Ordering::Relaxed) {
            self.first.comes.notify_one();
        }
    }

    /// Serves a connection to its end, which comes with the server's at the latest.
    pub async fn serve<C: GracefulConnection>(&self, connection: C) -> Result<(), C::Error> {
        let mut connection = pin!(connection);
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            () = self.stop.cancelled() => {}
        }
        if !self.first.has_come.load(Ordering::Relaxed) {
            tokio::select! {
                biased;
                ended = connection.as_mut() => return ended,
                () = self.first.comes.notified() => {}
                () = sleep(FIRST_REQUEST) => {}
            }
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    }
}

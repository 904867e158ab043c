//! How connections end: politely where that can be, with the server, or because somebody else needs the place.

use std::pin::pin;
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::aside::Aside;
use super::pulse::{Overdue, Pulse};

/// How long somebody who has not asked anything yet is waited for when the server stops: their first request may be on its way,
/// and would be lost with the connection although a new server is about to listen.
const FIRST_REQUEST: Duration = Duration::from_secs(2);
/// How long a client on whose connection nothing is under way may take to hear that it ends: GOAWAY has to get there and back.
const LEAVE: Duration = Duration::from_secs(1);
/// The same where somebody waits for the place: GOAWAY is sent, and not waited for.
const HURRY: Duration = Duration::from_millis(50);

/// What one connection knows of its end.
pub struct Ending {
    stop: CancellationToken,
    leave: CancellationToken,
}

/// Why a connection ends before its client wants it to.
enum Why {
    Stops,
    /// Within this time.
    Leaves(Duration),
    Breaks,
}

impl Ending {
    /// When `stop` is cancelled, or `leave`. Each connection has a token of its own below `stop`: whoever waits for one looks at
    /// it again with every request, and all of them would meet at the same lock.
    pub fn new(stop: &CancellationToken, leave: CancellationToken) -> Self {
        Self { stop: stop.child_token(), leave }
    }

    /// What comes of something, unless the connection is asked to leave first.
    pub async fn unless_asked_to_leave<T>(&self, something: impl Future<Output = T>) -> Option<T> {
        self.leave.run_until_cancelled(something).await
    }

    /// Waits until a connection has to end, and says why.
    async fn has_to_end(&self, pulse: &Pulse) -> Why {
        tokio::select! {
            biased;
            () = self.leave.cancelled() => Why::Leaves(HURRY),
            () = self.stop.cancelled() => Why::Stops,
            overdue = pulse.overdue() => match overdue {
                Overdue::Idle => Why::Leaves(LEAVE),
                Overdue::Unread => Why::Breaks,
            },
        }
    }

    /// Serves a connection to its end, which comes with the server's at the latest.
    pub async fn serve<C: GracefulConnection>(&self, connection: C, pulse: &Pulse) -> Result<(), C::Error> {
        let mut connection = pin!(connection);
        let mut has_to_end = Aside::new(Box::pin(self.has_to_end(pulse)));
        let why = tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            why = &mut has_to_end => why,
        };
        match why {
            // Dropped as it is: whoever does not read an answer does not read a word of farewell.
            Why::Breaks => Ok(()),
            Why::Leaves(within) => {
                connection.as_mut().graceful_shutdown();
                timeout(within, connection).await.unwrap_or(Ok(()))
            }
            Why::Stops => {
                tokio::select! {
                    biased;
                    ended = connection.as_mut() => return ended,
                    () = pulse.has_asked() => {}
                    () = sleep(FIRST_REQUEST) => {}
                }
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    }
}

//! How connections end: gracefully where possible, when the server stops, or because the place is needed.

use std::pin::{Pin, pin};
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::net::{Aside, Overdue, Pulse};

/// The time that a client without a request so far is waited for when the server stops: its first request may be on its
/// way, and would be lost although a new server is about to listen.
const FIRST_REQUEST: Duration = Duration::from_secs(2);
/// The time for a graceful end of a connection on which nothing is under way. HTTP/1.1 has no message for it.
#[derive(Clone, Copy)]
pub(super) struct Farewell(Duration);

impl Farewell {
    /// The connection is closed at once.
    pub(super) const NONE: Self = Self(Duration::ZERO);
    /// GOAWAY needs a round trip (RFC 9113, 6.8).
    pub(super) const GOAWAY: Self = Self(Duration::from_secs(1));
    /// GOAWAY where the place is needed: sent, but not waited for.
    const IN_A_HURRY: Self = Self(Duration::from_millis(50));
}

/// The time to finish requests that came at the last moment: as much as for any request.
const LAST_ANSWER: Duration = Duration::from_mins(1);

/// The signals that end one connection.
pub(super) struct Ending {
    stop: CancellationToken,
    leave: CancellationToken,
}

/// The reason why a connection ends before its client closes it.
enum Why {
    Stops,
    Leaves(Farewell),
    Breaks,
}

impl Ending {
    /// Ends with `stop` or `leave`. Each connection has a child token of `stop`: the tokens are polled with every
    /// request, and all connections would meet at one lock.
    pub(super) fn new(stop: &CancellationToken, leave: CancellationToken) -> Self {
        Self { stop: stop.child_token(), leave }
    }

    /// Awaits a future, unless the connection is asked to leave first.
    pub(super) async fn unless_asked_to_leave<T>(&self, something: impl Future<Output = T>) -> Option<T> {
        self.leave.run_until_cancelled(something).await
    }

    /// Waits until the connection has to end, and returns why.
    async fn has_to_end(&self, pulse: &Pulse, farewell: Farewell) -> Why {
        tokio::select! {
            biased;
            () = self.leave.cancelled() => Why::Leaves(Farewell::IN_A_HURRY),
            () = self.stop.cancelled() => Why::Stops,
            overdue = pulse.overdue() => match overdue {
                Overdue::Idle => Why::Leaves(farewell),
                Overdue::Unread => Why::Breaks,
            },
        }
    }

    /// Serves a connection to its end, which comes with the server's at the latest.
    pub(super) async fn serve<C: GracefulConnection>(
        &self,
        connection: C,
        pulse: &Pulse,
        farewell: Farewell,
    ) -> Result<(), C::Error> {
        let mut connection = pin!(connection);
        // The deadlines are polled aside, and the connection first: an answer that is ready is never lost to a
        // deadline.
        let mut has_to_end = Aside::new(Box::pin(self.has_to_end(pulse, farewell)));
        let why = tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            why = &mut has_to_end => why,
        };
        match why {
            // Dropped as it is: a client that does not read its answer would not read a GOAWAY either.
            Why::Breaks => Ok(()),
            Why::Leaves(Farewell(within)) => {
                connection.as_mut().graceful_shutdown();
                if let Ok(ended) = timeout(within, connection.as_mut()).await {
                    return ended;
                }
                last_answers(connection, pulse).await
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

/// Finishes requests that came at the last moment: they were taken, so they are answered. Nothing else is waited for: a
/// client that has sent half a body, does not read, or goes on asking would keep the place for as long as it likes.
async fn last_answers<C: GracefulConnection>(mut connection: Pin<&mut C>, pulse: &Pulse) -> Result<(), C::Error> {
    let end = Instant::now() + LAST_ANSWER;
    let mut has_worked = false;
    while Instant::now() < end {
        let works = pulse.is_working();
        // An answer that became ready in the last round gets one more to leave.
        if !works && !has_worked {
            break;
        }
        if let Ok(ended) = timeout(Farewell::IN_A_HURRY.0, connection.as_mut()).await {
            return ended;
        }
        has_worked = works;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use bytes::Bytes;
    use http_body_util::Full;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;

    use super::*;

    #[test]
    fn whoever_has_sent_half_a_body_keeps_no_place() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts");
        let leave = CancellationToken::new();
        let ending = Ending::new(&CancellationToken::new(), leave.clone());
        let pulse = Arc::new(Pulse::new(Duration::from_mins(1)));
        let service = service_fn(async |_| {
            let _under_way = pulse.begin(false);
            leave.cancel();
            std::future::pending::<Result<http::Response<Full<Bytes>>, Infallible>>().await
        });
        let (mut client, server) = tokio::io::duplex(1024);
        let connection = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        let ended = runtime.block_on(async {
            client.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx").await.expect("sent");
            timeout(Duration::from_secs(10), ending.serve(connection, &pulse, Farewell::NONE)).await
        });
        assert!(ended.is_ok(), "the connection lasts");
    }

    #[test]
    fn what_came_in_the_last_moment_is_answered() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts");
        let leave = CancellationToken::new();
        let ending = Ending::new(&CancellationToken::new(), leave.clone());
        let pulse = Arc::new(Pulse::new(Duration::from_mins(1)));
        let [came, ready] = [Notify::new(), Notify::new()];
        let service = service_fn(async |_| {
            let _under_way = pulse.begin(true);
            came.notify_one();
            ready.notified().await;
            Ok::<_, Infallible>(http::Response::new(Full::<Bytes>::default()))
        });
        let (mut client, server) = tokio::io::duplex(1024);
        let connection = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        let asks = async {
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
            came.notified().await;
            leave.cancel();
            let mut answer = Vec::new();
            let early = timeout(2 * Farewell::IN_A_HURRY.0, client.read_buf(&mut answer)).await;
            assert!(early.is_err(), "the connection has ended");
            ready.notify_one();
            client.read_to_end(&mut answer).await.expect("an answer, and the end");
            answer
        };
        let (ended, answer) =
            runtime.block_on(async { tokio::join!(ending.serve(connection, &pulse, Farewell::NONE), asks) });
        assert!(ended.is_ok() && answer.starts_with(b"HTTP/1.1 200 "));
    }
}

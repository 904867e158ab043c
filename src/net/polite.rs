//! A TCP stream that closes so that the last answer arrives (lingering close).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::places::Place;
use super::pulse::Pulse;

/// The time, and the bytes, for which a client may go on sending after its connection was closed.
const LINGER: Duration = Duration::from_secs(2);
const MAX_LINGER_BYTES: usize = 2 * 1024 * 1024;

/// A connection, with its place.
pub struct Polite {
    inner: Option<TcpStream>,
    place: Option<Place>,
    pulse: Arc<Pulse>,
    is_stalled: bool,
    is_over: bool,
}

impl Polite {
    /// Wraps a connection that keeps its place until the lingering close is over.
    #[must_use]
    pub fn new(inner: TcpStream, place: Place, pulse: Arc<Pulse>) -> Self {
        Self { inner: Some(inner), place: Some(place), pulse, is_stalled: false, is_over: false }
    }

    fn stream(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(self.inner.as_mut().expect("the stream is taken only when this is dropped"))
    }

    fn note<T>(&mut self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.is_over |= matches!(polled, Poll::Ready(Err(_)));
        polled
    }
}

/// Closing while the client still sends makes TCP reset the connection, and the client may lose the last answer, such
/// as the reason for a refusal. A connection whose place is needed does not linger.
impl Drop for Polite {
    fn drop(&mut self) {
        // After an error, or once the client has closed, there is nothing left that a reset could destroy.
        let (Some(stream), Some(place), false) = (self.inner.take(), self.place.take(), self.is_over) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let ended = place.leave.run_until_cancelled(timeout(LINGER, end_politely(stream)));
                let _ = ended.await;
            });
        }
    }
}

/// Closes the sending side, and reads until the client closes too.
async fn end_politely(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut dropped = 0;
    let mut scratch = [0; 4096];
    while dropped < MAX_LINGER_BYTES {
        match stream.read(&mut scratch).await? {
            0 => break,
            length => dropped += length,
        }
    }
    Ok(())
}

impl AsyncRead for Polite {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = self.stream().poll_read(context, buffer);
        let has_ended = polled.is_ready() && buffer.filled().len() == before && buffer.remaining() > 0;
        self.is_over |= has_ended;
        self.note(polled)
    }
}

/// Writes are not vectored: hyper then sends head and body from one buffer, cheaper for answers as small as ours.
impl AsyncWrite for Polite {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = self.stream().poll_write(context, bytes);
        if polled.is_pending() && !std::mem::replace(&mut self.is_stalled, true) {
            self.pulse.stalls();
        }
        self.note(polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes once everything was written, so whatever stalled has left by now.
        if std::mem::take(&mut self.is_stalled) {
            self.pulse.has_caught_up();
        }
        let polled = self.stream().poll_flush(context);
        self.note(polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = self.stream().poll_shutdown(context);
        self.note(polled)
    }
}

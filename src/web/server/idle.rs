//! A stream that ends when nothing has moved for a while: it covers slow readers, stuck writes and idle HTTP/2,
//! for which hyper has no limit of its own. And one that ends politely.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, timeout};

use super::places::Place;

/// How long, and how much, a client may go on sending after its connection was ended.
const LINGER: Duration = Duration::from_secs(2);
const MAX_LINGER_BYTES: usize = 2 * 1024 * 1024;

/// A connection with its place among the connections.
pub struct IdleLimited {
    inner: Option<TcpStream>,
    place: Option<Place>,
    limit: Duration,
    moved_at: Instant,
    alarm: Pin<Box<Sleep>>,
    is_over: bool,
}

impl IdleLimited {
    pub fn new(inner: TcpStream, place: Place, limit: Duration) -> Self {
        let alarm = Box::pin(tokio::time::sleep(limit));
        Self { inner: Some(inner), place: Some(place), limit, moved_at: Instant::now(), alarm, is_over: false }
    }

    fn stream(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(self.inner.as_mut().expect("the stream is taken only when this is dropped"))
    }

    /// Notes progress, or asks whether there has been none for too long. The alarm is set anew only when it rings,
    /// so that progress costs a look at the clock and nothing more.
    fn judge<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(result) = &polled {
            self.is_over |= result.is_err();
            self.moved_at = Instant::now();
            return polled;
        }
        while self.alarm.as_mut().poll(context).is_ready() {
            let rings_at = self.moved_at + self.limit;
            if Instant::now() >= rings_at {
                self.is_over = true;
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(rings_at);
        }
        Poll::Pending
    }
}

/// Closing on a client that is still sending would tear the last answer away with the connection: the reason why a
/// request was refused would not arrive.
impl Drop for IdleLimited {
    fn drop(&mut self) {
        let (Some(stream), false) = (self.inner.take(), self.is_over) else { return };
        let place = self.place.take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = timeout(LINGER, end_politely(stream)).await;
                drop(place);
            });
        }
    }
}

/// Says that nothing more comes, and hears the client out.
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

impl AsyncRead for IdleLimited {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = self.stream().poll_read(context, buffer);
        let has_ended = polled.is_ready() && buffer.filled().len() == before && buffer.remaining() > 0;
        self.is_over |= has_ended;
        self.judge(context, polled)
    }
}

/// Writes are not vectored: hyper then sends head and body from one buffer, which is cheaper for answers as small as ours.
impl AsyncWrite for IdleLimited {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = self.stream().poll_write(context, bytes);
        self.judge(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = self.stream().poll_flush(context);
        self.judge(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = self.stream().poll_shutdown(context);
        self.judge(context, polled)
    }
}

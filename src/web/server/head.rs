//! What hyper does not report of a head: a Content-Length beside a chunked body, a fragment behind the target.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const LENGTH: &[u8] = b"content-length";

/// What is known of the latest head.
#[derive(Default)]
pub(super) struct Head {
    has_length: AtomicBool,
    has_fragment: AtomicBool,
    /// Whether a line has come: empty ones before the first are skipped (RFC 9112, 2.2).
    has_begun: AtomicBool,
    is_over: AtomicBool,
}

impl Head {
    /// Whether the head has a Content-Length. Of pipelined requests nothing is known.
    pub(super) fn has_length(&self) -> bool {
        self.has_length.load(Ordering::Relaxed)
    }

    /// Whether the request line has a fragment, which hyper leaves out and no target has (RFC 9112, 3.2): a proxy may have
    /// read a longer path.
    pub(super) fn has_fragment(&self) -> bool {
        self.has_fragment.load(Ordering::Relaxed)
    }

    /// Whether the head of the request was seen; nothing is known of a pipelined one.
    pub(super) fn was_seen(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Notes a piece of a line.
    fn note_piece(&self, piece: &[u8]) {
        if !self.has_begun.load(Ordering::Relaxed) && piece.contains(&b'#') {
            self.has_fragment.store(true, Ordering::Relaxed);
        }
    }

    /// Notes a line, or its beginning. One task reads a connection, so nothing comes between reading a flag and setting
    /// it.
    fn note_line(&self, line: &[u8]) {
        if matches!(line, b"\n" | b"\r\n") {
            self.is_over.store(self.has_begun.load(Ordering::Relaxed), Ordering::Relaxed);
            return;
        }
        self.has_begun.store(true, Ordering::Relaxed);
        if line.get(..LENGTH.len()).is_some_and(|start| start.eq_ignore_ascii_case(LENGTH)) {
            self.has_length.store(true, Ordering::Relaxed);
        }
    }

    /// Starts over for the next head.
    pub(super) fn begin_anew(&self) {
        self.has_length.store(false, Ordering::Relaxed);
        self.has_fragment.store(false, Ordering::Relaxed);
        self.has_begun.store(false, Ordering::Relaxed);
        self.is_over.store(false, Ordering::Relaxed);
    }
}

/// A stream that watches heads as they pass. hyper removes a Content-Length beside Transfer-Encoding, goes by the
/// latter and closes, as RFC 9112, 6.1, permits; a client that sends both attempts request smuggling, and is refused.
pub(super) struct Watched<S> {
    stream: S,
    head: Arc<Head>,
    /// The beginning of an unfinished line, no longer than what is searched for.
    line: Vec<u8>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> (Self, Arc<Head>) {
        let head = Arc::new(Head::default());
        (Self { stream, head: Arc::clone(&head), line: Vec::with_capacity(LENGTH.len() + 1) }, head)
    }

    fn look_at(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.head.is_over.load(Ordering::Relaxed) {
            // By lines: several times as fast as by bytes, and every request passes here.
            let end = memchr::memchr(b'\n', bytes);
            let is_whole = end.is_some();
            let (line, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
            bytes = rest;
            self.head.note_piece(line);
            if is_whole && self.line.is_empty() {
                self.head.note_line(line);
                continue;
            }
            let room = (LENGTH.len() + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&line[..line.len().min(room)]);
            if is_whole {
                self.head.note_line(&self.line);
                self.line.clear();
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.look_at(&buffer.filled()[before..]);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_seen_in_the_request_line_only_and_wherever_reads_are_cut() {
        let text = b"\r\nGET /a#b HTTP/1.1\r\nHost: a\r\n\r\n";
        for cut in 0..text.len() {
            let (mut watched, head) = Watched::new(());
            watched.look_at(&text[..cut]);
            watched.look_at(&text[cut..]);
            assert!(head.has_fragment(), "{cut}");
            head.begin_anew();
            watched.look_at(b"GET /a HTTP/1.1\r\nHost: #\r\n#: a\r\n\r\n#\r\n");
            assert!(!head.has_fragment(), "{cut}");
        }
    }

    #[test]
    fn a_length_is_seen_in_heads_only_and_wherever_reads_are_cut() {
        let text = b"\r\n\nPOST / HTTP/1.1\r\nHost: a\r\nCONTENT-length: 5\r\n\r\n";
        for cut in 0..text.len() {
            let (mut watched, head) = Watched::new(());
            watched.look_at(&text[..cut]);
            watched.look_at(&text[cut..]);
            assert!(head.has_length(), "{cut}");
            head.begin_anew();
            watched.look_at(b"GET / HTTP/1.1\r\nX-Content-Length: 5\r\nY: content-length\r\n\r\ncontent-length: 5\r\n");
            assert!(!head.has_length(), "{cut}");
        }
    }
}

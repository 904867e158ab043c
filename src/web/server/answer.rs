//! The body of an answer on its way out.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, SizeHint};

use crate::net::{Room, UnderWay};

/// The bytes handed to the connection at a time; the rest waits here, where it is counted.
pub(super) const CHUNK_BYTES: usize = 16 * 1024;

/// The body of an answer, with the room that it takes and the request that it answers. Both are released when the last
/// byte has left, wherever the connection keeps the bytes until then.
pub(super) struct Answer {
    rest: Bytes,
    held: Option<Held>,
}

/// What is released when the answer has left.
struct Held {
    _room: Option<Room>,
    _under_way: UnderWay,
}

impl Answer {
    /// Wraps the answer to a request.
    pub(super) fn new(bytes: Bytes, room: Option<Room>, under_way: UnderWay) -> Self {
        Self { rest: bytes, held: Some(Held { _room: room, _under_way: under_way }) }
    }

    /// Wraps an answer that leaves at once, so that nothing is held for it.
    pub(super) fn gone(bytes: Bytes) -> Self {
        Self { rest: bytes, held: None }
    }
}

/// Bytes handed to the connection; the last ones carry what is held for the answer.
pub(super) struct Chunk {
    bytes: Bytes,
    _held: Option<Held>,
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

impl Body for Answer {
    type Data = Chunk;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Chunk>, Infallible>>> {
        let length = self.rest.len().min(CHUNK_BYTES);
        if length == 0 {
            return Poll::Ready(None);
        }
        let bytes = self.rest.split_to(length);
        let held = if self.rest.is_empty() { self.held.take() } else { None };
        Poll::Ready(Some(Ok(Frame::data(Chunk { bytes, _held: held }))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use http_body_util::BodyExt;

    use super::*;
    use crate::net::{Budget, Pulse};

    #[test]
    fn room_is_taken_until_the_last_byte_has_left() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
        let (budget, pulse) = (Arc::new(Budget::default()), Arc::new(Pulse::new(Duration::from_secs(1))));
        let client = std::net::Ipv4Addr::LOCALHOST.into();
        let room = budget.share(client).room(2 * CHUNK_BYTES).expect("room");
        let bytes = Bytes::from(vec![7; 2 * CHUNK_BYTES]);
        let mut answer = Answer::new(bytes, Some(room), pulse.begin(false));
        let mut next =
            || runtime.block_on(answer.frame()).expect("a frame").expect("bytes").into_data().ok().expect("bytes");
        let (first, mut last) = (next(), next());
        assert_eq!((first.remaining(), answer.is_end_stream()), (CHUNK_BYTES, true));
        drop((answer, first));
        last.advance(CHUNK_BYTES);
        assert!(!budget.is_free());
        drop(last);
        assert!(budget.is_free());
    }
}

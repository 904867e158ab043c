//! The body of an answer on its way out.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::budget::Room;
use super::pulse::UnderWay;

/// Bytes that are handed to the connection at a time: what it holds beyond them waits here, where it is counted.
const CHUNK_BYTES: usize = 16 * 1024;

/// Bytes, with the room that they take and the request that they answer: both are free when the last byte has left, wherever the
/// connection keeps them until then.
pub struct Answer {
    rest: Bytes,
    /// Of an answer without a body.
    _under_way: Option<UnderWay>,
}

/// What belongs to the bytes of an answer.
struct Owned {
    bytes: Bytes,
    _room: Option<Room>,
    _under_way: UnderWay,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Answer {
    /// The answer to a request.
    pub fn new(bytes: Bytes, room: Option<Room>, under_way: UnderWay) -> Self {
        if bytes.is_empty() {
            return Self { rest: bytes, _under_way: Some(under_way) };
        }
        Self { rest: Bytes::from_owner(Owned { bytes, _room: room, _under_way: under_way }), _under_way: None }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.rest.len().min(CHUNK_BYTES);
        Poll::Ready((length > 0).then(|| Ok(Frame::data(self.rest.split_to(length)))))
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

    use super::super::budget::Budget;
    use super::super::pulse::Pulse;
    use super::*;

    #[test]
    fn room_is_taken_until_the_last_byte_has_left() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
        let (budget, pulse) = (Arc::new(Budget::default()), Arc::new(Pulse::new(Duration::from_secs(1))));
        let client = std::net::Ipv4Addr::LOCALHOST.into();
        let room = budget.share(client).room(2 * CHUNK_BYTES).expect("room");
        let bytes = Bytes::from(vec![7; 2 * CHUNK_BYTES]);
        let mut answer = Answer::new(bytes, Some(room), pulse.begin());
        let first = runtime.block_on(answer.frame()).expect("a frame").expect("bytes").into_data().expect("bytes");
        assert_eq!((first.len(), answer.is_end_stream()), (CHUNK_BYTES, false));
        let last = runtime.block_on(answer.frame()).expect("a frame").expect("bytes").into_data().expect("bytes");
        assert!(answer.is_end_stream());
        drop((answer, first));
        assert!(!budget.is_free());
        drop(last);
        assert!(budget.is_free());
    }
}

//! Panics: one in a handler ends one request, not the process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::failure::Failure;

/// A handler's future in which a panic ends one request, not the process.
pub(super) struct CatchPanic<'a, T>(pub(super) Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>);

impl<T> Future for CatchPanic<'_, T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.0.as_mut();
        caught(|| match future.poll(context) {
            Poll::Ready(answered) => answered.map(Poll::Ready),
            Poll::Pending => Ok(Poll::Pending),
        })
        .map_or_else(|failure| Poll::Ready(Err(failure)), |polled| polled.map(Ok))
    }
}

/// Calls a handler in which a panic ends one request.
pub(super) fn caught<T>(handler: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(handler)).unwrap_or_else(|_| {
        tracing::error!("a handler panicked; the request was answered with 500");
        Err(Failure::Internal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_handler_ends_one_request() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
        let panics = || CatchPanic::<()>(Box::pin(async { panic!("a test") }));
        assert_eq!(runtime.block_on(panics()).err(), Some(Failure::Internal));
        assert_eq!(runtime.block_on(panics()).err(), Some(Failure::Internal));
    }
}

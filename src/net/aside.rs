//! Futures that wait beside something that is polled much more often.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// A future that is polled only after it was woken. A connection is polled with every request, and what it also waits
/// for (its end, the server's) is hardly ever ready: polling all of that each time costs more than finding the route.
pub struct Aside<F> {
    future: F,
    bell: Arc<Bell>,
    waker: Waker,
}

/// The waker given to the inner future: it notes the call and passes it on.
struct Bell {
    has_rung: AtomicBool,
    task: Mutex<Waker>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        // Cloned, and woken outside the lock: the task may be polled at once, and poll takes the lock.
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        task.wake();
    }
}

impl<F: Future + Unpin> Aside<F> {
    /// Wraps a future; it is polled once at first.
    pub fn new(future: F) -> Self {
        let bell = Arc::new(Bell { has_rung: AtomicBool::new(true), task: Mutex::new(Waker::noop().clone()) });
        Self { future, waker: Waker::from(Arc::clone(&bell)), bell }
    }
}

impl<F: Future + Unpin> Future for Aside<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let mut task = this.bell.task.lock().unwrap_or_else(PoisonError::into_inner);
        // Stored before the flag is read: a wake in between either sets the flag that is read next, or wakes this task.
        if !task.will_wake(context.waker()) {
            task.clone_from(context.waker());
        }
        drop(task);
        if !this.bell.has_rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        Pin::new(&mut this.future).poll(&mut Context::from_waker(&this.waker))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Counts how often it was woken.
    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn it_is_polled_when_it_has_called_and_not_before() {
        let (mut polls, mut kept) = (0, None);
        let mut aside = Aside::new(poll_fn(|context| {
            polls += 1;
            if kept.replace(context.waker().clone()).is_some() { Poll::Ready(()) } else { Poll::Pending }
        }));
        let [first, second] = [Arc::new(Task::default()), Arc::new(Task::default())];
        let [asks, asks_next] = [&first, &second].map(|task| Waker::from(Arc::clone(task)));
        for _ in 0..3 {
            assert!(Pin::new(&mut aside).poll(&mut Context::from_waker(&asks)).is_pending());
        }
        // The task that polled last is woken.
        assert!(Pin::new(&mut aside).poll(&mut Context::from_waker(&asks_next)).is_pending());
        aside.waker.wake_by_ref();
        assert_eq!((first.0.load(Ordering::Relaxed), second.0.load(Ordering::Relaxed)), (0, 1));
        assert!(Pin::new(&mut aside).poll(&mut Context::from_waker(&asks_next)).is_ready());
        drop(aside);
        assert_eq!(polls, 2);
    }
}

//! Counters with a part for every thread.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads that have a part of their own: no more serve requests.
const PARTS: usize = 4;

/// A value with a part per thread. Threads that count in one place at every request would contend for its cache line.
#[derive(Debug)]
pub struct PerThread<T>([OnceLock<Box<T>>; PARTS]);

impl<T> Default for PerThread<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| OnceLock::new()))
    }
}

impl<T: Default> PerThread<T> {
    /// Returns the part of this thread, made when it is first needed.
    pub fn mine(&self) -> &T {
        self.0[place()].get_or_init(Box::default)
    }

    /// Returns the parts made so far.
    pub fn parts(&self) -> impl Iterator<Item = &T> {
        self.0.iter().filter_map(OnceLock::get).map(Box::as_ref)
    }
}

/// Returns the place of this thread among the parts; if there are more threads, some share one.
fn place() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % PARTS;
    }
    MINE.with(|place| *place)
}

#[cfg(test)]
mod tests {
    use super::super::Counter;
    use super::*;

    #[test]
    fn what_many_threads_count_is_all_there() {
        let counted = PerThread::<Counter>::default();
        assert_eq!(counted.parts().count(), 0);
        std::thread::scope(|scope| {
            for _ in 0..3 * PARTS {
                scope.spawn(|| (0..1000).for_each(|_| counted.mine().add()));
            }
        });
        assert_eq!(counted.parts().map(Counter::get).sum::<u64>(), 3 * PARTS as u64 * 1000);
        assert_eq!(counted.parts().count(), PARTS);
    }
}

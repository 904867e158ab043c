//! A line on the terminal that shows the progress of long work, or what is waited for.

use std::io::{self, IsTerminal, Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::cli::out::tell;

/// The time before the first line: shorter work needs none.
const FIRST_AFTER: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_millis(200);
/// The time before an explanation: nobody wonders earlier.
const WORD_AFTER: Duration = Duration::from_secs(5);

/// Shows how many bytes have passed, on a terminal only, and not at once.
pub(super) struct Progress {
    what: &'static str,
    started: Instant,
    shown: Option<Instant>,
    bytes: u64,
    is_terminal: bool,
}

impl Progress {
    /// Starts for work of this name.
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, started: Instant::now(), shown: None, bytes: 0, is_terminal: io::stderr().is_terminal() }
    }

    fn passed(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        let is_due = self.shown.map_or(self.started.elapsed() >= FIRST_AFTER, |shown| shown.elapsed() >= EVERY);
        if self.is_terminal && is_due {
            let mib = self.bytes >> 20;
            let _ = write!(io::stderr(), "\r{}: {mib} MiB after {} s ", self.what, self.started.elapsed().as_secs());
            self.shown = Some(Instant::now());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// Runs something that may take long, and after a while says once, on standard error, what is waited for.
pub(super) fn patiently<T>(word: &str, work: impl FnOnce() -> T) -> T {
    let (done, is_done) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if is_done.recv_timeout(WORD_AFTER) == Err(mpsc::RecvTimeoutError::Timeout) {
                tell!("{word}");
            }
        });
        let outcome = work();
        drop(done);
        outcome
    })
}

/// A reader or writer whose bytes are counted.
pub(super) struct Watched<'a, T> {
    pub inner: T,
    pub progress: &'a mut Progress,
}

impl<T: Read> Read for Watched<'_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress.passed(read);
        Ok(read)
    }
}

impl<T: Write> Write for Watched<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.progress.passed(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

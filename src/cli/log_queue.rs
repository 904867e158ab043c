//! The server's log lines on their way to standard output.
//!
//! A thread of its own writes them, so that no request, mail or signal ever waits for their reader: a full pipe, a full
//! disk, a reader that has gone. Lines without room are dropped and counted; once writing works again the log says how
//! many.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use crate::metrics::LOST_LOG_LINES;

use super::escape::is_dangerous;

/// The most bytes that wait to be written; some two thousand lines.
const MAX_WAITING_BYTES: usize = 256 * 1024;
/// The time that a process waits at its end for the last lines to be written.
const LAST_LINES_MAY_TAKE: Duration = Duration::from_secs(1);

static QUEUE: OnceLock<LogQueue> = OnceLock::new();

/// The queue of lines.
#[derive(Debug, Default)]
pub struct LogQueue {
    lines: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    waiting: Vec<u8>,
    is_writing: bool,
    /// The lines dropped since the log last reported them.
    lost: u64,
}

impl LogQueue {
    /// Starts writing to standard output what is pushed, on a thread of its own.
    ///
    /// # Errors
    /// When the system refuses a thread or a descriptor.
    pub fn start() -> io::Result<&'static Self> {
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let queue = QUEUE.get_or_init(Self::default);
        std::thread::Builder::new().name("log".into()).spawn(move || queue.write_to(out))?;
        Ok(queue)
    }

    /// Returns the queue of this process, if it is a server.
    pub fn running() -> Option<&'static Self> {
        QUEUE.get()
    }

    /// Queues a line, or drops it if too many wait. Never waits for the reader.
    pub fn push(&self, line: &[u8]) {
        let mut lines = self.lock();
        if lines.waiting.len() + line.len() > MAX_WAITING_BYTES {
            lines.lost += 1;
            LOST_LOG_LINES.add();
        } else {
            lines.waiting.extend_from_slice(line);
            self.changed.notify_all();
        }
    }

    /// Waits until everything is written, for a second at most.
    pub fn finish(&self) {
        let is_busy = |lines: &mut Lines| lines.is_writing || !lines.waiting.is_empty();
        let _ = self.changed.wait_timeout_while(self.lock(), LAST_LINES_MAY_TAKE, is_busy);
    }

    fn write_to(&self, mut out: impl Write + AsFd) {
        let mut batch = Vec::new();
        loop {
            {
                let waited = self.changed.wait_while(self.lock(), |lines| lines.waiting.is_empty());
                let mut lines = waited.unwrap_or_else(PoisonError::into_inner);
                std::mem::swap(&mut lines.waiting, &mut batch);
                lines.is_writing = true;
            }
            let unwritten = lines_in(&batch[write_all(&mut out, &batch, |out| wait_for_room(out.as_fd()))..]);
            batch.clear();
            let lost = {
                let mut lines = self.lock();
                lines.is_writing = false;
                lines.lost += unwritten;
                self.changed.notify_all();
                // Reported only once writing works again.
                if unwritten == 0 { std::mem::take(&mut lines.lost) } else { 0 }
            };
            LOST_LOG_LINES.add_many(unwritten);
            if lost > 0 {
                tracing::warn!(
                    lines = lost,
                    "lines of this log are missing: they could not be written, or were not read in time"
                );
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Used by the subscriber: each event is written at once, as one line.
impl Write for &LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(&in_one_line(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits until a non-blocking pipe can be written to, or never will be.
fn wait_for_room(out: BorrowedFd<'_>) {
    // An error of `poll` shows again at the next write.
    let _ = poll(&mut [PollFd::from_borrowed_fd(out, PollFlags::OUT)], None);
}

/// Makes an event one line, whatever text of others is in it: none of that may begin a line which would pass for ours
/// (log injection, CWE-117), or move a terminal's cursor. Colours are the subscriber's, which lets no others through.
fn in_one_line(event: &[u8]) -> Cow<'_, [u8]> {
    let text = String::from_utf8_lossy(event.strip_suffix(b"\n").unwrap_or(event));
    let is_harmless = |c: char| c == '\u{1b}' || !is_dangerous(c);
    if text.chars().all(is_harmless) {
        return event.into();
    }
    let mut line = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => line.push_str(" | "),
            c if is_harmless(c) => line.push(c),
            c => line.extend(c.escape_unicode()),
        }
    }
    line.push('\n');
    line.into_bytes().into()
}

/// Writes until an error, and returns how many bytes were written.
fn write_all<W: Write>(out: &mut W, bytes: &[u8], wait_for_room: impl Fn(&W)) -> usize {
    let mut written = 0;
    while written < bytes.len() {
        match out.write(&bytes[written..]) {
            Ok(0) => break,
            Ok(more) => written += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_for_room(out),
            Err(_) => break,
        }
    }
    written
}

fn lines_in(bytes: &[u8]) -> u64 {
    bytes.split_inclusive(|byte| *byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let queue = LogQueue::default();
        let line = [b'x'; 1024];
        let before = LOST_LOG_LINES.get();
        for _ in 0..300 {
            queue.push(&line);
        }
        let lines = queue.lock();
        assert_eq!((lines.waiting.len(), lines.lost), (MAX_WAITING_BYTES, 300 - 256));
        assert!(LOST_LOG_LINES.get() >= before + 300 - 256);
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let one = |event: &str| String::from_utf8(in_one_line(event.as_bytes()).into_owned()).expect("text");
        assert_eq!(one(" INFO a plain one\n"), " INFO a plain one\n");
        assert_eq!(one("a\nhint: b\n"), "a | hint: b\n");
        assert_eq!(
            one("x\r\n INFO login refused from 192.0.2.1\u{9b}\u{202e}\n"),
            "x\\u{d} |  INFO login refused from 192.0.2.1\\u{9b}\\u{202e}\n"
        );
        assert_eq!(one("\u{1b}[32m INFO\u{1b}[0m Jürgen\n"), "\u{1b}[32m INFO\u{1b}[0m Jürgen\n");
    }

    /// Takes a few bytes at a time, is interrupted, has no room now and then, and breaks in the end.
    struct Odd(Vec<u8>, usize);

    impl Write for Odd {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            match self.1 % 3 {
                _ if self.0.len() > 8 => Err(ErrorKind::StorageFull.into()),
                0 => Err(ErrorKind::Interrupted.into()),
                1 => Err(ErrorKind::WouldBlock.into()),
                _ => {
                    let taken = bytes.len().min(3);
                    self.0.extend(&bytes[..taken]);
                    Ok(taken)
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_sink_that_takes_little_gets_all_until_it_breaks() {
        let mut odd = Odd(Vec::new(), 0);
        let bytes = b"one\ntwo\nthree\nfour\n";
        let written = write_all(&mut odd, bytes, |_| ());
        assert_eq!((written, odd.0.as_slice()), (9, &bytes[..9]));
        assert_eq!(lines_in(&bytes[written..]), 2);
    }
}

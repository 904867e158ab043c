//! The progress of a connection: whether requests are answered on it, or since when it waits for its client.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The time that a client has to read an answer, however slowly it reads.
const ANSWER: Duration = Duration::from_secs(30);

/// The progress of one connection, and its deadlines.
pub struct Pulse {
    state: Mutex<State>,
    first: Notify,
}

struct State {
    /// The deadline for the first request; `None` once it has come.
    first_by: Option<Instant>,
    /// The time that the connection may last while no request is under way.
    idle: Duration,
    under_way: usize,
    /// Requests that we work on; while there is one, the client is not the one who is waited for.
    working: usize,
    /// Answers that are ready but not read to their end: number, and since when. As many as there are streams at most.
    unread: Vec<(u64, Instant)>,
    /// The time since which the client has taken nothing of what we send.
    stalled_at: Option<Instant>,
    last_number: u64,
    /// When the connection came, or the last answer left.
    moved_at: Instant,
}

/// The reason why a connection has to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Overdue {
    /// No request came in time.
    Idle,
    /// An answer was not read in time.
    Unread,
}

impl Pulse {
    /// Starts for a new connection, whose first request must come within `timeout`.
    pub fn new(timeout: Duration) -> Self {
        let now = Instant::now();
        let state = State {
            first_by: Some(now + timeout),
            idle: timeout,
            under_way: 0,
            working: 0,
            unread: Vec::new(),
            stalled_at: None,
            last_number: 0,
            moved_at: now,
        };
        Self { state: Mutex::new(state), first: Notify::new() }
    }

    /// Sets how long the connection may last while no request is under way.
    pub fn allow_idling(&self, idle: Duration) {
        self.state().idle = idle;
    }

    /// Notes that the client takes nothing of what we send.
    pub fn stalls(&self) {
        self.state().stalled_at.get_or_insert_with(Instant::now);
    }

    /// Notes that the client has taken everything that was to be sent.
    pub fn has_caught_up(&self) {
        let mut state = self.state();
        if state.stalled_at.take().is_some() {
            state.moved_at = Instant::now();
        }
    }

    /// Notes a request. If it came whole, without a body, work on it begins.
    pub fn begin(self: &Arc<Self>, is_whole: bool) -> UnderWay {
        let mut state = self.state();
        state.working += usize::from(is_whole);
        if state.first_by.take().is_some() {
            self.first.notify_one();
        }
        state.under_way += 1;
        state.last_number += 1;
        UnderWay { pulse: Arc::clone(self), number: state.last_number, is_worked_on: is_whole, is_over: false }
    }

    /// Whether work on a request is under way.
    pub fn is_working(&self) -> bool {
        self.state().working > 0
    }

    /// Waits until a request has come.
    pub async fn has_asked(&self) {
        if self.state().first_by.is_some() {
            self.first.notified().await;
        }
    }

    /// Returns since when the client is waited for; `None` while we work for it.
    pub fn waits_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.working == 0).then_some(state.moved_at)
    }

    /// Waits until the connection has to end.
    pub async fn overdue(&self) -> Overdue {
        loop {
            let look = self.state().look(Instant::now());
            match look {
                Ok(reason) => return reason,
                Err(again_at) => sleep_until(again_at).await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns why the connection has to end now, or when to look again: when the next deadline ends, but no later than
    /// one that begins after `now` could, as the idle time does once an answer has been read.
    fn look(&self, now: Instant) -> Result<Overdue, Instant> {
        let (reason, due) = self.due(now);
        if due <= now { Ok(reason) } else { Err(due.min(now + self.idle)) }
    }

    /// Returns the next deadline, and what it is for.
    // The oldest unread answer decides, and progress does not extend it: otherwise a client that reads a byte now and
    // then would hold its place, and our memory, for ever.
    fn due(&self, now: Instant) -> (Overdue, Instant) {
        let answered = self.unread.first().map(|(_, since)| *since);
        let oldest = answered.into_iter().chain(self.stalled_at).min();
        let unread = (Overdue::Unread, oldest.unwrap_or(now) + ANSWER);
        let idle = match self.first_by {
            Some(by) => by,
            None if self.under_way == 0 && self.stalled_at.is_none() => self.moved_at + self.idle,
            None => return unread,
        };
        if idle < unread.1 { (Overdue::Idle, idle) } else { unread }
    }
}

/// A request, from its head to the last byte of its answer.
pub struct UnderWay {
    pulse: Arc<Pulse>,
    number: u64,
    is_worked_on: bool,
    is_over: bool,
}

impl UnderWay {
    /// Notes that the request was read whole, and that work on it begins.
    pub fn works(&mut self) {
        self.is_worked_on = true;
        self.pulse.state().working += 1;
    }

    /// Notes that the answer is ready; from here on the client is waited for.
    pub fn is_ready(&mut self) {
        let now = Instant::now();
        let mut state = self.pulse.state();
        if std::mem::take(&mut self.is_worked_on) {
            state.working -= 1;
        }
        state.unread.push((self.number, now));
    }

    /// Notes that the answer was ready at this time and left at once.
    pub fn ends(mut self, at: Instant) {
        self.end(at);
    }

    fn end(&mut self, now: Instant) {
        let mut state = self.pulse.state();
        state.under_way -= 1;
        if self.is_worked_on {
            state.working -= 1;
        }
        state.unread.retain(|(number, _)| *number != self.number);
        state.moved_at = now;
        drop(state);
        self.is_over = true;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const IDLE: Duration = Duration::from_secs(75);

    fn pulse() -> (Arc<Pulse>, Instant) {
        let pulse = Arc::new(Pulse::new(10 * SECOND));
        let came = pulse.state().moved_at;
        pulse.allow_idling(IDLE);
        (pulse, came)
    }

    #[test]
    fn the_first_request_has_to_come_soon() {
        let (pulse, came) = pulse();
        assert_eq!(pulse.state().due(came), (Overdue::Idle, came + 10 * SECOND));
        drop(pulse.begin(false));
        let state = pulse.state();
        assert_eq!(state.due(came + ANSWER * 2), (Overdue::Idle, state.moved_at + IDLE));
    }

    #[test]
    fn a_connection_does_not_idle_while_a_request_is_under_way() {
        let (pulse, came) = pulse();
        let mut under_way = pulse.begin(false);
        let late = came + IDLE * 2;
        assert_eq!(pulse.state().due(late), (Overdue::Unread, late + ANSWER));
        assert!(pulse.waits_since().is_some(), "the body is waited for");
        under_way.works();
        assert!(pulse.waits_since().is_none());
        under_way.is_ready();
        assert!(pulse.waits_since().is_some());
        drop(under_way);
        let state = pulse.state();
        assert_eq!(state.due(late), (Overdue::Idle, state.moved_at + IDLE));
    }

    #[test]
    fn an_answer_has_to_be_read_whatever_else_is_asked_for() {
        let (pulse, came) = pulse();
        let mut unread = pulse.begin(false);
        unread.is_ready();
        let since = pulse.state().unread[0].1;
        for _ in 0..3 {
            let mut read = pulse.begin(false);
            read.is_ready();
            drop(read);
        }
        assert_eq!(pulse.state().due(came + ANSWER * 2), (Overdue::Unread, since + ANSWER));
        drop(unread);
        assert!(pulse.state().unread.is_empty());
    }

    #[test]
    fn whoever_takes_nothing_of_what_is_sent_has_not_read_it() {
        let (pulse, _) = pulse();
        drop(pulse.begin(false));
        pulse.stalls();
        let since = pulse.state().stalled_at.expect("it stalls");
        pulse.stalls();
        let late = since + IDLE * 2;
        assert_eq!(pulse.state().due(late), (Overdue::Unread, since + ANSWER));
        pulse.has_caught_up();
        let state = pulse.state();
        assert!(state.moved_at >= since);
        assert_eq!(state.due(late), (Overdue::Idle, state.moved_at + IDLE));
    }

    #[test]
    fn the_time_for_the_next_request_is_not_slept_through() {
        let (pulse, came) = pulse();
        pulse.allow_idling(10 * SECOND);
        let mut under_way = pulse.begin(true);
        assert_eq!(pulse.state().look(came), Err(came + 10 * SECOND));
        under_way.is_ready();
        let since = pulse.state().unread[0].1;
        assert_eq!(pulse.state().look(since), Err(since + 10 * SECOND));
        drop(under_way);
        let state = pulse.state();
        assert_eq!(state.look(state.moved_at + 9 * SECOND), Err(state.moved_at + 10 * SECOND));
        assert_eq!(state.look(state.moved_at + 10 * SECOND), Ok(Overdue::Idle));
    }

    #[test]
    fn whoever_goes_away_while_we_work_leaves_nothing_behind() {
        let (pulse, _) = pulse();
        let mut under_way = pulse.begin(false);
        under_way.works();
        drop(under_way);
        let state = pulse.state();
        assert_eq!((state.under_way, state.working), (0, 0));
    }
}

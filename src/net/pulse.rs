//! How a connection gets on: whether requests are answered on it, and since when not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// How long a client may take to read an answer, whatever it reads meanwhile.
const ANSWER: Duration = Duration::from_secs(30);

/// What happens on one connection.
pub struct Pulse {
    state: Mutex<State>,
    first: Notify,
}

struct State {
    /// Until when the first request must have come; nothing once it has.
    first_by: Option<Instant>,
    /// How long the connection may last on which no request is under way.
    idle: Duration,
    under_way: usize,
    /// Requests that we work on: whoever has one is not waited for.
    working: usize,
    /// Answers that are ready and not read to their end: number, and since when. As many as there are streams at most.
    unread: Vec<(u64, Instant)>,
    /// Since when the client has taken nothing of what we send.
    stalled_at: Option<Instant>,
    last_number: u64,
    /// When the connection came, or the last answer was on its way.
    moved_at: Instant,
}

/// Why a connection has to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Overdue {
    /// No request came, for too long.
    Idle,
    /// An answer is not read.
    Unread,
}

impl Pulse {
    /// Of a connection that has just come, and whose first request may take so long.
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

    /// Has the connection last so long from now on while no request is under way.
    pub fn allow_idling(&self, idle: Duration) {
        self.state().idle = idle;
    }

    /// The client takes nothing of what we send.
    pub fn stalls(&self) {
        self.state().stalled_at.get_or_insert_with(Instant::now);
    }

    /// The client has taken everything that was to be sent.
    pub fn has_caught_up(&self) {
        let mut state = self.state();
        if state.stalled_at.take().is_some() {
            state.moved_at = Instant::now();
        }
    }

    /// A request has come; perhaps whole, so that it is worked on from now on.
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

    /// Whether we work on a request.
    pub fn is_working(&self) -> bool {
        self.state().working > 0
    }

    /// Waits until a request has come.
    pub async fn has_asked(&self) {
        if self.state().first_by.is_some() {
            self.first.notified().await;
        }
    }

    /// Since when we have waited for the client; nothing while we work for it.
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
    /// Why the connection has to end now, or when to look again: at what is due next, but before anything can be due that begins
    /// after `now`, as the time for the next request does when an answer under way has been read.
    fn look(&self, now: Instant) -> Result<Overdue, Instant> {
        let (reason, due) = self.due(now);
        if due <= now { Ok(reason) } else { Err(due.min(now + self.idle)) }
    }

    /// What is due first, and when.
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

/// A request from its head to the last byte of its answer.
pub struct UnderWay {
    pulse: Arc<Pulse>,
    number: u64,
    is_worked_on: bool,
    is_over: bool,
}

impl UnderWay {
    /// It was read whole, and is worked on.
    pub fn works(&mut self) {
        self.is_worked_on = true;
        self.pulse.state().working += 1;
    }

    /// The answer is ready. What is left is to read it, which is the client's part.
    pub fn is_ready(&mut self) {
        let now = Instant::now();
        let mut state = self.pulse.state();
        if std::mem::take(&mut self.is_worked_on) {
            state.working -= 1;
        }
        state.unread.push((self.number, now));
    }

    /// The answer was ready at this time, and leaves at once: there is nothing to wait for but the connection itself.
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

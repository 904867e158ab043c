//! Wakes the workers.

use tokio::sync::Notify;

use crate::store::{Event, schema};

/// Signals to the workers that something they wait for was committed.
#[derive(Debug, Default)]
pub struct Wakes {
    /// A mail was requested.
    pub mail_requested: Notify,
    /// A mail was queued, or its time has changed.
    pub mail_queued: Notify,
    /// A text message was queued, or its time has changed.
    pub text_queued: Notify,
    /// A row was added to the audit log.
    pub audited: Notify,
}

pub(super) fn wake(wakes: &Wakes, event: &Event<'_>) {
    let touched = |range: schema::Range| match event {
        Event::Reopened => true,
        Event::Committed(changes, _) | Event::Elsewhere(changes) => {
            changes.range(vec![range.prefix]..vec![range.prefix + 1]).next().is_some()
        }
    };
    if touched(schema::LINK_REQUESTS) {
        wakes.mail_requested.notify_one();
    }
    if touched(schema::MAILS_DUE) || touched(schema::MAILS_BEHIND) {
        wakes.mail_queued.notify_one();
    }
    if touched(schema::TEXTS_DUE) {
        wakes.text_queued.notify_one();
    }
    if touched(schema::AUDIT) {
        wakes.audited.notify_one();
    }
}

//! Mails: what they say, how they are put together, and where they wait.
//!
//! A mail is written in the transaction that caused it and leaves the outbox only when a server has accepted it.

mod compose;
mod letter;
mod outbox;
mod recipient;

pub use compose::{ComposeError, Composer, Message};
pub use letter::Letter;
pub(crate) use outbox::{DUE, MAILS, TEXTS_DUE};
pub use outbox::{
    GIVE_UP_AFTER, Mail, MailState, claim, delivered, due, fail, hold_all, is_failed, list, next_due, postpone, queue,
    queue_text, release_claims, release_held, reseal, retry, retry_all, sweep,
};
pub use recipient::{Channel, Recipient};

//! Mails: what they say, how they are composed, and where they wait.
//!
//! A mail is written in the transaction that caused it and leaves the outbox only when a server has accepted it.

mod addressee;
mod compose;
mod handling;
mod lanes;
mod letter;
mod look;
pub mod notices;
mod outbox;
mod outbox_steps;
mod recipient;
mod samples;

pub use addressee::Addressee;
pub use compose::{ComposeError, Composer, Message, try_letters};
pub use lanes::Urgency;
pub(crate) use lanes::{BEHIND, DUE, OF_RECIPIENT, TEXTS_DUE};
pub use letter::Letter;
pub(crate) use notices::NOTICES;
pub use notices::Notable;
pub(crate) use outbox::MAILS;
pub use outbox::{
    GIVE_UP_AFTER, Mail, MailState, Mailer, TextMessage, claim, delivered, discard, due, fail, find, is_failed, list,
    next_due, postpone, reseal, retry,
};
pub use outbox_steps::{OutboxStep, bring_forward, hold_all, release_claims, release_held, retry_failed, sweep};
pub use recipient::{Channel, Recipient};

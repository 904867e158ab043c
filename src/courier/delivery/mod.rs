//! Delivery of mails: to a mail server, or into a folder.

mod answer;
mod dialogue;
mod explain;
mod file;
mod line;
mod log_in;
mod smtp;

pub use file::FileTransport;
pub use smtp::{SetupError, SmtpTransport};

/// The outcome of an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The server said 250: it is responsible for the mail now.
    Accepted,
    /// It may work later; with the reason.
    Later(String),
    /// The server will never take it; with the reason.
    Never(String),
}

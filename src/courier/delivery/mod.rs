//! How mails leave: to a mail server, or into a folder.

mod answer;
mod dialogue;
mod explain;
mod file;
mod line;
mod log_in;
mod smtp;

pub use file::FileTransport;
pub use smtp::{SetupError, SmtpTransport};

/// What came of an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// A server said 250: the mail is its business now.
    Accepted,
    /// It may work later; the reason in words.
    Later(String),
    /// The server will never take it; the reason in words.
    Never(String),
}

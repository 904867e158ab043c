//! How mails leave: to a mail server, or into a folder.

mod explain;
mod file;
mod smtp;

use crate::base::{EmailAddress, MailId};
use crate::config::{Config, MailTransport};

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

/// A way for mails to leave.
pub enum Transport {
    /// To a mail server.
    Smtp(Box<SmtpTransport>),
    /// Into a folder.
    File(FileTransport),
}

impl Transport {
    /// The way that the configuration asks for. Nothing is connected yet: the server may be down.
    ///
    /// # Errors
    /// When a file it needs (password, CA) cannot be used.
    pub fn from_config(config: &Config) -> Result<Self, SetupError> {
        Ok(match config.mail.transport {
            MailTransport::Smtp => Self::Smtp(Box::new(SmtpTransport::new(config)?)),
            MailTransport::File => Self::File(FileTransport::new(config.mail.directory.clone())),
        })
    }

    /// Makes one attempt.
    pub async fn deliver(&self, id: MailId, to: &EmailAddress, bytes: &[u8]) -> Outcome {
        match self {
            Self::Smtp(smtp) => smtp.deliver(to, bytes).await,
            Self::File(file) => file.deliver(id, bytes).await,
        }
    }
}

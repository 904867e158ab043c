//! How mails leave: to a mail server, or into a folder.

mod dialogue;
mod explain;
mod file;
mod smtp;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::base::{EmailAddress, MailId, Timestamp};
use crate::config::{Config, MailTransport};

pub use file::FileTransport;
pub use smtp::{SetupError, SmtpTransport};

/// How long an attempt may take. RFC 5321, 4.5.3.2.6 allows ten minutes for the answer to the final dot alone; whoever gives
/// up sooner risks that a slow server delivers twice, whoever waits holds up all other mail.
const ATTEMPT: Duration = Duration::from_mins(5);
/// How long it may take while an administrator waits for `gatelodge mail test`.
const TEST: Duration = Duration::from_secs(15);

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

/// The way that mails leave at present: another may take its place between two mails.
pub struct Replaceable(Mutex<Arc<Transport>>);

impl Replaceable {
    /// Begins with this one.
    #[must_use]
    pub fn new(transport: Transport) -> Self {
        Self(Mutex::new(Arc::new(transport)))
    }

    /// The present one.
    #[must_use]
    pub fn present(&self) -> Arc<Transport> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From the next mail on, this one.
    pub fn replace(&self, transport: Transport) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(transport);
    }
}

/// A way for mails to leave.
pub enum Transport {
    /// To a mail server.
    Smtp(Box<SmtpTransport>),
    /// Into a folder.
    File(FileTransport),
}

impl Transport {
    /// The way that the configuration asks for. Nothing is connected yet: the server may be down. Certificates are judged by
    /// the time `now` until another is believed.
    ///
    /// # Errors
    /// When a file it needs (password, CA) cannot be used.
    pub fn from_config(config: &Config, now: Timestamp) -> Result<Self, SetupError> {
        Self::waiting(config, ATTEMPT, now)
    }

    /// The same for somebody who sits and waits: a silent server is given up sooner.
    ///
    /// # Errors
    /// When a file it needs (password, CA) cannot be used.
    pub fn impatient(config: &Config, now: Timestamp) -> Result<Self, SetupError> {
        Self::waiting(config, TEST, now)
    }

    /// From now on a server's certificate is judged by this time.
    pub fn believe(&self, now: Timestamp) {
        if let Self::Smtp(smtp) = self {
            smtp.believe(now);
        }
    }

    fn waiting(config: &Config, patience: Duration, now: Timestamp) -> Result<Self, SetupError> {
        Ok(match config.mail.transport {
            MailTransport::Smtp => Self::Smtp(Box::new(SmtpTransport::new(config, patience, now)?)),
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

//! Delivers mails to a mail server, over one kept connection. This folder and `mail/compose.rs` are the only places
//! that know lettre.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::extension::ClientId;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::base::{EmailAddress, Secret, Timestamp};
use crate::config::{Config, Security, Smtp, read_first_line};
use crate::tls::client::{Connector, ConnectorError};

use super::super::CallOptions;
use super::Outcome;
use super::dialogue::{Dialogue, Failure, Step, Why, hello_name};
use super::explain::{self, Peer};
use super::log_in::Credentials;

/// The time for which an unused connection is kept.
const KEEP: Duration = Duration::from_secs(30);

const NO_PASSWORD: &str =
    "there is no password for this user: set password_file, or give the service the credential smtp-password";

/// Delivers to one mail server.
pub struct SmtpTransport {
    settings: Smtp,
    connector: Option<Connector>,
    credentials: Option<Credentials>,
    name: Option<ClientId>,
    sender: Address,
    kept: Arc<Kept>,
}

/// A connection that may serve for the next mail, and the task that closes it if none comes.
#[derive(Default)]
struct Kept(Mutex<Option<(Dialogue, AbortHandle)>>);

impl Kept {
    fn put(self: &Arc<Self>, dialogue: Dialogue) {
        let kept = Arc::clone(self);
        // The lock is held until the connection is in place, so the task cannot look for it too early.
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let leaving = tokio::spawn(async move {
            tokio::time::sleep(KEEP).await;
            let unused = kept.0.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some((dialogue, _)) = unused {
                dialogue.quit().await;
            }
        });
        // Two deliveries at a time leave one connection too many.
        if let Some((older, leaving)) = place.replace((dialogue, leaving.abort_handle())) {
            leaving.abort();
            tokio::spawn(older.quit());
        }
    }

    fn take(&self) -> Option<Dialogue> {
        let (dialogue, leaving) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        leaving.abort();
        Some(dialogue)
    }
}

/// An unusable file that the transport needs.
#[derive(Debug)]
pub struct SetupError {
    path: PathBuf,
    reason: String,
}

impl std::error::Error for SetupError {}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl From<ConnectorError> for SetupError {
    fn from(error: ConnectorError) -> Self {
        Self { path: error.path, reason: error.reason }
    }
}

impl SmtpTransport {
    /// Prepares the transport; nothing is sent yet.
    ///
    /// # Errors
    /// When the password or the CA file is missing or cannot be used.
    pub fn new(config: &Config, now: Timestamp) -> Result<Self, SetupError> {
        let settings = config.mail.smtp.clone();
        let connector = match settings.security {
            Security::None => None,
            Security::Starttls | Security::Tls => {
                Some(Connector::new(&settings.host, settings.ca_file.as_deref(), now)?)
            }
        };
        let credentials = match (&settings.username, &settings.password_file) {
            (Some(username), Some(path)) => {
                Some(Credentials { username: username.clone(), password: Secret::new(read_password(path)?) })
            }
            (Some(_), None) => {
                return Err(SetupError { path: "mail.smtp.username".into(), reason: NO_PASSWORD.into() });
            }
            (None, _) => None,
        };
        let sender = config.mail.from.address.as_str();
        let sender = sender
            .parse()
            .map_err(|_| SetupError { path: "mail.from".into(), reason: format!("{sender} cannot be a sender") })?;
        let name = hello_name(config.site.url.host(), config.mail.from.address.domain());
        Ok(Self { settings, connector, credentials, name, sender, kept: Arc::default() })
    }

    /// Makes one attempt to deliver a mail.
    pub async fn deliver(&self, to: &EmailAddress, bytes: &[u8], terms: CallOptions) -> Outcome {
        let Ok(recipient) = to.as_str().parse::<Address>() else {
            return Outcome::Never("the address cannot be written to".into());
        };
        self.outcome(self.attempt(&recipient, bytes, self.until(terms)).await, terms)
    }

    /// Connects and logs in, but sends nothing.
    pub async fn probe(&self, terms: CallOptions) -> Outcome {
        let entered = async {
            self.enter(self.until(terms)).await?.quit().await;
            Ok(())
        };
        self.outcome(entered.await, terms)
    }

    /// Closes the connection that is kept.
    pub async fn part(&self) {
        if let Some(dialogue) = self.kept.take() {
            dialogue.quit().await;
        }
    }

    /// Returns the deadline of an attempt; certificates are judged by its time from now on.
    fn until(&self, terms: CallOptions) -> Instant {
        if let Some(connector) = &self.connector {
            connector.believe(terms.now);
        }
        Instant::now() + terms.timeout
    }

    fn outcome(&self, attempt: Result<(), Failure>, terms: CallOptions) -> Outcome {
        let peer = Peer { settings: &self.settings, name: self.name.as_ref(), timeout: terms.timeout };
        attempt.map_or_else(|failure| explain::outcome(&failure, &peer), |()| Outcome::Accepted)
    }

    async fn attempt(&self, to: &Address, bytes: &[u8], until: Instant) -> Result<(), Failure> {
        if let Some(mut kept) = self.kept.take() {
            if kept.is_alive(until).await {
                match self.send(kept, to, bytes).await {
                    // Not yet a failure of the mail: another connection is tried below.
                    Err(failure) if is_about_the_connection(&failure) => {}
                    done => return done,
                }
            } else {
                kept.quit().await;
            }
        }
        let entered = self.enter(until).await?;
        self.send(entered, to, bytes).await
    }

    async fn enter(&self, until: Instant) -> Result<Dialogue, Failure> {
        let mut dialogue = Dialogue::begin(&self.settings, self.connector.as_ref(), self.name.as_ref(), until).await?;
        let Some(credentials) = &self.credentials else { return Ok(dialogue) };
        match dialogue.log_in(credentials).await {
            Ok(()) => Ok(dialogue),
            Err(failure) => {
                dialogue.quit().await;
                Err(failure)
            }
        }
    }

    async fn send(&self, mut dialogue: Dialogue, to: &Address, bytes: &[u8]) -> Result<(), Failure> {
        match dialogue.send(&self.sender, to, bytes).await {
            Ok(()) => {
                self.kept.put(dialogue);
                Ok(())
            }
            Err(failure) => {
                dialogue.quit().await;
                Err(failure)
            }
        }
    }
}

/// Whether a server has had enough of a connection, because of its age or the mails on it. Nothing was sent yet, so
/// another one may be tried at once without delivering twice.
fn is_about_the_connection(failure: &Failure) -> bool {
    match (failure.step, &failure.why) {
        (Step::Sender | Step::Recipient | Step::Data, Why::Closed | Why::Io(_)) => true,
        (Step::Sender | Step::Recipient | Step::Data, Why::Answered(answer)) if answer.is_farewell() => true,
        (Step::Sender, Why::Answered(answer)) => !answer.is_permanent(),
        _ => false,
    }
}

/// Reads the first line of the file.
fn read_password(path: &Path) -> Result<String, SetupError> {
    read_first_line(path).map_err(|fault| SetupError { path: path.into(), reason: fault.to_string() })
}

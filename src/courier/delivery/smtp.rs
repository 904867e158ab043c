//! Mails to a mail server, over one kept connection. This folder and `mail/compose.rs` are the only places that know lettre.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::base::{EmailAddress, Timestamp};
use crate::config::{Config, Security, Smtp};
use crate::tls::client::{Connector, ConnectorError};

use super::super::Terms;
use super::dialogue::{ConnectError, connect};
use super::{Outcome, explain};

/// How long an unused connection is kept.
const KEEP: Duration = Duration::from_secs(30);

const NO_PASSWORD: &str =
    "there is no password for this user: set password_file, or give the service the credential smtp-password";

/// Talks to one mail server.
pub struct SmtpTransport {
    settings: Smtp,
    connector: Option<Connector>,
    credentials: Option<Credentials>,
    hello: ClientId,
    sender: Address,
    kept: Mutex<Option<(AsyncSmtpConnection, Instant)>>,
}

/// A file that the transport needs cannot be used.
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

/// What an attempt failed at: a refusal means something else at each step.
enum Failed {
    /// There was no connection, or nobody was logged in: the mail is not at fault.
    BeforeTheMail(explain::Heard),
    /// The server takes nothing from our sender: neither is it now.
    AtTheSender(Error),
    /// The recipient, or the mail itself.
    AtTheMail(Error),
    /// The recipient's address is beyond ASCII, and the server does not take such (RFC 6531).
    BeyondAscii,
}

impl SmtpTransport {
    /// Prepares the connection; nothing is sent yet.
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
            (Some(username), Some(path)) => Some(Credentials::new(username.clone(), read_password(path)?)),
            (Some(_), None) => {
                return Err(SetupError { path: "mail.smtp.username".into(), reason: NO_PASSWORD.into() });
            }
            (None, _) => None,
        };
        let sender = config.mail.from.address.as_str();
        let sender = sender
            .parse()
            .map_err(|_| SetupError { path: "mail.from".into(), reason: format!("{sender} cannot be a sender") })?;
        let hello = hello_name(config.site.url.host().to_owned());
        Ok(Self { settings, connector, credentials, hello, sender, kept: Mutex::default() })
    }

    /// Makes one attempt.
    pub async fn deliver(&self, to: &EmailAddress, bytes: &[u8], terms: Terms) -> Outcome {
        if let Some(connector) = &self.connector {
            connector.believe(terms.now);
        }
        let Ok(recipient) = to.as_str().parse::<Address>() else {
            return Outcome::Never("the address cannot be written to".into());
        };
        let mut kept = self.kept.lock().await;
        let attempt = async {
            let mut connection = match self.usable(kept.take()).await {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            self.send(&mut connection, recipient, bytes).await?;
            Ok(connection)
        };
        match tokio::time::timeout(terms.patience, attempt).await {
            Ok(Ok(connection)) => {
                *kept = Some((connection, Instant::now()));
                Outcome::Accepted
            }
            Ok(Err(failed)) => self.explain(&failed),
            Err(_) => Outcome::Later(explain::silence(&self.settings)),
        }
    }

    /// Goes there and logs in, but sends nothing.
    pub async fn probe(&self, terms: Terms) -> Outcome {
        if let Some(connector) = &self.connector {
            connector.believe(terms.now);
        }
        match tokio::time::timeout(terms.patience, self.connect()).await {
            Ok(Ok(mut connection)) => {
                // It has let us in; how it says goodbye is no matter.
                let _ = connection.quit().await;
                Outcome::Accepted
            }
            Ok(Err(failed)) => self.explain(&failed),
            Err(_) => Outcome::Later(explain::silence(&self.settings)),
        }
    }

    /// The kept connection, if it is young and the server still answers on it.
    async fn usable(&self, kept: Option<(AsyncSmtpConnection, Instant)>) -> Option<AsyncSmtpConnection> {
        let (mut connection, used_at) = kept?;
        let is_young = used_at.elapsed() < KEEP && !connection.has_broken();
        (is_young && connection.test_connected().await).then_some(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failed> {
        let before = |error: Error| Failed::BeforeTheMail((&error).into());
        let refused = |error: ConnectError| Failed::BeforeTheMail((&error).into());
        let line = connect(&self.settings, self.connector.as_ref(), &self.hello).await.map_err(refused)?;
        let mut connection = AsyncSmtpConnection::connect_with_transport(line, &self.hello).await.map_err(before)?;
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(before)?;
        }
        Ok(connection)
    }

    async fn send(&self, connection: &mut AsyncSmtpConnection, to: Address, bytes: &[u8]) -> Result<(), Failed> {
        let is_ascii = AsRef::<str>::as_ref(&to).is_ascii() && AsRef::<str>::as_ref(&self.sender).is_ascii();
        let mut parameters = Vec::new();
        if !is_ascii {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Failed::BeyondAscii);
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let sender = Some(self.sender.clone());
        connection.command(Mail::new(sender, parameters)).await.map_err(Failed::AtTheSender)?;
        connection.command(Rcpt::new(to, vec![])).await.map_err(Failed::AtTheMail)?;
        connection.command(Data).await.map_err(Failed::AtTheMail)?;
        connection.message(bytes).await.map(drop).map_err(Failed::AtTheMail)
    }

    fn explain(&self, failed: &Failed) -> Outcome {
        match failed {
            Failed::BeforeTheMail(heard) => Outcome::Later(explain::in_words(heard, &self.settings)),
            Failed::AtTheSender(error) => Outcome::Later(explain::in_words(&error.into(), &self.settings)),
            Failed::AtTheMail(error) => explain::outcome(&error.into(), &self.settings),
            Failed::BeyondAscii => Outcome::Never(format!(
                "{}:{} takes no addresses with letters beyond ASCII",
                self.settings.host, self.settings.port
            )),
        }
    }
}

fn hello_name(host: String) -> ClientId {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(std::net::IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(std::net::IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(host),
    }
}

/// The first line of the file.
fn read_password(path: &Path) -> Result<String, SetupError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| SetupError { path: path.into(), reason: error.to_string() })?;
    match text.lines().next().filter(|line| !line.is_empty()) {
        Some(line) => Ok(line.to_owned()),
        None => Err(SetupError {
            path: path.into(),
            reason: "the password is missing: it is the first line of the file".into(),
        }),
    }
}

//! Mails to a mail server, over one kept connection. This and `mail/compose.rs` are the only files that know lettre.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::base::EmailAddress;
use crate::config::{Config, Security, Smtp};

use super::{Outcome, explain};

/// How long an unused connection is kept.
const KEEP: Duration = Duration::from_secs(30);

/// Talks to one mail server.
pub struct SmtpTransport {
    server: AsyncSmtpTransport<Tokio1Executor>,
    settings: Smtp,
    sender: Address,
    patience: Duration,
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

impl SmtpTransport {
    /// Prepares the connection; nothing is sent yet. `patience` is how long an attempt may take.
    ///
    /// # Errors
    /// When the password file or the CA file cannot be used.
    pub fn new(config: &Config, patience: Duration) -> Result<Self, SetupError> {
        let settings = config.mail.smtp.clone();
        let hello = config.site.url.host().to_owned();
        let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.as_str())
            .port(settings.port)
            .hello_name(hello_name(hello))
            .timeout(Some(patience))
            .pool_config(PoolConfig::new().max_size(1).idle_timeout(KEEP))
            // Never "if the server happens to offer it": somebody on the way could take the offer out.
            .tls(match settings.security {
                Security::None => Tls::None,
                Security::Starttls => Tls::Required(trust(&settings)?),
                Security::Tls => Tls::Wrapper(trust(&settings)?),
            });
        if let (Some(username), Some(path)) = (&settings.username, &settings.password_file) {
            server = server.credentials(Credentials::new(username.clone(), read_password(path)?));
        }
        let sender = config.mail.from.address.as_str();
        let sender = sender
            .parse()
            .map_err(|_| SetupError { path: "mail.from".into(), reason: format!("{sender} cannot be a sender") })?;
        Ok(Self { server: server.build(), settings, sender, patience })
    }

    pub(super) async fn deliver(&self, to: &EmailAddress, bytes: &[u8]) -> Outcome {
        let Ok(recipient) = to.as_str().parse() else {
            return Outcome::Never("the address cannot be written to".into());
        };
        let envelope = match Envelope::new(Some(self.sender.clone()), vec![recipient]) {
            Ok(envelope) => envelope,
            Err(error) => return Outcome::Never(error.to_string()),
        };
        match tokio::time::timeout(self.patience, self.server.send_raw(&envelope, bytes)).await {
            Ok(Ok(_)) => Outcome::Accepted,
            Ok(Err(error)) => explain::outcome(&error, &self.settings),
            Err(_) => Outcome::Later(explain::silence(&self.settings)),
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

/// Whom we believe to be the server: the system's roots, or one private CA in their place.
fn trust(settings: &Smtp) -> Result<TlsParameters, SetupError> {
    let mut parameters = TlsParameters::builder(settings.host.clone());
    let path = settings.ca_file.clone().unwrap_or_default();
    if settings.ca_file.is_some() {
        let wrong = |reason: String| SetupError { path: path.clone(), reason };
        let pem = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|_| wrong("not a certificate in PEM form".into()))?;
        parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    parameters.build().map_err(|error| SetupError { path, reason: error.to_string() })
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

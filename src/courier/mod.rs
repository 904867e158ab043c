//! Whatever leaves: mails, and requests to a certificate authority and to webhooks. The connections are made here, or by a process of its
//! own (`gatelodge courier`), so that the one that holds the accounts needs no network but its listening sockets.

pub mod delivery;
mod fetch;
mod remote;
mod role;
mod telling;
mod texting;
mod wire;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::base::{EmailAddress, MailId, Timestamp};
use crate::config::{Config, MailTransport, TlsMode, warn_if_open};

pub use fetch::FetchError;
pub use role::{Role, serve};
pub use telling::tell;
pub use texting::{send_text, try_credentials};

use delivery::{FileTransport, Outcome, SetupError, SmtpTransport};
use fetch::Server;
use remote::Remote;

/// Carries mails and requests out.
pub struct Courier {
    mails: Mails,
    requests: Requests,
}

enum Mails {
    Smtp(Box<SmtpTransport>),
    File(FileTransport),
    Remote(Remote),
}

enum Requests {
    /// Of these servers, and of no others.
    Direct(Vec<Server>),
    Remote(Remote),
}

/// How an errand is done.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The time by which certificates are judged.
    pub now: Timestamp,
    /// How long it may take.
    pub patience: Duration,
}

impl Terms {
    /// How long mails and requests may take. RFC 5321, 4.5.3.2.6 allows ten minutes for the answer to the final dot alone; whoever
    /// gives up sooner risks that a slow server delivers twice, whoever waits holds up all other mail.
    pub const PATIENCE: Duration = Duration::from_mins(5);

    /// For whatever is in earnest.
    #[must_use]
    pub fn ordinary(now: Timestamp) -> Self {
        Self { now, patience: Self::PATIENCE }
    }

    /// For an administrator who sits and waits: a silent server is given up sooner.
    #[must_use]
    pub fn impatient(now: Timestamp) -> Self {
        Self { now, patience: Duration::from_secs(15) }
    }
}

impl Courier {
    /// One that makes the connections itself, as configured. Nothing is connected yet: a server may be down.
    ///
    /// # Errors
    /// When a file it needs (password, CA) cannot be used.
    pub fn new(config: &Config, now: Timestamp) -> Result<Self, SetupError> {
        let mails = match config.mail.transport {
            MailTransport::Smtp => Mails::Smtp(Box::new(SmtpTransport::new(config, now)?)),
            MailTransport::File => Mails::File(FileTransport::new(config.mail.directory.clone())),
        };
        let mut servers = Vec::new();
        if config.tls.mode == TlsMode::Acme {
            servers.push(Server::of_authority(&config.tls.acme, now)?);
        }
        for (what, path) in config.secrets_of_others() {
            warn_if_open(&path, what);
        }
        servers.extend(config.webhooks.values().filter_map(Server::of_webhook));
        servers.extend(Server::of_gateway(&config.sms));
        Ok(Self { mails, requests: Requests::Direct(servers) })
    }

    /// One that leaves the connections to the process behind this socket. Mails that are files are written here: no network
    /// is needed for them, but the right to write there is.
    #[must_use]
    pub fn behind(socket: &Path, config: &Config) -> Self {
        let remote = || Remote::new(socket.to_owned());
        let mails = match config.mail.transport {
            MailTransport::Smtp => Mails::Remote(remote()),
            MailTransport::File => Mails::File(FileTransport::new(config.mail.directory.clone())),
        };
        Self { mails, requests: Requests::Remote(remote()) }
    }

    /// One that only writes files.
    #[must_use]
    pub fn to_files(files: FileTransport) -> Self {
        Self { mails: Mails::File(files), requests: Requests::Direct(vec![]) }
    }

    /// Makes one attempt to deliver a mail.
    pub async fn deliver(&self, id: MailId, to: &EmailAddress, bytes: &[u8], terms: Terms) -> Outcome {
        match &self.mails {
            Mails::Smtp(smtp) => smtp.deliver(to, bytes, terms).await,
            Mails::File(file) => file.deliver(id, bytes).await,
            Mails::Remote(remote) => remote.deliver(id, to, bytes, terms).await,
        }
    }

    /// Says goodbye to whoever a connection is kept to. Deliveries go on all the same, over another one.
    pub async fn part(&self) {
        if let Mails::Smtp(smtp) = &self.mails {
            smtp.part().await;
        }
    }

    /// Whether the mail server lets us in; nothing is sent.
    pub async fn probe(&self, terms: Terms) -> Outcome {
        match &self.mails {
            Mails::Smtp(smtp) => smtp.probe(terms).await,
            Mails::File(_) => Outcome::Accepted,
            Mails::Remote(remote) => remote.probe(terms).await,
        }
    }

    /// Asks a server that the configuration names: a certificate authority, a webhook's.
    ///
    /// # Errors
    /// When no answer came, be it because the request is to another one.
    pub async fn fetch(
        &self,
        request: http::Request<Bytes>,
        terms: Terms,
    ) -> Result<http::Response<Bytes>, FetchError> {
        match &self.requests {
            Requests::Direct(servers) => fetch::fetch(servers, request, terms).await,
            Requests::Remote(remote) => remote.fetch(request, terms).await,
        }
    }
}

/// The present courier: another may take its place between two errands.
pub struct Replaceable(Mutex<Arc<Courier>>);

impl Replaceable {
    /// Begins with this one.
    #[must_use]
    pub fn new(courier: Courier) -> Self {
        Self(Mutex::new(Arc::new(courier)))
    }

    /// The present one.
    #[must_use]
    pub fn present(&self) -> Arc<Courier> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From the next errand on, this one.
    pub fn replace(&self, courier: Courier) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(courier);
    }
}

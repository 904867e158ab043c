//! The courier itself: the route that mails and requests take.

use std::path::Path;

use bytes::Bytes;

use crate::base::{EmailAddress, MailId, Timestamp};
use crate::config::{Config, MailTransport, TlsMode, warn_if_open};

use super::delivery::{FileTransport, Outcome, SetupError, SmtpTransport};
use super::fetch::{self, FetchError, Server};
use super::remote::Remote;
use super::terms::CallOptions;

/// Delivers mails and sends requests.
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
    /// To these servers, and no others.
    Direct(Vec<Server>),
    Remote(Remote),
}

impl Courier {
    /// Makes a courier that connects by itself, as configured. Nothing is connected yet: a server may be down.
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

    /// Makes a courier that leaves connections to the process behind this socket. Mails to files are written here: they
    /// need no network, but the right to write to their folder.
    #[must_use]
    pub fn behind(socket: &Path, config: &Config) -> Self {
        let remote = || Remote::new(socket.to_owned());
        let mails = match config.mail.transport {
            MailTransport::Smtp => Mails::Remote(remote()),
            MailTransport::File => Mails::File(FileTransport::new(config.mail.directory.clone())),
        };
        Self { mails, requests: Requests::Remote(remote()) }
    }

    /// Makes a courier that only writes files.
    #[must_use]
    pub fn to_files(files: FileTransport) -> Self {
        Self { mails: Mails::File(files), requests: Requests::Direct(vec![]) }
    }

    /// Makes one attempt to deliver a mail.
    pub async fn deliver(&self, id: MailId, to: &EmailAddress, bytes: &[u8], terms: CallOptions) -> Outcome {
        match &self.mails {
            Mails::Smtp(smtp) => smtp.deliver(to, bytes, terms).await,
            Mails::File(file) => file.deliver(id, bytes).await,
            Mails::Remote(remote) => remote.deliver(id, to, bytes, terms).await,
        }
    }

    /// Closes a connection that is kept open. Deliveries go on all the same, over another one.
    pub async fn part(&self) {
        if let Mails::Smtp(smtp) = &self.mails {
            smtp.part().await;
        }
    }

    /// Checks that the mail server accepts our login; nothing is sent.
    pub async fn probe(&self, terms: CallOptions) -> Outcome {
        match &self.mails {
            Mails::Smtp(smtp) => smtp.probe(terms).await,
            Mails::File(_) => Outcome::Accepted,
            Mails::Remote(remote) => remote.probe(terms).await,
        }
    }

    /// Sends a request to a server that the configuration names: a certificate authority's, a webhook's.
    ///
    /// # Errors
    /// When no answer came, be it because the request is to another one.
    pub async fn fetch(
        &self,
        request: http::Request<Bytes>,
        terms: CallOptions,
    ) -> Result<http::Response<Bytes>, FetchError> {
        match &self.requests {
            Requests::Direct(servers) => fetch::fetch(servers, request, terms).await,
            Requests::Remote(remote) => remote.fetch(request, terms).await,
        }
    }
}

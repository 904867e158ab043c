//! The client of a courier that runs as a process of its own.

use std::io::{Error, ErrorKind, Result};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::base::{EmailAddress, MailId};
use crate::crypto::base64url;

use super::CallOptions;
use super::delivery::Outcome;
use super::fetch::FetchError;
use super::wire::{self, CourierRequest, CourierResponse, GREETING, MAX_LINE_BYTES};

/// The time that the courier may take beyond the timeout of the request itself; it may have to be started first.
const GRACE: Duration = Duration::from_secs(10);

/// A courier behind a socket.
pub(super) struct Remote {
    socket: PathBuf,
}

impl Remote {
    pub(super) fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Delivers a mail. A courier that cannot be reached counts as a mail server that is down.
    pub(super) async fn deliver(&self, id: MailId, to: &EmailAddress, bytes: &[u8], terms: CallOptions) -> Outcome {
        let errand = CourierRequest::Deliver {
            id: id.to_string(),
            to: to.to_string(),
            mail: base64url(bytes),
            now: terms.now.seconds(),
            timeout: terms.timeout.as_secs(),
        };
        self.outcome(&errand, terms).await
    }

    pub(super) async fn probe(&self, terms: CallOptions) -> Outcome {
        let errand = CourierRequest::Probe { now: terms.now.seconds(), timeout: terms.timeout.as_secs() };
        self.outcome(&errand, terms).await
    }

    async fn outcome(&self, errand: &CourierRequest, terms: CallOptions) -> Outcome {
        match self.send(errand, terms).await {
            Ok(CourierResponse::Accepted) => Outcome::Accepted,
            Ok(CourierResponse::Never(reason)) => Outcome::Never(reason),
            Ok(CourierResponse::Later(reason) | CourierResponse::Failed(reason)) => Outcome::Later(reason),
            Ok(CourierResponse::Answered { .. }) => Outcome::Later("the courier answered something else".into()),
            Err(error) => Outcome::Later(self.in_words(&error)),
        }
    }

    pub(super) async fn fetch(
        &self,
        request: Request<Bytes>,
        terms: CallOptions,
    ) -> std::result::Result<Response<Bytes>, FetchError> {
        let errand = CourierRequest::Fetch {
            method: request.method().to_string(),
            url: request.uri().to_string(),
            headers: wire::shown(request.headers()),
            body: base64url(request.body()),
            now: terms.now.seconds(),
            timeout: terms.timeout.as_secs(),
        };
        let other = || FetchError::new("the courier answered something else");
        match self.send(&errand, terms).await {
            Ok(CourierResponse::Answered { status, headers, body }) => {
                wire::response(status, headers, &body).ok_or_else(other)
            }
            Ok(CourierResponse::Failed(reason) | CourierResponse::Later(reason)) => Err(FetchError::new(reason)),
            Ok(_) => Err(other()),
            Err(error) => Err(FetchError::new(self.in_words(&error))),
        }
    }

    async fn send(&self, errand: &CourierRequest, terms: CallOptions) -> Result<CourierResponse> {
        let done = tokio::time::timeout(terms.timeout + GRACE, self.converse(errand)).await;
        done.map_err(|_| Error::from(ErrorKind::TimedOut))?
    }

    async fn converse(&self, errand: &CourierRequest) -> Result<CourierResponse> {
        let (reader, mut writer) = UnixStream::connect(&self.socket).await?.into_split();
        let mut reader = BufReader::new(reader.take(MAX_LINE_BYTES));
        let mut line = String::new();
        reader.read_line(&mut line).await?;
        // Before anything is sent: a mail must not be handed to another program's socket.
        if line.trim_end() != GREETING {
            return Err(Error::other(format!("it speaks {:?}, not {GREETING:?}; restart both", line.trim_end())));
        }
        let mut said = serde_json::to_vec(errand)?;
        said.push(b'\n');
        writer.write_all(&said).await?;
        line.clear();
        reader.read_line(&mut line).await?;
        if line.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    fn in_words(&self, error: &Error) -> String {
        let path = self.socket.display();
        format!("the courier at {path} cannot be asked: {error}; see its log (gatelodge-courier.service)")
    }
}

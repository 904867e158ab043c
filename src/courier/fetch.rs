//! Requests over HTTPS to one server, and to no other. One connection each: they are few, and months apart.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::base::Timestamp;
use crate::config::{Acme, HttpsUrl};
use crate::tls::client::{Connector, ConnectorError};

use super::Terms;
use super::delivery::SetupError;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// A certificate chain is a few KiB, a directory less than one.
const MAX_BODY_BYTES: usize = 256 << 10;

/// Why no answer came, in words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FetchError(String);

impl FetchError {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl std::error::Error for FetchError {}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The one server.
pub struct Server {
    host: String,
    port: u16,
    ca_file: Option<PathBuf>,
}

impl Server {
    /// That of the authority's directory.
    ///
    /// # Errors
    /// When the CA's file cannot be used.
    pub fn new(acme: &Acme, now: Timestamp) -> Result<Self, SetupError> {
        let directory: &HttpsUrl = &acme.directory;
        let server = Self { host: directory.host().to_owned(), port: directory.port(), ca_file: acme.ca_file.clone() };
        server.connector(now)?;
        Ok(server)
    }

    /// Made anew each time: the system's roots would lie in memory for months.
    fn connector(&self, now: Timestamp) -> Result<Connector, ConnectorError> {
        Connector::new(&self.host, self.ca_file.as_deref(), now)
    }

    /// Asks.
    ///
    /// # Errors
    /// When no answer came in time, or it was too long.
    pub async fn fetch(&self, request: Request<Bytes>, terms: Terms) -> Result<Response<Bytes>, FetchError> {
        if !self.is_ours(request.uri()) {
            let (host, port, uri) = (&self.host, self.port, request.uri());
            return Err(FetchError(format!("{uri} is not at {host}:{port}, the only server that is asked")));
        }
        let limit = PATIENCE.min(terms.patience);
        match tokio::time::timeout(limit, self.ask(request, terms.now)).await {
            Ok(asked) => asked.map_err(|error| FetchError(format!("{}:{}: {error}", self.host, self.port))),
            Err(_) => Err(FetchError(format!("{}:{} did not answer in {} s", self.host, self.port, limit.as_secs()))),
        }
    }

    fn is_ours(&self, uri: &Uri) -> bool {
        let port = uri.port().map_or(443, |port| port.as_u16());
        let is_host = uri.host().is_some_and(|host| host.eq_ignore_ascii_case(&self.host));
        uri.scheme() == Some(&Scheme::HTTPS) && is_host && port == self.port
    }

    async fn ask(&self, request: Request<Bytes>, now: Timestamp) -> Result<Response<Bytes>, String> {
        let connector = self.connector(now).map_err(|error| error.to_string())?;
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, self.port)).await.map_err(|error| no_connection(&error))?;
        let stream = connector.connect(stream).await.map_err(|error| not_trusted(&error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        // It ends with the sender, at the end of this function.
        tokio::spawn(connection);
        let response = sender.send_request(prepared(request)?).await.map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(|error| error.to_string())?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

/// In origin form, with its `Host` (RFC 9112, 3.2.1).
fn prepared(request: Request<Bytes>) -> Result<Request<Full<Bytes>>, String> {
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
    head.headers.insert(HOST, HeaderValue::try_from(authority).map_err(|error| error.to_string())?);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
    Ok(Request::from_parts(head, Full::new(body)))
}

fn no_connection(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "nothing listens there: check tls.acme.directory".into(),
        _ => format!("no connection: check tls.acme.directory, this machine's DNS and its way out ({error})"),
    }
}

fn not_trusted(error: &std::io::Error) -> String {
    let said = error.to_string();
    if said.contains("UnknownIssuer") || said.contains("CaUsedAsEndEntity") {
        format!("its certificate is not trusted: name its CA in tls.acme.ca_file ({said})")
    } else {
        format!("TLS failed: {said}")
    }
}

//! Requests to the servers that the configuration names, and to no others. Each has a connection of its own: they are
//! rare.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::base::Timestamp;
use crate::config::{Acme, HttpsUrl, Sms, TargetUrl, Webhook};
use crate::tls::client::{Connector, ConnectorError, Trouble};

use super::CallOptions;
use super::delivery::SetupError;

/// The time for an answer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes of a body. A certificate chain is a few KiB, a directory less than one.
const MAX_BODY_BYTES: usize = 256 << 10;

/// The reason why no answer came, in words.
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

/// A server that requests may go to.
pub(super) struct Server {
    host: String,
    port: u16,
    is_https: bool,
    /// Whether it may be on this machine or in a private network.
    may_be_private: bool,
    ca_file: Option<PathBuf>,
    /// The settings that name it, for error messages.
    named_in: &'static str,
}

/// A connection, in clear or over TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Server {
    /// The server of an authority's directory.
    ///
    /// # Errors
    /// When the CA's file cannot be used.
    pub(super) fn of_authority(acme: &Acme, now: Timestamp) -> Result<Self, SetupError> {
        let directory: &HttpsUrl = &acme.directory;
        let (host, port, ca_file) = (directory.host().to_owned(), directory.port(), acme.ca_file.clone());
        let server = Self { host, port, is_https: true, may_be_private: true, ca_file, named_in: "tls.acme.directory" };
        server.connector(now)?;
        Ok(server)
    }

    /// The server of a webhook.
    pub(super) fn of_webhook(hook: &Webhook) -> Option<Self> {
        hook.url.as_ref().map(|url| Self::at(url, hook.private, hook.ca_file.clone(), "webhooks"))
    }

    /// The server of a gateway for text messages.
    pub(super) fn of_gateway(sms: &Sms) -> Option<Self> {
        sms.url.as_ref().map(|url| Self::at(url, sms.private, sms.ca_file.clone(), "sms"))
    }

    fn at(url: &TargetUrl, may_be_private: bool, ca_file: Option<PathBuf>, named_in: &'static str) -> Self {
        let (host, port, is_https) = (url.host().to_owned(), url.port(), url.is_https());
        Self { host, port, is_https, may_be_private, ca_file, named_in }
    }

    /// Makes a connector for one request: kept ones would hold the system's roots in memory for months.
    fn connector(&self, now: Timestamp) -> Result<Connector, ConnectorError> {
        Connector::new(&self.host, self.ca_file.as_deref(), now)
    }

    fn is_at(&self, uri: &Uri) -> bool {
        let scheme = if self.is_https { &Scheme::HTTPS } else { &Scheme::HTTP };
        let port = uri.port().map_or(if self.is_https { 443 } else { 80 }, |port| port.as_u16());
        let is_host = uri.host().is_some_and(|host| host.eq_ignore_ascii_case(&self.host));
        uri.scheme() == Some(scheme) && is_host && port == self.port
    }

    async fn ask(&self, request: Request<Bytes>, now: Timestamp) -> Result<Response<Bytes>, String> {
        let stream = self.connect().await?;
        let stream: Box<dyn Stream> = if self.is_https {
            let connector = self.connector(now).map_err(|error| error.to_string())?;
            Box::new(connector.connect(stream).await.map_err(|error| self.not_trusted(&error))?)
        } else {
            Box::new(stream)
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        // It ends with the sender, at the end of this function.
        tokio::spawn(connection);
        // Redirects are not followed: they could lead beyond the configured servers.
        let response = sender.send_request(prepared(request)?).await.map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(|error| error.to_string())?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    /// Connects to the first address that answers. The addresses are checked after the lookup, and these very ones are
    /// connected to, so that no DNS entry, even a changing one, leads us to a neighbour (server-side request forgery).
    async fn connect(&self) -> Result<TcpStream, String> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::net::lookup_host((host, self.port)).await.map_err(|error| self.no_connection(&error))?;
        let addresses: Vec<SocketAddr> =
            found.filter(|address| self.may_be_private || is_public(address.ip())).collect();
        if addresses.is_empty() {
            return Err("it is on this machine or in a private network: allow that with private = true".into());
        }
        TcpStream::connect(&*addresses).await.map_err(|error| self.no_connection(&error))
    }

    fn no_connection(&self, error: &std::io::Error) -> String {
        let named_in = self.named_in;
        match error.kind() {
            std::io::ErrorKind::ConnectionRefused => format!("nothing listens there: check {named_in}"),
            _ => format!("no connection: check {named_in}, this machine's DNS and its way out ({error})"),
        }
    }

    fn not_trusted(&self, error: &std::io::Error) -> String {
        let ca_file = format!("{}.ca_file", self.named_in.trim_end_matches(".directory"));
        let words = Trouble::of(error).in_words("the server", &self.host, (&ca_file, self.ca_file.is_some()));
        format!("{words} ({error})")
    }
}

/// Whether an address is on the public internet (IANA's registries of special-purpose addresses, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, third, _] = v4.octets();
            let is_special = v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_multicast();
            // "This network", shared address space (RFC 6598), protocol assignments, benchmarks, reserved for the
            // future.
            let is_reserved = first == 0
                || (first == 100 && second & 0xc0 == 64)
                || (first == 192 && second == 0 && third == 0)
                || (first == 198 && second & 0xfe == 18)
                || first >= 240;
            !is_special && !is_reserved
        }
        IpAddr::V6(v6) => {
            let parts = v6.segments();
            // Only global unicast is public, except what embeds an IPv4 address, which may be private (6to4, Teredo).
            let holds_v4 = parts[0] == 0x2002 || (parts[0] == 0x2001 && parts[1] == 0);
            parts[0] & 0xe000 == 0x2000 && !holds_v4
        }
    }
}

/// Sends a request to its server, if that is one of these.
///
/// # Errors
/// When it is not, no answer came in time, or it was too long.
pub(super) async fn fetch(
    servers: &[Server],
    request: Request<Bytes>,
    terms: CallOptions,
) -> Result<Response<Bytes>, FetchError> {
    // The process that holds the network takes orders from another: it goes nowhere that its own configuration does not
    // name.
    let Some(server) = servers.iter().find(|server| server.is_at(request.uri())) else {
        let server = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        return Err(FetchError(format!("{server:?} is no server that the configuration names")));
    };
    let limit = FETCH_TIMEOUT.min(terms.timeout);
    let (host, port) = (&server.host, server.port);
    match tokio::time::timeout(limit, server.ask(request, terms.now)).await {
        Ok(asked) => asked.map_err(|error| FetchError(format!("{host}:{port}: {error}"))),
        Err(_) => Err(FetchError(format!("{host}:{port} did not answer in {} s", limit.as_secs()))),
    }
}

/// Puts a request into origin form, with its `Host` (RFC 9112, 3.2.1).
fn prepared(request: Request<Bytes>) -> Result<Request<Full<Bytes>>, String> {
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
    head.headers.insert(HOST, HeaderValue::try_from(authority).map_err(|error| error.to_string())?);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
    Ok(Request::from_parts(head, Full::new(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_anybodys_is_public() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
            "2001:0:1::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(private.parse().expect("an address")), "{private}");
        }
        for public in ["93.184.216.34", "100.63.0.1", "172.32.0.1", "2606:4700::1111"] {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
    }
}

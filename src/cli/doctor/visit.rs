//! One visit to the site, as a browser would make it.

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::base::Timestamp;
use crate::tls::client::{Connector, Trouble};

const VISIT_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER_BYTES: u64 = 256 << 10;

/// The reason for which there is no answer where a proxy passes on in the clear what it has to pass on by TLS: some take
/// the alert for an answer of HTTP/0.9.
pub(super) const ANSWERED_BY_TLS: &str = "what answers speaks TLS, and the proxy does not when it passes requests on";

/// A site to be visited.
pub(super) struct Visit<'a> {
    pub host: &'a str,
    pub port: u16,
    pub is_https: bool,
    /// The address to visit it at, in place of those that its name leads to.
    pub at: Option<IpAddr>,
    pub now: Timestamp,
}

/// The answer of a site.
pub(super) struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The reason why a browser would not trust the certificate, if it would not.
    pub distrust: Option<String>,
}

impl Answer {
    /// Returns the values of a header, in order.
    pub(super) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl Answer {
    /// Returns where it leads.
    pub(super) fn location(&self) -> Option<&str> {
        self.headers("location").next()
    }
}

impl Visit<'_> {
    fn bare(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Returns the addresses of the name.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        (self.bare(), self.port).to_socket_addrs().map(Iterator::collect).unwrap_or_default()
    }

    /// Sends a GET request. If the certificate is not valid, that is noted and the visit goes on: nothing secret is
    /// sent.
    pub(super) fn get(&self, path: &str, headers: &str) -> Result<Answer, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        match runtime.block_on(async { tokio::time::timeout(VISIT_TIMEOUT, self.ask(path, headers)).await }) {
            Ok(answer) => answer,
            Err(_) => Err(format!("{}:{} did not answer in {} s", self.host, self.port, VISIT_TIMEOUT.as_secs())),
        }
    }

    async fn ask(&self, path: &str, headers: &str) -> Result<Answer, String> {
        let connect = || async {
            let at = format!("{}:{}", self.host, self.port);
            let connected = match self.at {
                Some(address) => TcpStream::connect((address, self.port)).await,
                None => TcpStream::connect((self.bare(), self.port)).await,
            };
            connected.map_err(|error| unreachable(&at, &error))
        };
        // As browsers do: a proxy may tell it on.
        let port =
            if self.port == if self.is_https { 443 } else { 80 } { String::new() } else { format!(":{}", self.port) };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}{port}\r\n{headers}User-Agent: gatelodge-doctor\r\nConnection: close\r\n\r\n",
            self.host
        );
        if !self.is_https {
            return converse(connect().await?, &request, None).await;
        }
        let trusting = Connector::new(self.host, None, self.now).map_err(|error| error.to_string())?;
        match trusting.connect(connect().await?).await {
            Ok(stream) => converse(stream, &request, None).await,
            Err(error) => {
                let anybody = Connector::believing_anybody(self.host).map_err(|error| error.to_string())?;
                let why = Trouble::of(&error).to_visitors(self.bare());
                let stream = anybody.connect(connect().await?).await.map_err(|_| why.clone())?;
                converse(stream, &request, Some(why)).await
            }
        }
    }
}

/// Says why a connection failed.
fn unreachable(at: &str, error: &Error) -> String {
    let why = match error.kind() {
        ErrorKind::ConnectionRefused => "nobody listens there",
        ErrorKind::TimedOut => "there is no answer: something in between drops what is sent",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no way there from this machine",
        _ => return format!("{at} cannot be reached: {error}"),
    };
    format!("{at} cannot be reached: {why}")
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
    distrust: Option<String>,
) -> Result<Answer, String> {
    stream.write_all(request.as_bytes()).await.map_err(|_| "what answers ended the connection at once")?;
    let mut bytes = Vec::new();
    // A server that closes without TLS's closing message has answered all the same.
    let _ = stream.take(MAX_ANSWER_BYTES).read_to_end(&mut bytes).await;
    // RFC 8446, 5.1: an alert, of whatever version.
    if bytes.starts_with(&[21, 3]) {
        return Err(ANSWERED_BY_TLS.to_owned());
    }
    let text = String::from_utf8_lossy(&bytes);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let status = status.ok_or("what answers does not speak HTTP")?;
    let header =
        |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    Ok(Answer { status, headers: lines.filter_map(header).collect(), distrust })
}

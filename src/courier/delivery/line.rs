//! The connection under an SMTP dialogue: in clear, or over TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::tls::client::{Connector, TlsStream};

/// The time for one address of a server to answer while there are others: a dead one (most often over IPv6) must not
/// use up the time for the rest.
const ONE_ADDRESS: Duration = Duration::from_secs(30);

/// A connection to a mail server.
#[derive(Debug)]
pub(super) enum Line {
    /// In clear.
    Plain(TcpStream),
    /// Over TLS.
    Tls(Box<TlsStream>),
    /// None any more.
    Gone,
}

/// Connects to the first address that answers. An unknown name is `NotFound`.
pub(super) async fn reach(host: &str, port: u16) -> io::Result<TcpStream> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let unknown = |why: String| io::Error::new(io::ErrorKind::NotFound, why);
    let found = tokio::net::lookup_host((host, port)).await.map_err(|error| unknown(error.to_string()))?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    let last = addresses.pop().ok_or_else(|| unknown("it has no address".into()))?;
    for address in addresses {
        if let Ok(Ok(stream)) = tokio::time::timeout(ONE_ADDRESS, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    TcpStream::connect(last).await
}

impl Line {
    /// Continues over TLS. If that fails, no connection is left.
    pub(super) async fn make_tls(&mut self, connector: &Connector) -> io::Result<()> {
        // Taken out first: after a failed handshake nothing may go on in clear.
        let Self::Plain(stream) = std::mem::replace(self, Self::Gone) else { return Err(gone()) };
        *self = Self::Tls(Box::new(connector.connect(stream).await?));
        Ok(())
    }

    /// Returns our address, as the server sees it if nothing translates it on the way.
    pub(super) fn own_address(&self) -> Option<IpAddr> {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
            Self::Gone => return None,
        };
        stream.local_addr().ok().map(|address| address.ip().to_canonical())
    }
}

fn gone() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Gone => Poll::Ready(Err(gone())),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
            Self::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

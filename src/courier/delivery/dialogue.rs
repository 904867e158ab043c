//! The beginning of an SMTP connection: greeting, and TLS before anything that is worth hiding.
//!
//! STARTTLS is demanded, never taken if it happens to be offered: somebody on the way could take the offer out. Nothing that
//! came before the handshake counts after it (RFC 3207, 4.2).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::extension::ClientId;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
use tokio::net::TcpStream;

use crate::config::{Security, Smtp};
use crate::tls::client::{Connector, TlsStream};

/// A server may send so many lines, of so many bytes, before it is not believed to be a mail server.
const MAX_LINES: usize = 100;
const MAX_LINE_BYTES: usize = 2048;

/// Why there is no connection.
#[derive(Debug)]
pub enum ConnectError {
    /// The connection failed, or TLS did.
    Io(io::Error),
    /// TLS failed.
    Tls(io::Error),
    /// The server refused, with this code and text.
    Refused(u16, String),
    /// The server does not offer STARTTLS.
    NoStarttls,
    /// It does not talk as a mail server does.
    NotSmtp(String),
}

impl std::error::Error for ConnectError {}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) | Self::Tls(error) => error.fmt(f),
            Self::Refused(code, text) => write!(f, "{code} {text}"),
            Self::NoStarttls => f.write_str("the server does not offer STARTTLS"),
            Self::NotSmtp(said) => write!(f, "incomplete response: {said:?}"),
        }
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Connects and, where the settings say so, makes TLS of it.
pub async fn connect(
    settings: &Smtp,
    connector: Option<&Connector>,
    hello: &ClientId,
) -> Result<Box<Line>, ConnectError> {
    let host = settings.host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, settings.port)).await?;
    stream.set_nodelay(true)?;
    Ok(Box::new(match (settings.security, connector) {
        (Security::Tls, Some(connector)) => {
            Line::Tls(Box::new(connector.connect(stream).await.map_err(ConnectError::Tls)?))
        }
        (Security::Starttls, Some(connector)) => {
            let stream = start_tls(stream, hello).await?;
            let stream = connector.connect(stream).await.map_err(ConnectError::Tls)?;
            // The greeting was heard in clear and is not repeated, but lettre waits for one.
            Line::Greeted(GREETING, Box::new(stream))
        }
        _ => Line::Plain(stream),
    }))
}

const GREETING: &[u8] = b"220 over TLS\r\n";

/// Has the server wait for a handshake.
async fn start_tls(stream: TcpStream, hello: &ClientId) -> Result<TcpStream, ConnectError> {
    let mut stream = BufReader::with_capacity(MAX_LINE_BYTES, stream);
    expect(&mut stream, 220).await?;
    stream.write_all(format!("EHLO {hello}\r\n").as_bytes()).await?;
    let offers = expect(&mut stream, 250).await?;
    if !offers.iter().any(|offer| offer.eq_ignore_ascii_case("STARTTLS")) {
        return Err(ConnectError::NoStarttls);
    }
    stream.write_all(b"STARTTLS\r\n").await?;
    expect(&mut stream, 220).await?;
    if !stream.buffer().is_empty() {
        return Err(ConnectError::NotSmtp("something came before the handshake".into()));
    }
    Ok(stream.into_inner())
}

/// Reads an answer of this code, and gives the text of its lines (RFC 5321, 4.2.1).
async fn expect(stream: &mut BufReader<TcpStream>, wanted: u16) -> Result<Vec<String>, ConnectError> {
    let mut texts = Vec::new();
    loop {
        let line = read_line(stream).await?;
        let parsed = line.get(..3).and_then(|code| code.parse::<u16>().ok());
        let (Some(code), true) = (parsed, texts.len() < MAX_LINES) else { return Err(ConnectError::NotSmtp(line)) };
        texts.push(line.get(4..).unwrap_or_default().to_owned());
        if line.as_bytes().get(3) == Some(&b'-') {
            continue;
        }
        return if code == wanted { Ok(texts) } else { Err(ConnectError::Refused(code, texts.join(" "))) };
    }
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> Result<String, ConnectError> {
    let mut line = Vec::new();
    loop {
        let some = stream.fill_buf().await?;
        let end = some.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(some.len(), |at| at + 1);
        line.extend_from_slice(&some[..length]);
        stream.consume(length);
        let text = || String::from_utf8_lossy(&line).trim_end().to_owned();
        if end.is_some() {
            return Ok(text());
        }
        if length == 0 || line.len() > MAX_LINE_BYTES {
            return Err(ConnectError::NotSmtp(text()));
        }
    }
}

/// A connection to a mail server.
#[derive(Debug)]
pub enum Line {
    /// In clear.
    Plain(TcpStream),
    /// Over TLS.
    Tls(Box<TlsStream>),
    /// Over TLS, with what is left of a greeting that was heard before.
    Greeted(&'static [u8], Box<TlsStream>),
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) | Self::Greeted([], stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Greeted(greeting, _) => {
                let length = greeting.len().min(buffer.remaining());
                let (heard, left) = greeting.split_at(length);
                buffer.put_slice(heard);
                *greeting = left;
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) | Self::Greeted(_, stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) | Self::Greeted(_, stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) | Self::Greeted(_, stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl AsyncTokioStream for Line {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Plain(stream) => stream.peer_addr(),
            Self::Tls(stream) | Self::Greeted(_, stream) => stream.get_ref().0.peer_addr(),
        }
    }
}

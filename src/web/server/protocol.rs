//! The protocol of a listener.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;

use crate::tls::Challenges;

/// The protocol of a listener.
#[derive(Clone)]
pub enum Protocol {
    /// HTTP/1.1 and HTTP/2 over TLS, chosen by ALPN.
    Https(TlsAcceptor),
    /// HTTP/1.1 without TLS, behind a proxy or on loopback.
    Http,
    /// A redirect to the site and answers to ACME challenges, nothing else.
    Redirect(Arc<Challenges>),
    /// Metrics, nothing else.
    Metrics,
}

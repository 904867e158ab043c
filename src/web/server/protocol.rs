//! What a listener speaks.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;

use crate::tls::Challenges;

/// What a listener speaks.
#[derive(Clone)]
pub enum Protocol {
    /// HTTP/1.1 and HTTP/2 over TLS, chosen by ALPN.
    Https(TlsAcceptor),
    /// HTTP/1.1 without TLS, behind a proxy or on loopback.
    Http,
    /// A redirect to the site, answers to a certificate authority that looks for us, and nothing else.
    Redirect(Arc<Challenges>),
    /// What monitoring reads, and nothing else.
    Metrics,
}

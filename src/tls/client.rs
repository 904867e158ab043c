//! TLS connections that we make: which servers are trusted, and by what time their certificates are judged.
//!
//! A clock that woke in 1970 would refuse every certificate as not valid yet, and one years ahead each as expired. The
//! time that the appliance believes is used instead: it never goes back before a time that has been seen.
//!
//! Whoever names a certificate as trusted means that certificate, be it a CA's or the server's own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::base::Timestamp;

use super::parsed::validity;
use super::pem;
pub use super::trouble::Trouble;

/// A connection over TLS.
pub type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// The time by which certificates are judged, in seconds since 1970.
#[derive(Debug)]
struct Believed(AtomicU64);

impl TimeProvider for Believed {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0.load(Ordering::Relaxed))))
    }
}

/// Makes TLS connections to one server.
pub struct Connector {
    tls: TlsConnector,
    name: ServerName<'static>,
    believed: Arc<Believed>,
}

/// An unusable CA file, or a server name that no certificate could be for.
#[derive(Debug)]
pub struct ConnectorError {
    /// The file, or the name.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl std::error::Error for ConnectorError {}

impl fmt::Display for ConnectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl Connector {
    /// Prepares connections to the server of this name. It is trusted by the system's roots or, if there is a CA file,
    /// only by that: through a chain to a certificate in it, or by showing one of them.
    ///
    /// # Errors
    /// When the CA's file cannot be used.
    pub fn new(host: &str, ca_file: Option<&Path>, now: Timestamp) -> Result<Self, ConnectorError> {
        let path = ca_file.unwrap_or(Path::new(host));
        let wrong = |reason: String| ConnectorError { path: path.into(), reason };
        let (roots, named) = match ca_file {
            Some(path) => private_roots(path).map_err(&wrong)?,
            None => (system_roots(), vec![]),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let believed = Arc::new(Believed(AtomicU64::new(now.seconds())));
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let chains = verifier.map_err(|_| wrong(NOBODY_TO_TRUST.into()))?;
        let config = ClientConfig::builder_with_details(provider, Arc::clone(&believed) as Arc<dyn TimeProvider>)
            .with_safe_default_protocol_versions()
            .expect("the provider supports TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Named { certificates: named, chains }))
            .with_no_client_auth();
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|_| no_name(host))?;
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), name, believed })
    }

    /// Prepares connections to whoever answers, with any certificate: to inspect it, never to send a secret.
    pub fn believing_anybody(host: &str) -> Result<Self, ConnectorError> {
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|_| no_name(host))?;
        Ok(Self {
            tls: TlsConnector::from(Arc::new(believing_anybody())),
            name,
            believed: Arc::new(Believed(AtomicU64::new(0))),
        })
    }

    /// Judges certificates by this time from now on.
    pub fn believe(&self, now: Timestamp) {
        self.believed.0.store(now.seconds(), Ordering::Relaxed);
    }

    /// Performs the handshake. Without a valid certificate there is no connection.
    ///
    /// # Errors
    /// When the server is not who it should be, or does not speak TLS.
    pub async fn connect(&self, stream: TcpStream) -> std::io::Result<TlsStream> {
        self.tls.connect(self.name.clone(), stream).await
    }
}

const NOBODY_TO_TRUST: &str = "this machine knows no certificate authority, so nobody can be trusted: install the package ca-certificates, or name the server's CA in a ca_file";

fn no_name(host: &str) -> ConnectorError {
    ConnectorError { path: host.into(), reason: "is no name that a certificate could be for".into() }
}

/// Returns a client configuration that accepts any certificate: to inspect it, never to send a secret.
#[must_use]
pub fn believing_anybody() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Arc::new(Anybody(Arc::clone(&provider)));
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth()
}

/// Accepts every certificate, but still checks that its owner has the key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Accepts a server that shows one of these certificates, and otherwise one with a valid chain.
#[derive(Debug)]
struct Named {
    certificates: Vec<CertificateDer<'static>>,
    chains: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // Before chains are tried: a self-signed certificate usually says that it is a CA's, which webpki refuses for a
        // server, and one whose issuer is not in the file has no chain. It was named as trusted all the same (RFC 6125,
        // 6.6.1). That the server has its key is proved by the handshake.
        if self.certificates.iter().any(|named| named.as_ref() == shown.as_ref()) {
            return verify_named(shown, name, now);
        }
        self.chains.verify_server_cert(shown, between, name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls12_signature(message, certificate, signature).map_err(UnusableKey::in_place_of)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls13_signature(message, certificate, signature).map_err(UnusableKey::in_place_of)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// The signature of the handshake cannot be checked.
#[derive(Debug)]
struct UnusableKey;

impl UnusableKey {
    /// Replaces "bad signature", by which the library means a key that is too short as well as a wrong issuer.
    fn in_place_of(error: rustls::Error) -> rustls::Error {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
                CertificateError::Other(OtherError(Arc::new(Self))).into()
            }
            other => other,
        }
    }
}

impl std::error::Error for UnusableKey {}

impl fmt::Display for UnusableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its key is too short, or not the one it signs with")
    }
}

/// Checks that a named certificate is valid now, and for this server: a file may name several.
fn verify_named(
    shown: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    let (begins_at, ends_at) = validity(shown).ok_or(CertificateError::BadEncoding)?;
    let now = Timestamp::from_seconds(now.as_secs());
    if now < begins_at {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > ends_at {
        return Err(CertificateError::Expired.into());
    }
    verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
    Ok(ServerCertVerified::assertion())
}

/// Returns the certificates of a CA file: as roots of chains, and as what a server may show.
fn private_roots(path: &Path) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), String> {
    let named = pem::certificates(path).map_err(|fault| fault.to_string())?;
    let mut roots = RootCertStore::empty();
    for certificate in &named {
        roots.add(certificate.clone()).map_err(|_| {
            "a certificate in it is of an old version, or has an extension that is not known: make it anew".to_owned()
        })?;
    }
    Ok((roots, named))
}

/// Whether the system trusts a root of this name; `None` if it has no roots, as in a container without certificates.
pub(super) fn is_trusted_by_the_system(is_theirs: impl Fn(&[u8]) -> bool) -> Option<bool> {
    let roots = system_roots().roots;
    (!roots.is_empty()).then(|| roots.iter().any(|root| is_theirs(root.subject.as_ref())))
}

/// Returns the roots that the system trusts; unreadable ones are left out.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

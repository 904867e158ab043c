//! TLS: where the certificate comes from, and how it is replaced while connections go on.
//! This is the only module that knows rustls' server side.

mod challenges;
pub mod client;
mod doubts;
mod expiry;
mod files;
pub mod issued;
mod self_signed;
mod trouble;

pub use challenges::{ACME_TLS, Challenges};
pub(crate) use self_signed::CERTIFICATES;
pub use self_signed::reseal as reseal_self_signed;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::app::{App, Fault};
use crate::base::Timestamp;
use crate::config::TlsMode;

use files::Stamp;

/// TLS sessions that can be resumed; each costs some hundred bytes.
const RESUMABLE_SESSIONS: usize = 256;

/// The certificate that is served now, and what it was made from.
pub struct Certificates {
    current: Arc<Current>,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
struct Current {
    key: ArcSwap<CertifiedKey>,
    challenges: Arc<Challenges>,
}

impl ResolvesServerCert for Current {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if Challenges::is_asked_for(&hello) { self.challenges.certificate(&hello) } else { Some(self.key.load_full()) }
    }
}

/// Why there is no certificate to serve.
#[derive(Debug)]
pub enum TlsError {
    /// A file is missing, unreadable or holds something else.
    File {
        /// Which.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key is not the certificate's.
    Mismatch,
    /// A certificate could not be made.
    SelfSigned(String),
    /// It could not be kept.
    Store(Fault),
}

impl std::error::Error for TlsError {}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, reason } => {
                write!(f, "{}: {reason}\nhint: tls.certificate is the chain, tls.private_key its key, both PEM and readable by the service's user", path.display())
            }
            Self::Mismatch => f.write_str("tls.private_key is not the key of tls.certificate\nhint: take both from the same issue, fullchain.pem and privkey.pem"),
            Self::SelfSigned(reason) => write!(f, "no certificate could be made: {reason}"),
            Self::Store(fault) => write!(f, "the certificate could not be kept: {fault}"),
        }
    }
}

impl From<Fault> for TlsError {
    fn from(fault: Fault) -> Self {
        Self::Store(fault)
    }
}

impl Certificates {
    /// Loads or makes the certificate that the configuration asks for. None where TLS is off.
    ///
    /// # Errors
    /// When there is none to serve.
    pub async fn load(app: &Arc<App>) -> Result<Option<Self>, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let Some(key) = obtain(app, &provider).await? else { return Ok(None) };
        let current = Current { key: ArcSwap::from_pointee(key), challenges: Arc::default() };
        Ok(Some(Self { current: Arc::new(current), provider }))
    }

    /// What we answer while an authority looks whether a name is ours.
    #[must_use]
    pub fn challenges(&self) -> &Arc<Challenges> {
        &self.current.challenges
    }

    /// The cryptography that is used.
    #[must_use]
    pub fn provider(&self) -> &CryptoProvider {
        &self.provider
    }

    /// What turns connections into TLS connections; it always serves the current certificate.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .expect("the provider supports TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec(), ACME_TLS.to_vec()];
        config.session_storage = ServerSessionMemoryCache::new(RESUMABLE_SESSIONS);
        TlsAcceptor::from(Arc::new(config))
    }

    /// Takes the certificate anew: from changed files, or a fresh one before it expires.
    ///
    /// # Errors
    /// When the new one cannot be used: then the old one stays.
    pub async fn renew(&self, app: &Arc<App>) -> Result<(), TlsError> {
        if let Some(key) = obtain(app, &self.provider).await? {
            self.current.key.store(Arc::new(key));
        }
        Ok(())
    }
}

async fn obtain(app: &Arc<App>, provider: &CryptoProvider) -> Result<Option<CertifiedKey>, TlsError> {
    let services = Arc::clone(&app.services());
    let tls = &services.config.tls;
    let key = match tls.mode {
        TlsMode::Off => return Ok(None),
        TlsMode::SelfSigned => self_signed::obtain(app, provider).await?,
        TlsMode::Acme => match issued::kept(app, provider)? {
            Some(kept) => kept,
            // Until the authority has given one: it comes to us for that.
            None => self_signed::obtain(app, provider).await?,
        },
        TlsMode::Files => match (&tls.certificate, &tls.private_key) {
            (Some(certificate), Some(private_key)) => files::read(certificate, private_key, provider)?,
            _ => return Err(TlsError::Mismatch),
        },
    };
    if let Ok(leaf) = key.end_entity_cert() {
        if let Some((_, ends_at)) = expiry::validity(leaf) {
            app.measures.note_certificate(ends_at);
        }
        if tls.mode == TlsMode::Files {
            for doubt in doubts::doubts(leaf, services.config.site.url.host(), app.now()) {
                tracing::warn!("{doubt}");
            }
        }
    }
    Ok(Some(key))
}

/// Whether a file holds a certificate.
///
/// # Errors
/// When it does not.
pub fn try_certificate(certificate: &Path) -> Result<(), TlsError> {
    files::read_chain(certificate).map(drop)
}

/// Whether certificate and key can be served for this host; what browsers will not like comes back, in words.
///
/// # Errors
/// When they cannot be served.
pub fn try_files(certificate: &Path, private_key: &Path, host: &str, now: Timestamp) -> Result<Vec<String>, TlsError> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = files::read(certificate, private_key, &provider)?;
    Ok(key.end_entity_cert().map(|leaf| doubts::doubts(leaf, host, now)).unwrap_or_default())
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    // Unknown means that the kind of key cannot be compared; the handshake would tell.
    match CertifiedKey::from_der(chain, key, provider) {
        Ok(key) => Ok(key),
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch),
        Err(error) => Err(TlsError::SelfSigned(error.to_string())),
    }
}

/// Watches for a reason to take the certificate anew.
pub struct Watch {
    app: Arc<App>,
    certificates: Arc<Certificates>,
    seen: Option<Stamp>,
}

impl Watch {
    /// Begins with the files as they are.
    #[must_use]
    pub fn new(app: Arc<App>, certificates: Arc<Certificates>) -> Self {
        let seen = Stamp::of(&app.services().config.tls);
        Self { app, certificates, seen }
    }

    /// Looks once: rereads files that have changed, replaces a certificate of ours that is about to expire.
    ///
    /// # Errors
    /// When the new one cannot be used; the old one is served on, and the next change is tried again.
    pub async fn look(&mut self) -> Result<(), TlsError> {
        match self.app.services().config.tls.mode {
            TlsMode::Off | TlsMode::Acme => Ok(()),
            TlsMode::SelfSigned => {
                if self_signed::is_due(&self.app)? {
                    self.certificates.renew(&self.app).await?;
                    tracing::info!("the self-signed certificate was renewed");
                }
                Ok(())
            }
            TlsMode::Files => {
                let now = Stamp::of(&self.app.services().config.tls);
                if now == self.seen {
                    return Ok(());
                }
                self.seen = now;
                self.certificates.renew(&self.app).await?;
                tracing::info!("the certificate was read anew");
                Ok(())
            }
        }
    }
}

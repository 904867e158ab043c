//! TLS: where the certificate comes from, and how it is replaced while connections go on.
//! This is the only module that knows rustls' server side.

mod challenges;
pub mod client;
mod der;
mod doubts;
mod files;
pub mod issued;
mod parsed;
mod pem;
mod self_signed;
mod trouble;

pub use challenges::{ACME_TLS, Challenges};
pub use doubts::Doubt;
pub(crate) use self_signed::CERTIFICATES;
pub use self_signed::reseal as reseal_self_signed;

use std::fmt;
use std::path::{Path, PathBuf};
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
use crate::config::{TlsMode, Unreadable, warn_if_open};

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
        /// The setting that names it.
        setting: &'static str,
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        fault: Unreadable,
    },
    /// The key is not the certificate's.
    Mismatch {
        /// The key's file.
        private_key: PathBuf,
    },
    /// Several things are wrong with the files.
    Several(Vec<Self>),
    /// A certificate could not be made.
    SelfSigned(String),
    /// It could not be kept.
    Store(Fault),
}

impl std::error::Error for TlsError {}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { .. } | Self::Mismatch { .. } => {
                let (_, message, hint) = self.blame();
                f.write_str(&message)?;
                hint.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
            }
            Self::Several(several) => {
                let told: Vec<String> = several.iter().map(ToString::to_string).collect();
                f.write_str(&told.join("\n"))
            }
            Self::SelfSigned(reason) => write!(f, "no certificate could be made: {reason}"),
            Self::Store(fault) => write!(f, "the certificate could not be kept: {fault}"),
        }
    }
}

impl TlsError {
    /// Whether only this user cannot read the file.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::File { fault, .. } if fault.is_forbidden)
    }

    /// The setting that is to blame, what is wrong, and what to do.
    #[must_use]
    pub fn blame(&self) -> (&'static str, String, Option<String>) {
        match self {
            Self::File { setting, path, fault } => {
                let line = fault.place.map(|(line, _)| format!(":{line}")).unwrap_or_default();
                let hint = "tls.certificate is the chain, tls.private_key its key, both PEM and readable by the service's user";
                let hint = fault.hint.clone().unwrap_or_else(|| hint.into());
                (setting, format!("{}{line}: {}", path.display(), fault.reason), Some(hint))
            }
            Self::Mismatch { private_key } => {
                let message = format!("{}: tls.private_key is not the key of tls.certificate", private_key.display());
                (
                    files::PRIVATE_KEY,
                    message,
                    Some("take both from the same issue, fullchain.pem and privkey.pem".into()),
                )
            }
            other => ("tls.mode", other.to_string(), None),
        }
    }

    fn of(mut faults: Vec<Self>) -> Self {
        if faults.len() == 1 { faults.remove(0) } else { Self::Several(faults) }
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
    let env = Arc::clone(&app.env());
    let tls = &env.config.tls;
    let key = match tls.mode {
        TlsMode::Off => return Ok(None),
        TlsMode::SelfSigned => self_signed::obtain(app, provider).await?,
        TlsMode::Acme => match issued::kept(app, provider)? {
            Some(kept) => kept,
            // Until the authority has given one: it comes to us for that.
            None => self_signed::obtain(app, provider).await?,
        },
        TlsMode::Files => match (&tls.certificate, &tls.private_key) {
            (Some(certificate), Some(private_key)) => {
                let key = files::read(certificate, private_key, provider).map_err(TlsError::of)?;
                warn_if_open(private_key, "the certificate's private key");
                key
            }
            _ => return Err(TlsError::SelfSigned("mode \"files\" needs certificate and private_key".into())),
        },
    };
    if let Ok(leaf) = key.end_entity_cert() {
        if let Some((_, ends_at)) = parsed::validity(leaf) {
            app.measures.note_certificate(ends_at);
        }
        if tls.mode == TlsMode::Files {
            for doubt in doubts::doubts(&key.cert, env.config.site.url.host(), app.now()) {
                tracing::warn!("{doubt}");
            }
        }
    }
    Ok(Some(key))
}

/// Whether certificate and key can be served for this host; what browsers will not like comes back.
///
/// # Errors
/// With everything for which they cannot be served.
pub fn try_files(
    certificate: &Path,
    private_key: &Path,
    host: &str,
    now: Timestamp,
) -> Result<Vec<Doubt>, Vec<TlsError>> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = files::read(certificate, private_key, &provider)?;
    Ok(doubts::doubts(&key.cert, host, now))
}

/// As [`try_files`] where the key cannot be looked at: what browsers will not like about the certificate.
pub fn try_certificate(certificate: &Path, host: &str, now: Timestamp) -> Result<Vec<Doubt>, Unreadable> {
    pem::certificates(certificate).map(|chain| doubts::doubts(&chain, host, now))
}

/// Whether a file names whom to trust; those that have expired come back, in words.
///
/// # Errors
/// When it names nobody.
pub fn try_authorities(ca_file: &Path, now: Timestamp) -> Result<Vec<String>, Unreadable> {
    let ended = |(at, der): (usize, &CertificateDer<'_>)| {
        let (_, ends_at) = parsed::validity(der).filter(|(_, ends_at)| *ends_at <= now)?;
        Some(format!("{}: certificate {} in it expired on {ends_at}", ca_file.display(), at + 1))
    };
    Ok(pem::certificates(ca_file)?.iter().enumerate().filter_map(ended).collect())
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    // Unknown means that the kind of key cannot be compared; the handshake would tell.
    match CertifiedKey::from_der(chain, key, provider) {
        Ok(key) => Ok(key),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(TlsError::SelfSigned("the certificate is for another key than the one it was asked for with".into()))
        }
        Err(_) => Err(TlsError::SelfSigned("the certificate or its key is damaged".into())),
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
        let seen = Stamp::of(&app.env().config.tls);
        Self { app, certificates, seen }
    }

    /// Looks once: rereads files that have changed, replaces a certificate of ours that is about to expire.
    ///
    /// # Errors
    /// When the new one cannot be used; the old one is served on, and the next change is tried again.
    pub async fn look(&mut self) -> Result<(), TlsError> {
        match self.app.env().config.tls.mode {
            TlsMode::Off | TlsMode::Acme => Ok(()),
            TlsMode::SelfSigned => {
                if self_signed::is_due(&self.app)? {
                    self.certificates.renew(&self.app).await?;
                    tracing::info!("the self-signed certificate was renewed");
                }
                Ok(())
            }
            TlsMode::Files => {
                let now = Stamp::of(&self.app.env().config.tls);
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

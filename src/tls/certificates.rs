//! The certificate that is served, and its replacement while connections go on.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::app::App;
use crate::config::{TlsMode, warn_if_open};

use super::challenges::{ACME_TLS, Challenges};
use super::{TlsError, files, issued, lint, parsed, self_signed};

/// The number of TLS sessions that can be resumed; each costs some hundred bytes.
const RESUMABLE_SESSIONS: usize = 256;

/// The certificate that is served, and the answers to challenges.
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
        // An authority gets the certificate of its challenge, or none: the site's would prove nothing (RFC 8737, 3).
        if Challenges::is_asked_for(&hello) { self.challenges.certificate(&hello) } else { Some(self.key.load_full()) }
    }
}

impl Certificates {
    /// Loads or makes the certificate that the configuration asks for; `None` where TLS is off.
    ///
    /// # Errors
    /// When there is none to serve.
    pub async fn load(app: &Arc<App>) -> Result<Option<Self>, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let Some(key) = obtain(app, &provider).await? else { return Ok(None) };
        let current = Current { key: ArcSwap::from_pointee(key), challenges: Arc::default() };
        Ok(Some(Self { current: Arc::new(current), provider }))
    }

    /// The answers to an authority's challenges.
    #[must_use]
    pub fn challenges(&self) -> &Arc<Challenges> {
        &self.current.challenges
    }

    /// The cryptography provider.
    #[must_use]
    pub fn provider(&self) -> &CryptoProvider {
        &self.provider
    }

    /// Returns an acceptor of TLS connections; it always serves the current certificate.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .expect("the provider supports TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.current) as Arc<dyn ResolvesServerCert>);
        // acme-tls/1 must be offered to be agreed on; such a connection ends with the handshake.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec(), ACME_TLS.to_vec()];
        config.session_storage = ServerSessionMemoryCache::new(RESUMABLE_SESSIONS);
        TlsAcceptor::from(Arc::new(config))
    }

    /// Replaces the certificate: by one from changed files, or a fresh one before the old one expires.
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
        TlsMode::Acme => match issued::kept(app, provider).await? {
            Some(kept) => kept,
            // A stopgap until the authority has issued one: it validates over a connection to this very server.
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
    // Only warned about: an expired or odd certificate still lets an administrator in, a server that does not start
    // does not.
    if let Ok(leaf) = key.end_entity_cert() {
        if let Some((_, ends_at)) = parsed::validity(leaf) {
            app.measures.note_certificate(ends_at);
        }
        if tls.mode == TlsMode::Files {
            for doubt in lint::lint(&key.cert, env.config.site.url.host(), app.now()) {
                tracing::warn!("{doubt}");
            }
        }
    }
    Ok(Some(key))
}

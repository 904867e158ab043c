//! Answers to the challenges of a certificate authority (RFC 8555, 8): on port 80 a text, on port 443 a certificate
//! made for the purpose.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;

use super::TlsError;

/// The ALPN protocol by which an authority asks for the validation certificate (RFC 8737, 6.2).
pub const ACME_TLS: &[u8] = b"acme-tls/1";

/// The path of texts, before their token (RFC 8555, 8.3).
pub(super) const WELL_KNOWN: &str = "/.well-known/acme-challenge/";

/// The challenges that are open.
#[derive(Debug, Default)]
pub struct Challenges {
    open: Mutex<Open>,
    has_listener: AtomicBool,
}

#[derive(Debug, Default)]
struct Open {
    texts: HashMap<String, String>,
    certificates: HashMap<String, Arc<CertifiedKey>>,
}

impl Challenges {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a plain HTTP listener exists and answers with texts.
    pub fn note_listener(&self) {
        self.has_listener.store(true, Ordering::Relaxed);
    }

    /// Whether a plain HTTP listener exists.
    pub fn has_listener(&self) -> bool {
        self.has_listener.load(Ordering::Relaxed)
    }

    /// Opens an HTTP-01 challenge: this token is answered with this text.
    pub fn answer_with_text(&self, token: String, text: String) {
        self.open().texts.insert(token, text);
    }

    /// Opens a TLS-ALPN-01 challenge: this name is answered with a certificate that holds the digest.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn answer_with_certificate(
        &self,
        host: &str,
        digest: &[u8],
        provider: &CryptoProvider,
    ) -> Result<(), TlsError> {
        let made = |error: rcgen::Error| TlsError::SelfSigned(error.to_string());
        let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(made)?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let key = KeyPair::generate().map_err(made)?;
        let certificate = params.self_signed(&key).map_err(made)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        // Its extension is critical (RFC 8737, 3); rustls does not know it and would refuse to parse the certificate,
        // so the pair is put together without its checks.
        let private = provider.key_provider.load_private_key(private);
        let private = private.map_err(|error| TlsError::SelfSigned(error.to_string()))?;
        let certified = CertifiedKey::new(vec![certificate.der().clone()], private);
        self.open().certificates.insert(host.to_owned(), Arc::new(certified));
        Ok(())
    }

    /// Closes all challenges: nothing is answered any more.
    pub fn clear(&self) {
        *self.open() = Open::default();
    }

    /// Returns the text for a path, if it is that of an open challenge.
    pub fn text(&self, path: &str) -> Option<String> {
        let token = path.strip_prefix(WELL_KNOWN)?;
        self.open().texts.get(token).cloned()
    }

    /// Whether the client is a validating authority: it offers this protocol and no other (RFC 8737, 3).
    pub(super) fn is_asked_for(hello: &ClientHello<'_>) -> bool {
        hello.alpn().is_some_and(|mut offered| offered.next() == Some(ACME_TLS) && offered.next().is_none())
    }

    pub(super) fn certificate(&self, hello: &ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.open().certificates.get(hello.server_name()?).cloned()
    }
}

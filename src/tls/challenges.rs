//! What we answer while a certificate authority looks whether a name is ours (RFC 8555, 8): on port 80 by a text, on port 443
//! by a certificate made for the purpose.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;

use super::TlsError;

/// The protocol that an authority asks for when it wants the certificate of its purpose (RFC 8737, 6.2).
pub const ACME_TLS: &[u8] = b"acme-tls/1";

/// Where the text is asked for, before its token (RFC 8555, 8.3).
pub const WELL_KNOWN: &str = "/.well-known/acme-challenge/";

/// The challenges that are open now.
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

    /// Notes that somebody listens in clear, and answers with texts.
    pub fn note_listener(&self) {
        self.has_listener.store(true, Ordering::Relaxed);
    }

    /// Whether somebody listens in clear.
    pub fn has_listener(&self) -> bool {
        self.has_listener.load(Ordering::Relaxed)
    }

    /// Answers to this token with this text (HTTP-01).
    pub fn answer_with_text(&self, token: String, text: String) {
        self.open().texts.insert(token, text);
    }

    /// Answers for this name with a certificate that holds this digest (TLS-ALPN-01).
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
        // The extension is critical (RFC 8737, 3), and rustls, which does not know it, would refuse to look at the certificate.
        let private = provider.key_provider.load_private_key(private);
        let private = private.map_err(|error| TlsError::SelfSigned(error.to_string()))?;
        let certified = CertifiedKey::new(vec![certificate.der().clone()], private);
        self.open().certificates.insert(host.to_owned(), Arc::new(certified));
        Ok(())
    }

    /// They are closed: nothing is answered any more.
    pub fn clear(&self) {
        *self.open() = Open::default();
    }

    /// The text for a path, if it asks for one.
    pub fn text(&self, path: &str) -> Option<String> {
        let token = path.strip_prefix(WELL_KNOWN)?;
        self.open().texts.get(token).cloned()
    }

    /// Whether the client is an authority that looks: it offers that protocol and no other (RFC 8737, 3).
    pub(super) fn is_asked_for(hello: &ClientHello<'_>) -> bool {
        hello.alpn().is_some_and(|mut offered| offered.next() == Some(ACME_TLS) && offered.next().is_none())
    }

    pub(super) fn certificate(&self, hello: &ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.open().certificates.get(hello.server_name()?).cloned()
    }
}

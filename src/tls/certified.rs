//! A certificate with its key, checked to belong together.

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::TlsError;

pub(super) fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    // Keys of a kind that cannot be compared pass: the handshake would tell.
    match CertifiedKey::from_der(chain, key, provider) {
        Ok(key) => Ok(key),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(TlsError::SelfSigned("the certificate is for another key than the one it was asked for with".into()))
        }
        Err(_) => Err(TlsError::SelfSigned("the certificate or its key is damaged".into())),
    }
}

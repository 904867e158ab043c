//! Certificates from files.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::config::{Tls, warn_if_open};

use super::{TlsError, certified};

/// Reads a certificate chain.
pub fn read_chain(certificate: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |reason: String| TlsError::File { path: certificate.into(), reason };
    let text = std::fs::read(certificate).map_err(|error| wrong(error.to_string()))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| wrong(error.to_string()))?;
    if chain.is_empty() { Err(wrong("there is no certificate in it".into())) } else { Ok(chain) }
}

/// Reads a certificate chain and its key.
pub fn read(certificate: &Path, private_key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let wrong = |path: &Path, reason: String| TlsError::File { path: path.into(), reason };
    let chain = read_chain(certificate)?;
    warn_if_open(private_key, "the certificate's private key");
    let key = std::fs::read(private_key).map_err(|error| wrong(private_key, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| wrong(private_key, error.to_string()))?;
    certified(chain, key, provider).map_err(|error| match error {
        TlsError::SelfSigned(reason) => wrong(certificate, reason),
        other => other,
    })
}

/// Tells versions of two files apart. A link that points elsewhere is another version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stamp([(u64, i64, i64, u64); 2]);

impl Stamp {
    /// How the files look now; none while one of them is missing.
    pub fn of(tls: &Tls) -> Option<Self> {
        let look = |path: &Path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len()))
        };
        Some(Self([look(tls.certificate.as_deref()?)?, look(tls.private_key.as_deref()?)?]))
    }
}

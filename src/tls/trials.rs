//! Checks certificates and keys before they are served.

use std::path::Path;

use rustls::pki_types::CertificateDer;

use crate::base::Timestamp;
use crate::config::Unreadable;

use super::lint::{self, Lint};
use super::{TlsError, files, parsed, pem};

/// Checks that certificate and key can be served for this host, and returns what browsers will object to.
///
/// # Errors
/// With everything for which they cannot be served.
pub fn try_files(
    certificate: &Path,
    private_key: &Path,
    host: &str,
    now: Timestamp,
) -> Result<Vec<Lint>, Vec<TlsError>> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = files::read(certificate, private_key, &provider)?;
    Ok(lint::lint(&key.cert, host, now))
}

/// Checks the certificate as [`try_files`] does, where the key cannot be read.
pub fn try_certificate(certificate: &Path, host: &str, now: Timestamp) -> Result<Vec<Lint>, Unreadable> {
    pem::certificates(certificate).map(|chain| lint::lint(&chain, host, now))
}

/// Checks that a file names certificates to trust, and returns a warning for each that has expired.
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

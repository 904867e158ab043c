//! Certificates from files.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};

use crate::config::{Tls, Unreadable};

use super::der::{self, OCTET_STRING, SEQUENCE};
use super::error::PRIVATE_KEY;
use super::parsed::Parsed;
use super::{TlsError, pem};

/// The setting that names the certificate's file.
pub(super) const CERTIFICATE: &str = "tls.certificate";
/// Reads a certificate chain and its key. The certificate of the key comes first, each one's issuer after it, in
/// whatever order the file has them.
pub(super) fn read(
    certificate: &Path,
    private_key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Vec<TlsError>> {
    // Both files are read before an error is returned: the other one may be wrong too.
    let chain = pem::certificates(certificate).map_err(|fault| wrong(CERTIFICATE, certificate, fault));
    let keys = pem::private_keys(private_key).map_err(|fault| wrong(PRIVATE_KEY, private_key, fault));
    let keys = keys.and_then(|keys| usable(&keys, provider).map_err(|fault| wrong(PRIVATE_KEY, private_key, fault)));
    let (chain, keys) = match (chain, keys) {
        (Ok(chain), Ok(keys)) => (chain, keys),
        (chain, keys) => return Err(chain.err().into_iter().chain(keys.err()).collect()),
    };
    let owner = keys.into_iter().find_map(|key| {
        let public = key.public_key()?;
        // A CA's key is not the site's, even if its certificate is part of the chain.
        let parsed: Vec<_> = chain.iter().filter_map(|der| Parsed::of(der)).collect();
        let issues = |one: &Parsed<'_>| parsed.iter().any(|other| !other.is_by_itself() && other.is_issued_by(one));
        let at = parsed.iter().position(|one| one.has_key(&public) && !issues(one))?;
        Some((key, at))
    });
    match owner {
        Some((key, leaf)) => Ok(CertifiedKey::new(in_order(chain, leaf), key)),
        None => Err(vec![TlsError::Mismatch { private_key: private_key.into() }]),
    }
}

fn wrong(setting: &'static str, path: &Path, fault: Unreadable) -> TlsError {
    TlsError::File { setting, path: PathBuf::from(path), fault }
}

/// Puts the leaf first, then its issuer, that one's issuer, and so on; then whatever else there is.
fn in_order(mut rest: Vec<CertificateDer<'static>>, leaf: usize) -> Vec<CertificateDer<'static>> {
    let mut chain = vec![rest.remove(leaf)];
    while let Some(at) = chain.last().and_then(|last| {
        let last = Parsed::of(last).filter(|last| !last.is_by_itself())?;
        rest.iter().position(|der| Parsed::of(der).is_some_and(|parsed| last.is_issued_by(&parsed)))
    }) {
        chain.push(rest.remove(at));
    }
    chain.extend(rest);
    chain
}

/// Returns the keys that can sign.
fn usable(keys: &[PrivateKeyDer<'static>], provider: &CryptoProvider) -> Result<Vec<Arc<dyn SigningKey>>, Unreadable> {
    let able: Vec<_> =
        keys.iter().filter_map(|key| provider.key_provider.load_private_key(key.clone_key()).ok()).collect();
    match keys.first() {
        Some(first) if able.is_empty() => Err(unusable(first.secret_der())),
        _ => Ok(able),
    }
}

/// Explains why a key cannot sign.
fn unusable(key: &[u8]) -> Unreadable {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    const KINDS: [(&[u8], &str); 12] = [
        (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "ECDSA with the curve secp256k1"),
        (&[0x2b, 0x81, 0x04, 0x00, 0x21], "ECDSA with the curve P-224"),
        (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01], "ECDSA with the curve P-192"),
        (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07], "ECDSA with the curve brainpoolP256r1"),
        (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b], "ECDSA with the curve brainpoolP384r1"),
        (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d], "ECDSA with the curve brainpoolP512r1"),
        (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01], "ECDSA with a curve"),
        (&[0x2b, 0x65, 0x71], "Ed448"),
        (&[0x2b, 0x65, 0x6e], "X25519, which signs nothing"),
        (&[0x2b, 0x65, 0x6f], "X448, which signs nothing"),
        (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01], "DSA"),
        (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a], "RSASSA-PSS"),
    ];
    /// P-256, P-384 and P-521.
    const KNOWN_CURVES: [&[u8]; 3] = [
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        &[0x2b, 0x81, 0x04, 0x00, 0x22],
        &[0x2b, 0x81, 0x04, 0x00, 0x23],
    ];
    const INSTEAD: &str = "take a certificate with RSA of 2048 bits or more, or with ECDSA of P-256 or P-384";
    let bits = der::rsa_bits(key).or_else(|| der::names(key, RSA).then(|| der::rsa_bits(inner_key(key)?)).flatten());
    if let Some(bits) = bits.filter(|bits| !(2048..=8192).contains(bits)) {
        let long = if bits < 2048 { "too short for anybody to trust" } else { "longer than what can be used" };
        return Unreadable::saying(&format!("the private key in it has {bits} bits, which is {long}"), INSTEAD);
    }
    if KNOWN_CURVES.iter().any(|oid| der::names(key, oid)) {
        return Unreadable::saying("the private key in it is damaged", "take the file anew from where it came");
    }
    match KINDS.iter().find(|(oid, _)| der::names(key, oid)) {
        Some((_, kind)) => Unreadable::saying(
            &format!("the private key in it is of a kind that browsers do not know: {kind}"),
            INSTEAD,
        ),
        None => Unreadable::saying("the private key in it is damaged", "take the file anew from where it came"),
    }
}

/// Returns the key inside PKCS #8 (RFC 5208, 5).
fn inner_key(key: &[u8]) -> Option<&[u8]> {
    let mut content = der::expect(&mut { key }, SEQUENCE)?;
    der::take(&mut content)?;
    der::expect(&mut content, SEQUENCE)?;
    der::expect(&mut content, OCTET_STRING)
}

/// The version of the two files, to notice changes. A symbolic link that points elsewhere is another version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Stamp([(u64, i64, i64, u64); 2]);

impl Stamp {
    /// Returns the version of the files now; `None` while one of them is missing.
    pub(super) fn of(tls: &Tls) -> Option<Self> {
        let look = |path: &Path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len()))
        };
        Some(Self([look(tls.certificate.as_deref()?)?, look(tls.private_key.as_deref()?)?]))
    }
}

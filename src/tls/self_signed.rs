//! A self-signed certificate, for demonstrations and closed networks. It is kept, so that a browser that was told to
//! trust it once need not be told again, and renewed before it expires.

use std::collections::BTreeSet;
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use crate::app::{App, Fault};
use crate::base::{DAY, Moment, Seconds, Timestamp};
use crate::config::Config;
use crate::crypto::SealingKey;
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};

use super::TlsError;
use super::certified::certified;

/// Browsers accept at most 398 days from public authorities; private ones are not held to it, but need no more.
const LIFETIME: Seconds = 365 * DAY;
const RENEW_BEFORE: Seconds = 30 * DAY;

pub(crate) struct KeptCertificate {
    /// The hosts that it is for, with blanks between them.
    host: String,
    expires_at: Timestamp,
    certificate: Vec<u8>,
    sealed_key: Vec<u8>,
}
record!(KeptCertificate, version 1, { host, expires_at, certificate, sealed_key });

pub(crate) const CERTIFICATES: Table<String, KeptCertificate> = Table::at(schema::CERTIFICATES);

fn name() -> String {
    "self-signed".into()
}

fn associated_data() -> [&'static [u8]; 2] {
    [schema::CERTIFICATES.name.as_bytes(), b"self-signed"]
}

/// Returns the hosts that browsers come to: the site's, and those where people are led to for other applications.
fn hosts(config: &Config) -> Vec<String> {
    let site = config.site.url.host();
    let portals = config.access.domains.iter().filter_map(|domain| domain.url.as_ref());
    let others: BTreeSet<&str> = portals.map(|portal| portal.host().as_str()).filter(|host| *host != site).collect();
    [site].into_iter().chain(others).map(str::to_owned).collect()
}

fn kept(view: &dyn Snapshot, app: &App) -> Result<Option<KeptCertificate>, StoreError> {
    let hosts = hosts(&app.env().config).join(" ");
    let fits = |kept: &KeptCertificate| kept.host == hosts && app.now().plus(RENEW_BEFORE) < kept.expires_at;
    Ok(CERTIFICATES.get(view, &name())?.filter(fits))
}

/// Whether the kept certificate is missing, for other hosts, or about to expire.
pub(super) async fn is_due(app: &App) -> Result<bool, Fault> {
    Ok(app.read(|view| kept(view, app)).await?.is_none())
}

/// Returns the kept certificate, or makes a new one.
pub(super) async fn obtain(app: &Arc<App>, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    if let Some(kept) = app.read(|view| kept(view, app)).await.map_err(Fault::from)? {
        let key = app.env().seal.open(&associated_data(), &kept.sealed_key);
        let key = key.map_err(|_| Fault::Store(StoreError::Damaged("the certificate's key")))?;
        return certify(kept.certificate, key, provider);
    }
    let hosts = hosts(&app.env().config);
    let now = app.now();
    let (certificate, key) = make(&hosts, now).map_err(|error| TlsError::SelfSigned(error.to_string()))?;
    let (kept_certificate, kept_key) = (certificate.clone(), key.clone());
    // Written before it is served: otherwise each start would show browsers another certificate to trust.
    app.write(move |work| {
        let sealed_key = work.env.seal.seal(&associated_data(), &kept_key, work.moment);
        let kept = KeptCertificate {
            host: hosts.join(" "),
            expires_at: now.plus(LIFETIME),
            certificate: kept_certificate.clone(),
            sealed_key,
        };
        CERTIFICATES.put(work.tx, &name(), &kept)
    })
    .await
    .map_err(Fault::from)?;
    certify(certificate, key, provider)
}

/// Reseals the key of the self-signed certificate.
///
/// # Errors
/// When the store fails, or something was not sealed with the old key.
pub fn reseal(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    (old, new): (&SealingKey, &SealingKey),
) -> Result<(), StoreError> {
    let Some(kept) = CERTIFICATES.get(tx, &name())? else { return Ok(()) };
    let sealed_key = old.hand_over(new, &associated_data(), &kept.sealed_key, moment);
    let sealed_key = sealed_key.map_err(|_| StoreError::Damaged("the certificate's key"))?;
    CERTIFICATES.put(tx, &name(), &KeptCertificate { sealed_key, ..kept })
}

fn certify(certificate: Vec<u8>, key: Vec<u8>, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    certified(vec![CertificateDer::from(certificate)], key, provider)
}

fn make(hosts: &[String], now: Timestamp) -> Result<(Vec<u8>, Vec<u8>), rcgen::Error> {
    let plain = |host: &String| host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let mut names: Vec<String> = hosts.iter().map(plain).collect();
    let first = names.first().cloned().unwrap_or_default();
    if first == "localhost" {
        names.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, first);
    let date = |time: Timestamp| {
        let (year, month, day) = time.date();
        rcgen::date_time_ymd(year, month, day)
    };
    // A day early: the clocks of a small network differ.
    params.not_before = date(Timestamp::from_seconds(now.seconds().saturating_sub(DAY)));
    params.not_after = date(now.plus(LIFETIME));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.der().to_vec(), key.serialize_der()))
}

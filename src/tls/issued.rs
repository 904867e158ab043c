//! The certificate that an authority issued: kept in the store, its key sealed, until a newer one replaces it.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use crate::app::{App, Fault};
use crate::audit::{Act, Source, Subject};
use crate::base::{Moment, Timestamp};
use crate::config::Config;
use crate::crypto::SealingKey;
use crate::store::{StoreError, Table, Transaction, record, schema};

use super::certified::certified;
use super::{TlsError, parsed};

pub(crate) struct Issued {
    directory: String,
    hosts: BTreeSet<String>,
    begins_at: Timestamp,
    expires_at: Timestamp,
    chain: Vec<u8>,
    sealed_key: Vec<u8>,
}
record!(Issued, version 1, { directory, hosts, begins_at, expires_at, chain, sealed_key });

pub(crate) const ISSUED: Table<String, Issued> = Table::at(schema::ISSUED_CERTIFICATES);

fn name() -> String {
    "acme".into()
}

fn associated_data() -> [&'static [u8]; 2] {
    [schema::ISSUED_CERTIFICATES.name.as_bytes(), b"acme"]
}

/// Returns the names that a certificate is wanted for.
#[must_use]
pub fn hosts(config: &Config) -> BTreeSet<String> {
    let configured = &config.tls.acme.hosts;
    if configured.is_empty() {
        return [config.site.url.host().to_owned()].into();
    }
    configured.iter().map(|host| host.as_str().to_owned()).collect()
}

/// Returns when a new certificate is to be requested: two thirds into the life of the current one, and at once if there
/// is none, or it is for other names or from another authority.
pub async fn due_at(app: &App) -> Result<Timestamp, Fault> {
    let env = app.env();
    let kept = app.read(|view| ISSUED.get(view, &name())).await?;
    let fits =
        |kept: &Issued| kept.directory == env.config.tls.acme.directory.as_str() && kept.hosts == hosts(&env.config);
    Ok(kept.filter(fits).map_or(Timestamp::default(), |kept| two_thirds(kept.begins_at, kept.expires_at)))
}

fn two_thirds(from: Timestamp, to: Timestamp) -> Timestamp {
    from.plus(to.since(from) / 3 * 2)
}

/// Returns the kept certificate, whatever it is for: an old one is better than none.
pub(super) async fn kept(app: &App, provider: &CryptoProvider) -> Result<Option<CertifiedKey>, TlsError> {
    let Some(kept) = app.read(|view| ISSUED.get(view, &name())).await.map_err(Fault::from)? else { return Ok(None) };
    let key = app.env().seal.open(&associated_data(), &kept.sealed_key);
    let key = key.map_err(|_| Fault::Store(StoreError::Damaged("the certificate's key")))?;
    read(&kept.chain, key, provider).map(Some)
}

fn read(chain: &[u8], key: Vec<u8>, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| TlsError::SelfSigned("the authority sent no certificate".into()))?;
    certified(chain, PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)), provider)
}

/// Keeps what the authority issued: the chain as PEM, and the key of its certificate.
///
/// # Errors
/// When it is not a certificate, not of this key, or could not be written.
pub async fn keep(
    app: &Arc<App>,
    (directory, hosts): (String, BTreeSet<String>),
    chain: String,
    key: Vec<u8>,
    provider: &CryptoProvider,
) -> Result<Timestamp, TlsError> {
    // Read as it will be served, before it is written: a useless answer must not replace a certificate that works.
    let certificate = read(chain.as_bytes(), key.clone(), provider)?;
    let leaf = certificate.end_entity_cert().ok();
    let (begins_at, expires_at) = leaf
        .and_then(|leaf| parsed::validity(leaf))
        .ok_or_else(|| TlsError::SelfSigned("the authority sent something else than a certificate".into()))?;
    app.write(move |work| {
        let sealed_key = work.env.seal.seal(&associated_data(), &key, work.moment);
        let (directory, hosts, chain) = (directory.clone(), hosts.clone(), chain.clone().into_bytes());
        let named = hosts.iter().cloned().collect::<Vec<_>>().join(" ");
        ISSUED.put(work.tx, &name(), &Issued { directory, hosts, begins_at, expires_at, chain, sealed_key })?;
        work.audit_in_detail(&Source::appliance(), Act::CertificateIssued, Subject::NONE, &named)
    })
    .await
    .map_err(Fault::from)?;
    Ok(expires_at)
}

/// Reseals the key of the certificate.
///
/// # Errors
/// When the store fails, or something was not sealed with the old key.
pub fn reseal(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    (old, new): (&SealingKey, &SealingKey),
) -> Result<(), StoreError> {
    let Some(kept) = ISSUED.get(tx, &name())? else { return Ok(()) };
    let sealed_key = old.hand_over(new, &associated_data(), &kept.sealed_key, moment);
    let sealed_key = sealed_key.map_err(|_| StoreError::Damaged("the certificate's key"))?;
    ISSUED.put(tx, &name(), &Issued { sealed_key, ..kept })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::DAY;

    #[test]
    fn a_certificate_is_renewed_two_thirds_into_its_life() {
        let from = Timestamp::from_seconds(1_000_000);
        assert_eq!(two_thirds(from, from.plus(90 * DAY)), from.plus(60 * DAY));
        assert_eq!(two_thirds(from, from.plus(6 * DAY)), from.plus(4 * DAY));
        assert_eq!(two_thirds(from, from), from);
    }
}

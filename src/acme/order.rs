//! One order (RFC 8555, 7.4): the authority sets challenges, we put the answers in place, it validates them, and issues
//! the certificate.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use crate::tls::Certificates;

use super::{AcmeError, CertificateWanted};

/// The chain as PEM, and the key of its first certificate.
pub(super) type Given = (String, Vec<u8>);

/// How often, and for how long, the authority is asked whether it is done.
const POLLING: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(90));

/// Places an order, validates each name by this kind of challenge, and returns the certificate.
pub(super) async fn place(
    account: &Account,
    certificates: &Certificates,
    wanted: &CertificateWanted,
    kind: ChallengeType,
) -> Result<Given, AcmeError> {
    let names: Vec<Identifier> = wanted.hosts.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&names)).await?;
    put_answers(&mut order, certificates, kind).await?;
    match order.poll_ready(&POLLING).await {
        Ok(OrderStatus::Ready) => {}
        Ok(_) | Err(Error::Api(_)) => return Err(AcmeError::NotFound(why(&mut order).await)),
        Err(error) => return Err(error.into()),
    }
    let key = KeyPair::generate().map_err(|error| AcmeError::Failed(error.to_string()))?;
    let request = request(wanted, &key).map_err(|error| AcmeError::Failed(error.to_string()))?;
    order.finalize_csr(&request).await?;
    Ok((order.poll_certificate(&POLLING).await?, key.serialize_der()))
}

/// Puts an answer in place for each name that is not validated yet, and tells the authority.
async fn put_answers(order: &mut Order, certificates: &Certificates, kind: ChallengeType) -> Result<(), AcmeError> {
    let challenges = certificates.challenges();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let host = authorization.identifier().to_string();
        let Some(mut challenge) = authorization.challenge(kind.clone()) else {
            return Err(AcmeError::NotFound(format!("{host} cannot be proven so")));
        };
        let answer = challenge.key_authorization();
        if kind == ChallengeType::TlsAlpn01 {
            challenges.answer_with_certificate(&host, answer.digest().as_ref(), certificates.provider())?;
        } else {
            challenges.answer_with_text(challenge.token.clone(), answer.as_str().to_owned());
        }
        challenge.set_ready().await?;
    }
    Ok(())
}

/// Returns what the authority says about names that it could not validate.
async fn why(order: &mut Order) -> String {
    const UNTOLD: &str = "it does not say why";
    if order.refresh().await.is_err() {
        return UNTOLD.into();
    }
    let mut said = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(authorization)) = authorizations.next().await {
        let host = authorization.identifier().to_string();
        let errors = authorization.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        said.extend(errors.filter_map(|error| error.detail.as_ref()).map(|detail| format!("{host}: {detail}")));
    }
    if said.is_empty() { UNTOLD.into() } else { said.join(", ") }
}

/// Makes a certificate signing request (RFC 2986); the key is a new one each time.
fn request(wanted: &CertificateWanted, key: &KeyPair) -> Result<Vec<u8>, rcgen::Error> {
    let mut params = CertificateParams::new(wanted.hosts.iter().cloned().collect::<Vec<_>>())?;
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(key)?.der().to_vec())
}

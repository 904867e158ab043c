//! One order (RFC 8555, 7.4): the authority says what it will look for, we put it there, it looks, and gives the certificate.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use crate::tls::Certificates;

use super::{AcmeError, Wanted};

/// The chain as PEM, and the key that its first certificate is for.
pub type Given = (String, Vec<u8>);

/// How often it is asked whether the authority is done, and for how long.
const POLLING: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(90));

/// Goes all the way, proving each name by this kind of challenge.
pub async fn place(
    account: &Account,
    certificates: &Certificates,
    wanted: &Wanted,
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

/// Puts an answer in place for each name that is not proven yet, and says so.
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

/// What the authority says about the names that it did not find us at.
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

/// A request for the certificate (RFC 2986); a new key each time.
fn request(wanted: &Wanted, key: &KeyPair) -> Result<Vec<u8>, rcgen::Error> {
    let mut params = CertificateParams::new(wanted.hosts.iter().cloned().collect::<Vec<_>>())?;
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(key)?.der().to_vec())
}

//! Obtains a certificate from an authority, and keeps it.

use std::sync::Arc;

use instant_acme::{AccountBuilder, ChallengeType};

use crate::app::App;
use crate::base::Timestamp;
use crate::courier::CourierHandle;
use crate::tls::{Certificates, issued};

use super::error::{AcmeError, TIMEOUT};
use super::requests::{self, Requests};
use super::wanted::CertificateWanted;
use super::{account, order};

/// Obtains a certificate and keeps it. Returns its expiry, and the port at which the authority validated us. It is not
/// served yet.
///
/// # Errors
/// When there is none; what was there before stays.
pub async fn obtain(
    app: &Arc<App>,
    courier: &Arc<CourierHandle>,
    certificates: &Certificates,
    wanted: &CertificateWanted,
) -> Result<(Timestamp, u16), AcmeError> {
    let asked = tokio::time::timeout(TIMEOUT, ask(app, courier, certificates, wanted)).await;
    // Also after a timeout or an error: nobody is to be answered once the order is over.
    certificates.challenges().clear();
    let ((chain, key), port) = asked.map_err(|_| AcmeError::Slow)??;
    let CertificateWanted { directory, hosts } = wanted.clone();
    Ok((issued::keep(app, (directory, hosts), chain, key, certificates.provider()).await?, port))
}

async fn ask(
    app: &Arc<App>,
    courier: &Arc<CourierHandle>,
    certificates: &Certificates,
    wanted: &CertificateWanted,
) -> Result<(order::Given, u16), AcmeError> {
    let builder = || -> AccountBuilder { requests::builder(Requests::new(Arc::clone(courier), app.now())) };
    let account = account::open(app, builder, wanted).await?;
    let mut said = Vec::new();
    for (kind, port) in [(ChallengeType::Http01, 80), (ChallengeType::TlsAlpn01, 443)] {
        if kind == ChallengeType::Http01 && !certificates.challenges().has_listener() {
            said.push("port 80 was not tried, because listen.http is empty".to_owned());
            continue;
        }
        match order::place(&account, certificates, wanted, kind).await {
            Err(AcmeError::NotFound(reason)) => said.push(format!("at port {port}, {reason}")),
            placed => return Ok((placed?, port)),
        }
    }
    Err(AcmeError::NotFound(said.join("; ")))
}

//! Keeps the certificate fresh: rereads changed files, renews our own in time.

use std::sync::Arc;

use crate::app::{App, Fault};
use crate::tls::{Certificates, Watch};

use super::{Next, Worker};

/// Looks every few seconds; looking is two `stat` calls.
pub struct RenewCertificate(Watch);

impl RenewCertificate {
    /// For this appliance.
    #[must_use]
    pub fn new(app: Arc<App>, certificates: Arc<Certificates>) -> Self {
        Self(Watch::new(app, certificates))
    }
}

impl Worker for RenewCertificate {
    const NAME: &'static str = "renew certificate";

    async fn step(&mut self) -> Result<Next, Fault> {
        if let Err(error) = self.0.look().await {
            tracing::error!(%error, "the new certificate cannot be used; the old one is served on");
        }
        Ok(Next::After(5))
    }
}

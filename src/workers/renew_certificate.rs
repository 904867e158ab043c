//! Keeps the certificate current: rereads changed files, renews a self-signed one in time, requests another from the
//! authority.

use std::sync::Arc;

use crate::acme::{self, AcmeError, CertificateWanted};
use crate::app::{App, Fault};
use crate::base::{ClockState, HOUR, MINUTE, Seconds};
use crate::config::TlsMode;
use crate::courier::CourierHandle;
use crate::tls::{Certificates, Watch, issued};

use super::{Next, Worker};

/// The pause after the authority issued none; doubled each time. Authorities count failures: Let's Encrypt allows five
/// an hour for a name.
const FIRST_PAUSE: Seconds = 2 * MINUTE;
const LONGEST_PAUSE: Seconds = 6 * HOUR;

/// Checks every few seconds: two `stat` calls, or one read of the store.
pub struct RenewCertificate {
    app: Arc<App>,
    courier: Arc<CourierHandle>,
    certificates: Arc<Certificates>,
    watch: Watch,
    failed: Option<Failed>,
}

/// A failed attempt; the same is not repeated before its pause is over.
struct Failed {
    wanted: CertificateWanted,
    pause: Seconds,
    /// When it failed, by the monotonic clock.
    at: Seconds,
}

impl RenewCertificate {
    /// Works for this appliance.
    #[must_use]
    pub fn new(app: Arc<App>, courier: Arc<CourierHandle>, certificates: Arc<Certificates>) -> Self {
        let watch = Watch::new(Arc::clone(&app), Arc::clone(&certificates));
        Self { app, courier, certificates, watch, failed: None }
    }

    async fn ask_if_due(&mut self) -> Result<(), Fault> {
        let clock = self.app.time();
        // While the clock is in doubt, a good certificate might seem to need renewal, and a new one to be invalid.
        if clock.state != ClockState::Sure {
            return Ok(());
        }
        if issued::due_at(&self.app).await? > clock.earlier {
            // The failed request may no longer be wanted.
            if self.failed.take().is_some() {
                self.app.measures.note_renewal(None);
            }
            return Ok(());
        }
        let wanted = CertificateWanted::by(&self.app);
        let uptime = self.app.uptime();
        // Other settings are tried at once: the pause is for repeating the same.
        let before = self.failed.take().filter(|failed| failed.wanted == wanted);
        if let Some(failed) = before.as_ref().filter(|failed| uptime < failed.at + failed.pause) {
            self.failed = Some(Failed { wanted, ..*failed });
            return Ok(());
        }
        let names = wanted.hosts.iter().cloned().collect::<Vec<_>>().join(", ");
        tracing::info!("asking {} for a certificate for {names}", wanted.directory);
        match self.ask(&wanted).await {
            Ok(()) => self.app.measures.note_renewal(None),
            Err(error) => {
                let pause = before.map_or(FIRST_PAUSE, |failed| (failed.pause * 2).min(LONGEST_PAUSE));
                tracing::error!(
                    "{error}; what was served before is served on; it is tried again in {} minutes",
                    pause / MINUTE
                );
                self.app.measures.note_renewal(Some(error.to_string()));
                self.failed = Some(Failed { wanted, pause, at: self.app.uptime() });
            }
        }
        Ok(())
    }

    async fn ask(&self, wanted: &CertificateWanted) -> Result<(), AcmeError> {
        let (good_until, port) = acme::obtain(&self.app, &self.courier, &self.certificates, wanted).await?;
        self.certificates.renew(&self.app).await?;
        tracing::info!(
            "the authority gave a certificate, good until {good_until}; it found this server at port {port}"
        );
        Ok(())
    }
}

impl Worker for RenewCertificate {
    const NAME: &'static str = "renew certificate";

    async fn step(&mut self) -> Result<Next, Fault> {
        if self.app.env().config.tls.mode == TlsMode::Acme {
            self.ask_if_due().await?;
        } else if let Err(error) = self.watch.look().await {
            tracing::error!(%error, "the new certificate cannot be used; the old one is served on");
        }
        Ok(Next::After(5))
    }
}

//! Watches for a reason to replace the certificate.

use std::sync::Arc;

use crate::app::App;
use crate::config::TlsMode;

use super::files::Stamp;
use super::{Certificates, TlsError, self_signed};

/// Watches for a reason to replace the certificate.
pub struct Watch {
    app: Arc<App>,
    certificates: Arc<Certificates>,
    seen: Option<Stamp>,
}

impl Watch {
    /// Starts with the files as they are.
    #[must_use]
    pub fn new(app: Arc<App>, certificates: Arc<Certificates>) -> Self {
        let seen = Stamp::of(&app.env().config.tls);
        Self { app, certificates, seen }
    }

    /// Checks once: rereads files that have changed, and replaces a self-signed certificate that is about to expire.
    ///
    /// # Errors
    /// When the new one cannot be used; the old one is served on, and the next change is tried again.
    pub async fn look(&mut self) -> Result<(), TlsError> {
        match self.app.env().config.tls.mode {
            TlsMode::Off | TlsMode::Acme => Ok(()),
            TlsMode::SelfSigned => {
                if self_signed::is_due(&self.app).await? {
                    self.certificates.renew(&self.app).await?;
                    tracing::info!("the self-signed certificate was renewed");
                }
                Ok(())
            }
            TlsMode::Files => {
                let now = Stamp::of(&self.app.env().config.tls);
                if now == self.seen {
                    return Ok(());
                }
                // Before the attempt: files that are half written fail once, and their next change is another version.
                self.seen = now;
                self.certificates.renew(&self.app).await?;
                tracing::info!("the certificate was read anew");
                Ok(())
            }
        }
    }
}

//! What every use case goes by: settings and keys.

use std::sync::Arc;

use crate::audit::Chain;
use crate::base::NodeId;
use crate::config::Config;
use crate::crypto::{PasswordPolicy, SealingKey};
use crate::mail::{Composer, Mailer};

/// Settings and keys. Settings may be read anew while the program runs: one transaction goes by the same ones throughout.
pub struct Env {
    /// What the administrator decided.
    pub config: Config,
    /// Seals what must be readable.
    pub seal: Arc<SealingKey>,
    /// Writes mails.
    pub composer: Composer,
    /// The store's generation, bound into tokens and sessions.
    pub generation: [u8; 16],
    /// Which of the processes that write to the store this is.
    pub node: NodeId,
}

impl Env {
    /// The audit log that this process writes.
    #[must_use]
    pub fn chain(&self) -> Chain<'_> {
        Chain { node: self.node, seal: &self.seal }
    }

    /// What a new password has to fulfil.
    #[must_use]
    pub fn password_policy(&self) -> PasswordPolicy {
        PasswordPolicy { min_chars: self.config.password.min_length }
    }

    /// The words that everybody would try for this site.
    #[must_use]
    pub fn site_words(&self) -> Vec<&str> {
        vec![&self.config.site.name, self.config.site.url.host(), "gatelodge"]
    }

    /// Puts messages into the outbox.
    #[must_use]
    pub fn mailer(&self) -> Mailer<'_> {
        Mailer { composer: &self.composer, seal: &self.seal }
    }

    /// Where a person asks for a new password.
    #[must_use]
    pub fn forgot_link(&self) -> String {
        self.config.site.url.link("/forgot")
    }
}

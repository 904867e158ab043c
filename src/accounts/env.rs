//! The environment of every use case: settings and keys.

use std::sync::Arc;

use crate::audit::Chain;
use crate::base::NodeId;
use crate::config::Config;
use crate::crypto::{OpenedToken, PasswordPolicy, SealingKey};
use crate::mail::{Composer, Mailer};
use crate::texts::Languages;

/// Settings and keys. Settings may be reloaded while the program runs: one transaction sees the same ones throughout.
pub struct Env {
    /// The configuration.
    pub config: Config,
    /// The key that seals what must be readable again.
    pub seal: Arc<SealingKey>,
    /// The languages of the site.
    pub languages: Arc<Languages>,
    /// The writer of mails.
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

    /// Returns what a mailed link is bound to: the state that its purpose names and, before it, the generation of the store. No
    /// link outlives a restore, whoever signs it.
    pub(super) fn binding<'a>(&'a self, state: &[&'a [u8]]) -> Vec<&'a [u8]> {
        [&[&self.generation[..]], state].concat()
    }

    /// Whether a mailed link is bound to this state, in this generation.
    #[must_use]
    pub fn is_bound(&self, link: &OpenedToken<'_>, state: &[&[u8]]) -> bool {
        link.is_bound_to(&self.binding(state))
    }

    /// The rules for a new password.
    #[must_use]
    pub fn password_policy(&self) -> PasswordPolicy {
        PasswordPolicy { min_chars: self.config.password.min_length }
    }

    /// The words that an attacker would try first for this site.
    #[must_use]
    pub fn site_words(&self) -> Vec<&str> {
        vec![&self.config.site.name, self.config.site.url.host(), "gatelodge"]
    }

    /// The way into the outbox.
    #[must_use]
    pub fn mailer(&self) -> Mailer<'_> {
        Mailer { composer: &self.composer, seal: &self.seal }
    }

    /// The link to the page where a person asks for a new password.
    #[must_use]
    pub fn forgot_link(&self) -> String {
        self.config.site.url.link("/forgot")
    }
}

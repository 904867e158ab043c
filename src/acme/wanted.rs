//! The certificate that the configuration asks for.

use std::collections::BTreeSet;

use crate::app::App;
use crate::tls::issued;

/// A certificate to be requested.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateWanted {
    /// The authority's directory.
    pub directory: String,
    /// The names.
    pub hosts: BTreeSet<String>,
}

impl CertificateWanted {
    /// Returns what the configuration asks for.
    #[must_use]
    pub fn by(app: &App) -> Self {
        let env = app.env();
        let directory = env.config.tls.acme.directory.to_string();
        Self { directory, hosts: issued::hosts(&env.config) }
    }
}

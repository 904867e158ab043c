//! `[tls]`: where the certificate comes from.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::EmailAddress;
use crate::config::{HostName, HttpsUrl};

/// The source of the certificate.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// Made and renewed by us; browsers ask before they trust it.
    #[default]
    SelfSigned,
    /// From files, which are reread when they change.
    Files,
    /// From a certificate authority, by ACME (RFC 8555); asked for and renewed by us.
    Acme,
    /// A proxy in front terminates TLS.
    Off,
}

/// `[tls]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// The source of the certificate.
    pub mode: TlsMode,
    /// The certificate and its chain, PEM; only with `mode = "files"`.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM; only with `mode = "files"`.
    pub private_key: Option<PathBuf>,
    /// The authority to ask with `mode = "acme"`.
    pub acme: Acme,
}

/// `[tls.acme]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Acme {
    /// The authority's directory.
    pub directory: HttpsUrl,
    /// The address to which the authority writes when something is wrong with the certificate.
    pub contact: Option<EmailAddress>,
    /// The names in the certificate; without any, that of `site.url`.
    pub hosts: BTreeSet<HostName>,
    /// A private CA's certificate, trusted for the directory alone.
    pub ca_file: Option<PathBuf>,
}

/// Let's Encrypt, <https://letsencrypt.org/docs/acme-protocol-updates/>.
impl Default for Acme {
    fn default() -> Self {
        let directory = HttpsUrl::try_from("https://acme-v02.api.letsencrypt.org/directory".to_owned());
        Self { directory: directory.expect("a URL"), contact: None, hosts: BTreeSet::new(), ca_file: None }
    }
}

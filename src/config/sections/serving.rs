//! What is served, where, with which certificate, and what is logged and measured.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::base::EmailAddress;
use crate::config::addresses::{listed_addresses, listed_networks};
use crate::config::{HostName, HttpsUrl, SiteUrl};

/// `[site]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The name, shown on pages and in mails.
    #[serde(default = "default_site_name")]
    pub name: String,
    /// The site's URL, the only source of links in mails and redirects.
    pub url: SiteUrl,
    /// The folder of templates that replace the built-in ones of the same name.
    #[serde(default)]
    pub templates: Option<PathBuf>,
}

fn default_site_name() -> String {
    "Gatelodge".into()
}

/// `[listen]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Addresses for HTTPS.
    #[serde(deserialize_with = "listed_addresses")]
    pub https: Vec<SocketAddr>,
    /// Addresses for plain HTTP: a redirect, or the site itself with `tls.mode = "off"`.
    #[serde(deserialize_with = "listed_addresses")]
    pub http: Vec<SocketAddr>,
    /// The socket by which the command line reaches the running server.
    pub control: PathBuf,
}

impl Default for Listen {
    fn default() -> Self {
        let every_address = |port| vec![SocketAddr::new(IpAddr::from([0u16; 8]), port)];
        Self { https: every_address(443), http: vec![], control: "/run/gatelodge/control.sock".into() }
    }
}

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

/// `[metrics]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Addresses on which `/metrics` is served in clear, to whoever asks; none by default.
    #[serde(deserialize_with = "listed_addresses")]
    pub listen: Vec<SocketAddr>,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people; with the priorities that the journal reads, where the journal listens.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[log]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The format of lines.
    pub format: LogFormat,
}

/// `[proxy]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Proxy {
    /// The networks whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "listed_networks")]
    pub trusted: Vec<IpNet>,
}

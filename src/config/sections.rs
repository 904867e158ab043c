//! The sections of the file, key by key, each with its default.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::base::{DAY, HOUR, MINUTE};
use crate::crypto::Cost;

use super::{Rate, Sender, SiteUrl, Span};

/// `[site]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Shown on pages and in mails.
    #[serde(default = "default_site_name")]
    pub name: String,
    /// The only source of links in mails and redirects.
    pub url: SiteUrl,
    /// Templates in this folder replace the built-in ones of the same name.
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
    pub https: Vec<SocketAddr>,
    /// Addresses for plain HTTP: a redirect, or the site itself with `tls.mode = "off"`.
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

/// Where the certificate comes from.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// Made and renewed by us; browsers ask before they trust it.
    #[default]
    SelfSigned,
    /// From files, which are reread when they change.
    Files,
    /// A proxy in front terminates TLS.
    Off,
}

/// `[tls]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Where the certificate comes from.
    pub mode: TlsMode,
    /// The certificate and its chain, PEM; only with `mode = "files"`.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM; only with `mode = "files"`.
    pub private_key: Option<PathBuf>,
}

/// `[store]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// The one file that holds everything.
    pub path: PathBuf,
    /// The key that seals what must be readable; default: `sealing-key` beside the store.
    pub key_file: Option<PathBuf>,
    /// MiB of memory for pages of the store.
    pub cache_mib: usize,
    /// MiB of free disk below which nobody can register or ask for mails.
    pub low_space_mib: u64,
    /// MiB of free disk below which people can only log in and out.
    pub critical_space_mib: u64,
    /// MiB that are kept beside the store, to be given up when the disk is full; 0 for none.
    pub ballast_mib: u64,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            path: "/var/lib/gatelodge/gatelodge.redb".into(),
            key_file: None,
            cache_mib: 4,
            low_space_mib: 32,
            critical_space_mib: 8,
            ballast_mib: 16,
        }
    }
}

/// How mails leave.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailTransport {
    /// To a mail server.
    #[default]
    Smtp,
    /// Into a folder, one `.eml` each.
    File,
}

/// `[mail]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Whom mails come from.
    pub from: Sender,
    /// How they leave.
    #[serde(default)]
    pub transport: MailTransport,
    /// Where they go with `transport = "file"`.
    #[serde(default = "default_mail_directory")]
    pub directory: PathBuf,
    /// The mail server with `transport = "smtp"`.
    #[serde(default)]
    pub smtp: Smtp,
}

fn default_mail_directory() -> PathBuf {
    "/var/lib/gatelodge/mail".into()
}

/// How the connection to the mail server is encrypted. Never "if it happens to offer it".
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// From the first byte; usually port 465.
    Tls,
    /// After a plain greeting, required; usually port 587.
    #[default]
    Starttls,
    /// Not at all.
    None,
}

/// `[mail.smtp]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Smtp {
    /// The server's name, which its certificate must carry.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: Security,
    /// Who we are to the server, if it wants to know.
    pub username: Option<String>,
    /// The file with the password: its first line.
    pub password_file: Option<PathBuf>,
    /// A private CA's certificate, trusted for this server alone.
    pub ca_file: Option<PathBuf>,
    /// Allows `security = "none"` to a server that is not on loopback.
    pub allow_plaintext: bool,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 587,
            security: Security::Starttls,
            username: None,
            password_file: None,
            ca_file: None,
            allow_plaintext: false,
        }
    }
}

/// Who may register.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistrationMode {
    /// Everybody.
    #[default]
    Open,
    /// Everybody, then an administrator decides.
    Approval,
    /// Whoever was invited.
    Invite,
    /// Nobody: administrators make the accounts.
    Closed,
}

/// `[registration]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registration {
    /// Who may register.
    pub mode: RegistrationMode,
    /// Whether an address must be confirmed before its account exists.
    pub confirm_email: bool,
}

impl Default for Registration {
    fn default() -> Self {
        Self { mode: RegistrationMode::Open, confirm_email: true }
    }
}

/// `[password]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Passwords {
    /// Unicode code points.
    pub min_length: usize,
    /// argon2id memory.
    pub memory_kib: u32,
    /// argon2id passes.
    pub iterations: u32,
    /// argon2id lanes.
    pub lanes: u32,
}

impl Passwords {
    /// What a hash costs with these settings.
    #[must_use]
    pub fn cost(&self) -> Cost {
        Cost { memory_kib: self.memory_kib, iterations: self.iterations, lanes: self.lanes }
    }
}

/// OWASP's first recommendation for argon2id; the length is that of NIST SP 800-63B-4.
impl Default for Passwords {
    fn default() -> Self {
        Self { min_length: 15, memory_kib: 19456, iterations: 2, lanes: 1 }
    }
}

/// `[tokens]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// How long a registration or a change of address can be confirmed.
    pub confirm_within: Span,
    /// How long a reset link works.
    pub reset_within: Span,
    /// Whether the browser that confirms is logged in.
    pub login_after_confirm: bool,
    /// Whether the browser that resets is logged in.
    pub login_after_reset: bool,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            confirm_within: Span::from_seconds(2 * DAY),
            reset_within: Span::from_seconds(HOUR),
            login_after_confirm: false,
            login_after_reset: false,
        }
    }
}

/// `[throttle]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Throttle {
    /// Whether tries and mails are limited.
    pub enabled: bool,
    /// Wrong passwords for one name, and for one account by whatever name.
    pub name: Rate,
    /// Wrong passwords from a browser that the owner logged in with before.
    pub device: Rate,
    /// Wrong passwords from one network: an IPv4 address, or an IPv6 /64.
    pub network: Rate,
    /// Wrong passwords from one IPv6 /48.
    pub wide_network: Rate,
    /// Wrong passwords from everybody together.
    pub everybody: Rate,
    /// Requests from one network that may lead to a mail: register, resend, forgot.
    pub mail_network: Rate,
    /// The same from one IPv6 /48.
    pub mail_wide_network: Rate,
    /// The same from everybody together.
    pub mail_everybody: Rate,
    /// Mails of one purpose to one address that somebody asked for without being logged in.
    pub mail_address: Rate,
    /// Links that do not work, tried from one network.
    pub link_network: Rate,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            enabled: true,
            name: Rate::new(10, 15 * MINUTE),
            device: Rate::new(10, 5 * MINUTE),
            network: Rate::new(30, MINUTE),
            wide_network: Rate::new(120, 20),
            everybody: Rate::new(1000, 2),
            mail_network: Rate::new(20, 3 * MINUTE),
            mail_wide_network: Rate::new(60, MINUTE),
            mail_everybody: Rate::new(300, 10),
            mail_address: Rate::new(5, HOUR),
            link_network: Rate::new(60, 10),
        }
    }
}

/// `[audit]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// How long rows are kept.
    pub keep: Span,
}

impl Default for Audit {
    fn default() -> Self {
        Self { keep: Span::from_seconds(365 * DAY) }
    }
}

/// `[backup]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backups {
    /// Where snapshots are put; without it none are taken.
    pub directory: Option<PathBuf>,
    /// How often one is taken.
    pub every: Span,
    /// How many are kept.
    pub keep: usize,
}

impl Default for Backups {
    fn default() -> Self {
        Self { directory: None, every: Span::from_seconds(DAY), keep: 7 }
    }
}

/// `[metrics]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Addresses on which `/metrics` is served in clear, to whoever asks; none by default.
    pub listen: Vec<SocketAddr>,
}

/// How log lines are written.
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
    /// How lines are written.
    pub format: LogFormat,
}

/// `[proxy]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Proxy {
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted: Vec<IpNet>,
}

/// `[session]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// How long an unused session lives, with "remember me".
    pub idle: Span,
    /// How long a session lives at most, with "remember me".
    pub absolute: Span,
    /// How long a session lives at most without it; its cookie dies with the browser.
    pub browser: Span,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            idle: Span::from_seconds(7 * DAY),
            absolute: Span::from_seconds(30 * DAY),
            browser: Span::from_seconds(DAY),
        }
    }
}

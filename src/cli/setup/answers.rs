//! Answers given to set-up beforehand: as flags, or in a file with the same names.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::cli::Exit;
use crate::config;

/// The answers that must be one of some words.
const WORDS: &[(&str, &[&str])] = &[
    ("tls", &["acme", "files", "self-signed", "off"]),
    ("registration", &["open", "approval", "invite", "closed"]),
    ("smtp-security", &["starttls", "tls", "none"]),
];

/// Every question can be answered here; the rest is asked for on the terminal.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Answers {
    /// Where people reach the site, like <https://auth.example.org>.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// What the site is called on pages and in mails.
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// Where the certificate comes from: acme, files, self-signed, or off behind a proxy.
    #[arg(long, value_name = "MODE")]
    pub tls: Option<String>,
    /// Who may register: open (everybody), approval (an administrator decides), invite (whoever was invited) or closed
    /// (nobody); without an answer invite, or open where only the own network reaches the site.
    #[arg(long, value_name = "WHO")]
    pub registration: Option<String>,
    /// With --tls files: the certificate with its chain, PEM.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<String>,
    /// With --tls files: its private key, PEM.
    #[arg(long, value_name = "FILE")]
    pub private_key: Option<String>,
    /// With --tls acme: where the authority writes when something is wrong.
    #[arg(long, value_name = "ADDRESS")]
    pub acme_contact: Option<String>,
    /// With --tls acme: another authority's directory than Let's Encrypt's.
    #[arg(long, value_name = "URL")]
    pub acme_directory: Option<String>,
    /// With --tls acme: a private CA's certificate, trusted for the directory.
    #[arg(long, value_name = "FILE")]
    pub acme_ca_file: Option<String>,
    /// Where to listen for HTTPS; without an answer the URL's port, or 443, of every address.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub https: Option<String>,
    /// Where to listen for plain HTTP; without an answer port 80 of every address, nowhere if the URL names a port, or
    /// 127.0.0.1:8080 with --tls off.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub http: Option<String>,
    /// With --tls off: the proxy's network, like 127.0.0.1/32.
    #[arg(long, value_name = "NETWORK")]
    pub proxy: Option<String>,
    /// The mail server's name; "none" keeps mails as files, for trying things out.
    #[arg(long, value_name = "HOST")]
    pub smtp_host: Option<String>,
    /// Its port [default: 587].
    #[arg(long, value_name = "N")]
    pub smtp_port: Option<String>,
    /// How the connection to it is encrypted: starttls, tls or none.
    #[arg(long, value_name = "HOW")]
    pub smtp_security: Option<String>,
    /// The user name at the mail server; "none" if it asks for none.
    #[arg(long, value_name = "NAME")]
    pub smtp_username: Option<String>,
    /// The file with the password for it: its first line.
    #[arg(long, value_name = "FILE")]
    pub smtp_password_file: Option<String>,
    /// A private CA's certificate, trusted for the mail server.
    #[arg(long, value_name = "FILE")]
    pub smtp_ca_file: Option<String>,
    /// Whom mails come from, like "Hill Street <auth@example.org>".
    #[arg(long, value_name = "SENDER")]
    pub sender: Option<String>,
    /// The first administrator's address; "none" for a link that is printed at the first start.
    #[arg(long, value_name = "ADDRESS")]
    pub admin: Option<String>,
    /// The file with the first administrator's password: its first line.
    #[arg(long, value_name = "FILE")]
    pub admin_password_file: Option<String>,
    /// Where a test mail is sent; "none" for nowhere.
    #[arg(long, value_name = "ADDRESS")]
    pub test_mail: Option<String>,
    /// The folder of the store [default: /var/lib/gatelodge].
    #[arg(long, value_name = "DIR")]
    pub state: Option<String>,
}

impl Answers {
    /// Adds answers from a file where there is no flag.
    pub(super) fn completed_by(self, path: &Path) -> Result<Self, Exit> {
        let as_members = |answers: &Self| serde_json::to_value(answers).map_err(Exit::failed);
        let (mut all, flags) = (as_members(&Self::default())?, as_members(&self)?);
        let known: Vec<&str> =
            flags.as_object().into_iter().flat_map(|members| members.keys().map(String::as_str)).collect();
        for (name, value) in config::read_texts(path, &known, WORDS)? {
            all[name] = value.into();
        }
        for (name, value) in flags.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            all[name] = value.clone();
        }
        serde_json::from_value(all).map_err(Exit::failed)
    }
}

/// Reads the first line of a file with a secret.
pub(super) fn first_line(path: &Path) -> Result<String, String> {
    config::read_first_line(path).map_err(|fault| format!("{}: {fault}", path.display()))
}

/// Makes a path of an answer, if there is one.
pub(super) fn path(text: Option<&String>) -> Option<PathBuf> {
    text.map(PathBuf::from)
}

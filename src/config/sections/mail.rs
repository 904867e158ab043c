//! `[mail]`: how mails leave.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

use crate::config::Sender;

/// The way by which mails leave.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailTransport {
    /// To a mail server, by SMTP.
    #[default]
    Smtp,
    /// Into a folder, one `.eml` each.
    File,
}

/// `[mail]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The sender of mails.
    pub from: Sender,
    /// The way by which they leave.
    #[serde(default)]
    pub transport: MailTransport,
    /// The folder that they go to with `transport = "file"`.
    #[serde(default = "default_mail_directory")]
    pub directory: PathBuf,
    /// Whether administrators are mailed what needs them, once a day at most.
    #[serde(default = "is_on")]
    pub admin_digest: bool,
    /// The mail server with `transport = "smtp"`.
    #[serde(default)]
    pub smtp: Smtp,
}

const fn is_on() -> bool {
    true
}

fn default_mail_directory() -> PathBuf {
    "/var/lib/gatelodge/mail".into()
}

/// The encryption of the connection to the mail server. Never "if it happens to offer it".
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
    /// The encryption of the connection.
    pub security: Security,
    /// The user name to authenticate with, if the server wants one.
    #[serde(deserialize_with = "unless_blank")]
    pub username: Option<String>,
    /// The file with the password: its first line.
    #[serde(deserialize_with = "unless_blank")]
    pub password_file: Option<PathBuf>,
    /// A private CA's certificate, or the server's own, trusted for this server alone.
    #[serde(deserialize_with = "unless_blank")]
    pub ca_file: Option<PathBuf>,
    /// Allows `security = "none"` to a server that is not on loopback.
    pub allow_plaintext: bool,
}

/// Treats a blank value as not set: people empty what they do not need as well as delete it.
fn unless_blank<'de, D: Deserializer<'de>, T: From<String>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.trim().is_empty()).map(T::from))
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

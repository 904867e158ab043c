//! The configuration file as types. What is wrong in it is reported with its place and what to write instead.

mod accent;
mod access_notes;
mod addresses;
mod contact;
mod cookie_domain;
mod document;
mod doubtful;
mod draft;
mod error;
mod exposure;
mod front_end;
mod host_name;
mod https_url;
mod in_force;
mod mail_domain;
mod paths;
mod portal_url;
mod public_suffixes;
mod rate;
mod reread;
mod reserved;
mod rules;
mod secret_file;
mod sections;
mod sender;
mod site_link;
mod site_url;
mod span;
mod syntax;
mod target_url;
mod text_file;
mod texts;
mod tree;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use accent::Accent;
pub use contact::Contact;
pub use cookie_domain::CookieDomain;
pub use draft::Draft;
pub use error::ConfigError;
use error::Fault;
pub use exposure::notes;
pub use front_end::FrontEndUrl;
pub use host_name::HostName;
pub use https_url::HttpsUrl;
pub use mail_domain::MailDomain;
pub use portal_url::PortalUrl;
pub use rate::Rate;
pub use reread::Reread;
pub use secret_file::{is_open_to_everybody, warn_if_open};
pub use sections::{
    Access, AccessAlias, AccessDomain, Acme, Audit, Backups, EngineKind, HookEvent, Listen, Log, LogFormat, LogIns,
    LoginNotices, Mail, MailTransport, Metrics, Passwords, Proxy, Registration, RegistrationMode, RuleSettings,
    SecondFactors, Security, Sessions, Site, Sms, SmsMethod, Smtp, Spa, StoreSettings, Throttle, Tls, TlsMode, Tokens,
    UsernameRule, Webhook,
};
pub use sender::Sender;
pub use site_link::SiteLink;
pub use site_url::SiteUrl;
pub use span::Span;
pub use target_url::TargetUrl;
pub use text_file::{Unreadable, read_bytes, read_first_line, read_text, text_of};
pub use texts::read_texts;
pub use words::without_secrets;

/// Everything that an administrator decides. Every key has its default in its section, except
/// `site.url` and `mail.from`, which nobody can guess.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The name of the site, and where it is reached.
    pub site: Site,
    /// The addresses where connections are accepted.
    #[serde(default)]
    pub listen: Listen,
    /// The encryption of connections.
    #[serde(default)]
    pub tls: Tls,
    /// The store.
    #[serde(default)]
    pub store: StoreSettings,
    /// The sending of mails.
    pub mail: Mail,
    /// Who may register.
    #[serde(default)]
    pub registration: Registration,
    /// The rules for passwords, and the cost of hashing them.
    #[serde(default)]
    pub password: Passwords,
    /// The identities that people log in with.
    #[serde(default)]
    pub login: LogIns,
    /// The lifetime of mailed links, and what they do.
    #[serde(default)]
    pub tokens: Tokens,
    /// The rate limits.
    #[serde(default)]
    pub throttle: Throttle,
    /// The retention of the audit log.
    #[serde(default)]
    pub audit: Audit,
    /// Scheduled snapshots.
    #[serde(default)]
    pub backup: Backups,
    /// The log.
    #[serde(default)]
    pub log: Log,
    /// The addresses where monitoring reads.
    #[serde(default)]
    pub metrics: Metrics,
    /// The proxies in front.
    #[serde(default)]
    pub proxy: Proxy,
    /// Other applications, and who may use them.
    #[serde(default)]
    pub access: Access,
    /// The lifetime of sessions.
    #[serde(default)]
    pub session: Sessions,
    /// Front ends with pages of their own.
    #[serde(default)]
    pub spa: Spa,
    /// The sending of text messages.
    #[serde(default)]
    pub sms: Sms,
    /// The webhooks, by name.
    #[serde(default)]
    pub webhooks: BTreeMap<String, Webhook>,
    /// The second factors.
    #[serde(default)]
    pub second_factor: SecondFactors,
}

impl Config {
    /// The path where packages put the file.
    pub const DEFAULT_PATH: &str = "/etc/gatelodge/gatelodge.toml";

    /// How long a login that was not the owner's, or a change of address, can be undone.
    pub const TAKE_BACK_WITHIN: Span = Span::from_seconds(7 * crate::base::DAY);

    /// Whether nobody may choose this user name. Administrators may give it to
    /// somebody, and whoever has it already keeps it.
    #[must_use]
    pub fn reserves(&self, name: &crate::base::Username) -> bool {
        self.registration.reserves(name, &self.site.name) || self.login.takes_otherwise(name)
    }

    /// Reads and checks the file. Secrets that a service manager keeps for us are found in the folder `credentials`
    /// (`LoadCredential=` in systemd.exec(5)), where the file names no others.
    ///
    /// # Errors
    /// When it cannot be read, or anything in it is wrong.
    pub fn read(path: &Path, credentials: Option<&Path>) -> Result<Self, ConfigError> {
        Draft::read(path, credentials).finish()
    }

    /// Checks the content of a file; `path` is named in messages, and paths in the text are relative to its folder.
    ///
    /// # Errors
    /// When anything in it is wrong.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        Draft::of(text.to_owned(), path, None).finish()
    }

    /// Takes secrets from the credentials of the service manager where the file names none. A blank one does not count:
    /// units give a blank one by default, so that the file may be missing.
    pub(super) fn take_credentials(&mut self, folder: &Path) {
        let credential = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).is_ok_and(|content| !content.trim_ascii().is_empty()).then_some(path)
        };
        let smtp = &mut self.mail.smtp;
        if smtp.username.is_some() && smtp.password_file.is_none() {
            smtp.password_file = credential("smtp-password");
        }
        self.sms.credentials_file = self.sms.credentials_file.take().or_else(|| credential("sms"));
        for (name, hook) in &mut self.webhooks {
            hook.secret_file = hook.secret_file.take().or_else(|| credential(&format!("webhook-{name}")));
        }
        if self.store.key_file.is_none() {
            self.store.key_file = credential("sealing-key");
        }
    }

    /// Returns the file that holds the sealing key: as configured, or else `sealing-key` beside the store.
    #[must_use]
    pub fn sealing_key_path(&self) -> PathBuf {
        self.store.key_file.clone().unwrap_or_else(|| self.store.path.with_file_name("sealing-key"))
    }

    /// Lists the files that hold secrets, and what they are: nobody but the service should read them.
    #[must_use]
    pub fn secret_files(&self) -> Vec<(&'static str, PathBuf)> {
        let mut files = self.secrets_of_others();
        files.push(("the sealing key", self.sealing_key_path()));
        files.extend(self.tls.private_key.clone().map(|path| ("the certificate's private key", path)));
        files
    }

    /// Lists those that authenticate us to other servers.
    #[must_use]
    pub fn secrets_of_others(&self) -> Vec<(&'static str, PathBuf)> {
        let named = [
            ("the mail server's password", &self.mail.smtp.password_file),
            ("the gateway's credentials", &self.sms.credentials_file),
        ];
        let hooks = self.webhooks.values().map(|hook| ("a webhook's secret", &hook.secret_file));
        named.into_iter().chain(hooks).filter_map(|(what, path)| path.clone().map(|path| (what, path))).collect()
    }

    /// Returns the seconds until the longest-lived mailed token expires; a signing key verifies as long.
    #[must_use]
    pub fn longest_token_lifetime(&self) -> crate::base::Seconds {
        self.tokens
            .confirm_within
            .seconds()
            .max(self.tokens.reset_within.seconds())
            .max(Self::TAKE_BACK_WITHIN.seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_where_the_file_names_no_others_and_they_are_not_blank() {
        let folder = std::env::temp_dir().join(format!("gatelodge-credentials-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join("smtp-password"), "secret").expect("written");
        std::fs::write(folder.join("sealing-key"), "\n").expect("written");
        let read = |more: &str| {
            let text = format!(
                "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"auth@example.org\"\n[mail.smtp]\nhost = \"smtp.example.org\"\n{more}"
            );
            Draft::of(text, Path::new("a.toml"), Some(&folder)).finish()
        };
        let config = read("username = \"auth\"").expect("the credential goes with the name");
        assert_eq!(config.mail.smtp.password_file, Some(folder.join("smtp-password")));
        assert_eq!(config.store.key_file, None, "a blank credential is none");
        let named = read("username = \"auth\"\npassword_file = \"/etc/other\"").expect("valid");
        assert_eq!(named.mail.smtp.password_file, Some("/etc/other".into()));
        assert_eq!(read("").expect("valid").mail.smtp.password_file, None, "nobody logs in to this server");
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}

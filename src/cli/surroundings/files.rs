//! Certificates, keys and secrets.

use std::path::Path;

use crate::config::{MailTransport, Security, TlsMode, Unreadable, is_open_to_everybody, read_first_line, read_text};
use crate::courier::try_credentials;
use crate::store::read_key;
use crate::tls;
use crate::tls::client::Connector;
use crate::webhooks::Signer;

use super::Look;

impl Look<'_> {
    pub(super) fn certificate(&mut self) {
        let tls = &self.config.tls;
        let (Some(certificate), Some(key)) = (&tls.certificate, &tls.private_key) else { return };
        let settings = ["tls.mode", "tls.certificate", "tls.private_key"];
        if tls.mode != TlsMode::Files || !self.is_clear(&settings) {
            return;
        }
        let host = self.config.site.url.host();
        match tls::try_files(certificate, key, host, self.now) {
            Ok(doubts) => self.seen.certificate = doubts,
            Err(errors) => {
                if errors.iter().any(tls::TlsError::is_forbidden) {
                    self.seen.certificate = tls::try_certificate(certificate, host, self.now).unwrap_or_default();
                }
                for error in errors {
                    let (setting, message, hint) = error.blame();
                    if error.is_forbidden() && self.eyes.are_a_guests() {
                        self.seen.unseen.push(format!("{setting}: {message}"));
                    } else {
                        self.draft.blame(setting, message, hint);
                    }
                }
            }
        }
        self.doubt_if_open(key, "the certificate's private key");
        if !self.is_clear(&["site.url"]) {
            // The name is not known that it should be for.
            self.seen.certificate.clear();
        }
    }

    /// Warns about a secret that others can read. A process that serves warns where it reads the secret.
    fn doubt_if_open(&mut self, path: &Path, what: &str) {
        if self.eyes.are_a_guests() && is_open_to_everybody(path) {
            let path = path.display();
            self.seen
                .doubts
                .push(format!("{path}: {what} can be read by every user of this machine; chmod 600 {path}"));
        }
    }

    pub(super) fn sealing_key(&mut self) {
        if !self.is_clear(&["store.path", "store.key_file"]) {
            return;
        }
        let path = self.config.sealing_key_path();
        let is_named = self.config.store.key_file.is_some();
        if let Err(fault) = read_text(&path) {
            // It is created at the first start, and a store that lacks its key says so itself.
            if !fault.is_missing && (is_named || !fault.is_forbidden || self.eyes.are_a_guests()) {
                self.blame("store.key_file", &path, fault);
            }
        } else if read_key(&path).is_err() {
            let fault = Unreadable::saying(
                "not a sealing key",
                "it is one line of 64 hexadecimal digits: put the key that belongs to the store in its place",
            );
            self.blame("store.key_file", &path, fault);
        }
        self.doubt_if_open(&path, "the sealing key");
    }

    pub(super) fn mail_server(&mut self) {
        let smtp = &self.config.mail.smtp;
        if self.config.mail.transport != MailTransport::Smtp || !self.is_clear(&["mail.transport"]) {
            return;
        }
        if let Some(path) = &smtp.ca_file {
            self.authorities("mail.smtp.ca_file", path);
            if smtp.security == Security::None && self.is_clear(&["mail.smtp.security"]) {
                self.seen.doubts.push("mail.smtp.ca_file: is not used with security = \"none\"".into());
            }
        }
        if let Some(path) = &smtp.password_file {
            self.take("mail.smtp.password_file", path, read_first_line(path));
            self.doubt_if_open(path, "the mail server's password");
        } else if smtp.username.is_some() && self.is_clear(&["mail.smtp"]) {
            self.blame_missing_password();
        }
    }

    fn blame_missing_password(&mut self) {
        let credentials = self.draft.credentials();
        let is_hidden = credentials.is_some_and(|folder| {
            matches!(std::fs::read_dir(folder), Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied)
        });
        if is_hidden && self.eyes.are_a_guests() {
            self.seen.unseen.push("mail.smtp.username: whether there is a password among the credentials".into());
        } else {
            let hint = "set password_file, or give the service the credential smtp-password";
            self.draft.blame("mail.smtp.username", "there is no password for this user", Some(hint.into()));
        }
    }

    pub(super) fn authority(&mut self) {
        let acme = &self.config.tls.acme;
        if let Some(path) = acme.ca_file.as_ref().filter(|_| self.config.tls.mode == TlsMode::Acme) {
            self.authorities("tls.acme.ca_file", path);
        }
    }

    pub(super) fn gateway(&mut self) {
        let sms = &self.config.sms;
        if sms.url.is_none() {
            return;
        }
        if let Some(path) = &sms.credentials_file
            && self.take("sms.credentials_file", path, try_credentials(path)).is_some()
        {
            self.doubt_if_open(path, "the gateway's credentials");
        }
        if let Some(path) = &sms.ca_file {
            self.authorities("sms.ca_file", path);
        }
    }

    pub(super) fn webhooks(&mut self) {
        for (name, hook) in &self.config.webhooks {
            let key = |key: &str| format!("webhooks.{name}.{key}");
            match &hook.secret_file {
                Some(path) => {
                    let signer = read_text(path).and_then(|text| {
                        Signer::parse(&text).map_err(|fault| {
                            Unreadable::saying(fault.in_words(), "the secret is the first line of the file")
                        })
                    });
                    if self.take(&key("secret_file"), path, signer).is_some() {
                        self.doubt_if_open(path, "a webhook's secret");
                    }
                }
                None if self.is_clear(&["webhooks"]) => {
                    let said = format!("webhooks.{name} has no secret, so it is told nothing: set secret_file");
                    self.seen.doubts.push(said);
                }
                None => {}
            }
            if let Some(path) = &hook.ca_file {
                self.authorities(&key("ca_file"), path);
            }
        }
    }

    /// Checks a file of trusted certificates.
    fn authorities(&mut self, key: &str, path: &Path) {
        let Some(doubts) = self.take(key, path, tls::try_authorities(path, self.now)) else { return };
        self.seen.doubts.extend(doubts.into_iter().map(|doubt| format!("{key}: {doubt}")));
        // Read as it will be; which server is named does not matter here.
        if let Err(error) = Connector::new("localhost", Some(path), self.now) {
            self.draft.blame(key, error.to_string(), None);
        }
    }
}

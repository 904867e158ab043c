//! The decisions, and the configuration that they make.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use crate::base::EmailAddress;
use crate::config::{HttpsUrl, RegistrationMode, Security, Sender, SiteUrl, Smtp};

/// The folder of the store in the package.
pub(super) const STATE: &str = "/var/lib/gatelodge";

/// The decisions that cannot be made without asking.
pub(super) struct Plan {
    pub url: SiteUrl,
    pub name: String,
    pub tls: TlsPlan,
    pub mail: MailPlan,
    pub sender: Sender,
    pub registration: RegistrationMode,
    pub state: PathBuf,
}

/// The source of the certificate, and the addresses to listen on.
pub(super) enum TlsPlan {
    Acme { contact: Option<EmailAddress>, directory: Option<HttpsUrl>, ca_file: Option<PathBuf>, listen: Listen },
    Files { certificate: PathBuf, private_key: PathBuf, listen: Listen },
    SelfSigned { listen: Listen },
    Off { http: SocketAddr, proxy: IpNet },
}

/// The addresses for HTTPS and for the redirect to it.
#[derive(Clone, Copy)]
pub(super) struct Listen {
    pub https: SocketAddr,
    pub http: Option<SocketAddr>,
}

/// The transport of mails.
#[derive(Clone)]
pub(super) enum MailPlan {
    Files,
    /// With a user but without a password file, the service gets the password as a credential.
    Smtp(Smtp),
}

/// Quotes a string for TOML, which knows the escapes of JSON.
fn quoted(text: &impl ToString) -> String {
    serde_json::Value::String(text.to_string()).to_string()
}

/// Makes a path absolute: it was typed in one folder, and is read in another.
fn path(path: &Path) -> String {
    quoted(&std::path::absolute(path).as_deref().unwrap_or(path).display())
}

impl Plan {
    /// Returns the whole file, with comments for its next reader.
    pub(super) fn text(&self) -> String {
        let mut text = String::from(
            "# Gatelodge's settings, written by `gatelodge setup`. Change what you like: `gatelodge check` says what is wrong, and\n\
             # `systemctl reload gatelodge` takes it. Every other key there is, with its default: example.toml.\n\n",
        );
        let mut line = |line: &str| text.extend([line, "\n"]);
        line("[site]");
        line("# Shown on pages and in mails.");
        line(&format!("name = {}", quoted(&self.name)));
        line("# Where people reach the site: the only source of links in mails.");
        line(&format!("url = {}", quoted(&self.url)));
        line("");
        self.tls.write(&self.control(), &mut line);
        line("[store]");
        line(
            "# Everything is in this one file; the key beside it is needed to read it. Back up both, apart from each other.",
        );
        line(&format!("path = {}", path(&self.state.join("gatelodge.redb"))));
        line("");
        line("[mail]");
        line("# Whom mails come from. The mail server must accept it as a sender.");
        line(&format!("from = {}", quoted(&String::from(self.sender.clone()))));
        self.mail.write(&self.state, &mut line);
        line("");
        line("[registration]");
        line(
            "# Who may register: \"open\" (everybody), \"approval\" (an administrator decides), \"invite\" (whoever was invited, see",
        );
        line("# `gatelodge invite add`) or \"closed\" (nobody: `gatelodge user add`).");
        line(&format!("mode = \"{}\"", self.registration.as_str()));
        text
    }
}

impl Plan {
    /// Returns the path of the control socket: in the folder made by the package's units, or beside a store that is
    /// elsewhere.
    fn control(&self) -> PathBuf {
        let folder = if self.state == Path::new(STATE) { "/run/gatelodge".as_ref() } else { &*self.state };
        folder.join("control.sock")
    }
}

impl TlsPlan {
    fn write(&self, control: &Path, line: &mut impl FnMut(&str)) {
        line("[listen]");
        line("# The command line reaches the running server here.");
        line(&format!("control = {}", path(control)));
        line("# With systemd these are opened by gatelodge.socket; change them there too.");
        let listen = match self {
            Self::Acme { listen, .. } | Self::Files { listen, .. } | Self::SelfSigned { listen } => Some(listen),
            Self::Off { .. } => None,
        };
        if let Some(Listen { https, http }) = listen {
            line(&format!("https = [{}]", quoted(https)));
            if let Some(http) = http {
                line("# Redirects to HTTPS, and nothing else.");
                line(&format!("http = [{}]", quoted(http)));
            }
        }
        if let Self::Off { http, .. } = self {
            line("https = []");
            line(&format!("http = [{}]", quoted(http)));
        }
        line("");
        line("[tls]");
        match self {
            Self::Acme { contact, directory, ca_file, .. } => {
                line("# From a certificate authority, renewed by Gatelodge.");
                line("mode = \"acme\"");
                line("");
                line("[tls.acme]");
                if let Some(directory) = directory {
                    line(&format!("directory = {}", quoted(directory)));
                }
                if let Some(contact) = contact {
                    line("# Where the authority writes when something is wrong.");
                    line(&format!("contact = {}", quoted(contact)));
                }
                if let Some(ca_file) = ca_file {
                    line(&format!("ca_file = {}", path(ca_file)));
                }
            }
            Self::Files { certificate, private_key, .. } => {
                line("# From these files, which are read again when they change.");
                line("mode = \"files\"");
                line(&format!("certificate = {}", path(certificate)));
                line(&format!("private_key = {}", path(private_key)));
            }
            Self::SelfSigned { .. } => {
                line("# Made and renewed by Gatelodge; browsers ask before they trust it.");
                line("mode = \"self-signed\"");
            }
            Self::Off { proxy, .. } => {
                line("# A proxy in front terminates TLS.");
                line("mode = \"off\"");
                line("");
                line("[proxy]");
                line("# Whose X-Forwarded-For is believed: the proxy's network, and no wider.");
                line(&format!("trusted = [{}]", quoted(proxy)));
            }
        }
        line("");
    }
}

impl MailPlan {
    fn write(&self, state: &Path, line: &mut impl FnMut(&str)) {
        match self {
            Self::Files => {
                line(
                    "# Mails are kept as files: nobody gets one. For a mail server: transport = \"smtp\" and [mail.smtp].",
                );
                line("transport = \"file\"");
                line(&format!("directory = {}", path(&state.join("mail"))));
            }
            Self::Smtp(smtp) => {
                line("");
                line("[mail.smtp]");
                line(&format!("host = {}", quoted(&smtp.host)));
                line(&format!("port = {}", smtp.port));
                let security = match smtp.security {
                    Security::Tls => "tls",
                    Security::Starttls => "starttls",
                    Security::None => "none",
                };
                line(&format!("security = \"{security}\""));
                if let Some(username) = &smtp.username {
                    line(&format!("username = {}", quoted(username)));
                    match &smtp.password_file {
                        Some(file) => line(&format!("password_file = {}", path(file))),
                        None => line(
                            "# The password is in credentials/smtp-password; systemd gives it to the courier alone.",
                        ),
                    }
                }
                if let Some(ca_file) = &smtp.ca_file {
                    line(&format!("ca_file = {}", path(ca_file)));
                }
            }
        }
    }
}

/// Shows the plan before anything is written.
impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in self.text().lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            f.write_str("  ")?;
            f.write_str(line)?;
            f.write_char('\n')?;
        }
        Ok(())
    }
}

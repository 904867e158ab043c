//! What a mail server's refusal means, in words that say what to do.

use std::error::Error as _;
use std::io;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Severity;

use crate::config::{Security, Smtp};
use crate::tls::client::Trouble;

use super::Outcome;
use super::dialogue::ConnectError;

/// What came back from a server, whoever heard it.
pub struct Heard {
    code: Option<u16>,
    /// The error and its causes on one line, without line breaks a server may have sent.
    said: String,
    io: Option<io::ErrorKind>,
    is_timeout: bool,
    trouble: Option<Trouble>,
}

impl From<&Error> for Heard {
    fn from(error: &Error) -> Self {
        Self {
            code: code(error),
            said: chain(error),
            io: io_error(error).map(io::Error::kind),
            is_timeout: error.is_timeout(),
            trouble: None,
        }
    }
}

impl From<&ConnectError> for Heard {
    fn from(error: &ConnectError) -> Self {
        let io = match error {
            ConnectError::Io(error) | ConnectError::Tls(error) => Some(error.kind()),
            _ => None,
        };
        let code = match error {
            ConnectError::Refused(code, _) => Some(*code),
            _ => None,
        };
        let trouble = match error {
            ConnectError::Tls(error) => Some(Trouble::of(error)),
            _ => None,
        };
        Self { code, said: chain(error), io, is_timeout: io == Some(io::ErrorKind::TimedOut), trouble }
    }
}

/// Whether trying a mail again can help that the server refused, or its recipient; and why it was refused.
pub fn outcome(heard: &Heard, settings: &Smtp) -> Outcome {
    let reason = in_words(heard, settings);
    if heard.is_permanent() && !heard.is_about_us() && !heard.may_pass() {
        Outcome::Never(reason)
    } else {
        Outcome::Later(reason)
    }
}

impl Heard {
    fn is_permanent(&self) -> bool {
        self.code.is_some_and(|code| code >= 500)
    }

    /// Codes by which a server refuses us and not the mail: authentication, and services it does not offer (RFC 4954, RFC 5321).
    fn is_about_us(&self) -> bool {
        matches!(self.code, Some(502..=504 | 530 | 534 | 535 | 538))
    }

    /// A mailbox that is full may be emptied: 552, or the enhanced code 5.2.2 (RFC 3463).
    fn may_pass(&self) -> bool {
        self.code == Some(552) || self.said.contains("5.2.2")
    }
}

/// What it means that a server says nothing.
pub fn silence(settings: &Smtp) -> String {
    let at = format!("{}:{}", settings.host, settings.port);
    match settings.security {
        Security::Starttls | Security::None => {
            format!(
                "{at} said nothing in time: if it speaks TLS from the first byte, write security = \"tls\" (usually port 465); else a firewall may be in the way"
            )
        }
        Security::Tls => format!("{at} said nothing in time: a firewall may be in the way"),
    }
}

fn code(error: &Error) -> Option<u16> {
    let code = error.status()?;
    let severity = match code.severity {
        Severity::PositiveCompletion => 2,
        Severity::PositiveIntermediate => 3,
        Severity::TransientNegativeCompletion => 4,
        Severity::PermanentNegativeCompletion => 5,
    };
    code.to_string().parse().ok().or(Some(severity * 100))
}

/// What went wrong, and what to do about it.
pub fn in_words(heard: &Heard, settings: &Smtp) -> String {
    let said = heard.said.as_str();
    let at = format!("{}:{}", settings.host, settings.port);
    if let Some(trouble) = &heard.trouble {
        return format!("{} ({said})", about_tls(trouble, &at, settings));
    }
    let advice = match (heard.code, heard.io) {
        (Some(535 | 534), _) => "the server refused the credentials: check mail.smtp.username and the password in password_file".into(),
        (Some(530), _) => "the server wants credentials (or encryption) first: set mail.smtp.username and password_file, and security = \"starttls\" or \"tls\"".into(),
        (Some(502..=504), _) => "the server does not offer what was asked of it, most often authentication: it may want encryption first".into(),
        (Some(550 | 551 | 553 | 554), _) => "the server refused the sender or the recipient: it must accept mail.from as a sender, and relay for you".into(),
        (Some(_), _) => "the server refused".into(),
        _ if said.contains("No compatible authentication") => {
            format!("{at} offers no way to log in that we know; it may offer one only after encryption: security = \"starttls\" or \"tls\"")
        }
        _ if said.contains("STARTTLS") => format!("{at} does not offer STARTTLS: for TLS from the first byte write security = \"tls\" (usually port 465)"),
        _ if said.contains("lookup") || said.contains("resolve") || said.contains("Name or service") => {
            format!("the name {} is not known: check mail.smtp.host and this machine's DNS", settings.host)
        }
        (_, Some(io::ErrorKind::ConnectionRefused)) => format!("nothing listens at {at}: check mail.smtp.host and port"),
        _ if heard.is_timeout || heard.io == Some(io::ErrorKind::TimedOut) => silence(settings),
        _ if settings.security != Security::Tls && said.contains("incomplete response") => {
            format!("{at} ended the connection without a greeting: if it speaks TLS from the first byte, write security = \"tls\" (usually port 465)")
        }
        _ if settings.security != Security::Tls && settings.port == 465 => {
            format!("{at} did not greet as a mail server does: port 465 usually wants security = \"tls\"")
        }
        _ => format!("the connection to {at} failed"),
    };
    format!("{advice} ({said})")
}

fn about_tls(trouble: &Trouble, at: &str, settings: &Smtp) -> String {
    let words = trouble.in_words(at, &settings.host, ("mail.smtp.ca_file", settings.ca_file.is_some()));
    match trouble {
        Trouble::ClearText => {
            format!("{words}: it wants security = \"starttls\" (usually port 587), or port 465 for security = \"tls\"")
        }
        _ => words,
    }
}

/// The error and its causes on one line, without line breaks a server may have sent.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = inner.source();
    }
    said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect()
}

fn io_error<'a>(error: &'a Error) -> Option<&'a io::Error> {
    let mut cause: Option<&'a (dyn std::error::Error + 'static)> = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return Some(io);
        }
        cause = inner.source();
    }
    None
}

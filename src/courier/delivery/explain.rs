//! Explains why a mail server did not take a mail, in words that say what to do.

use std::io;
use std::time::Duration;

use lettre::transport::smtp::extension::ClientId;

use crate::config::{Security, Smtp};
use crate::tls::client::Trouble;

use super::super::CallOptions;
use super::Outcome;
use super::answer::{Answer, readable};
use super::dialogue::{Failure, Step, Why};

/// The most characters of a server's answer that are shown.
const MAX_SHOWN: usize = 400;

/// The mail server, and the terms of the dialogue.
pub(super) struct Peer<'a> {
    /// The settings.
    pub settings: &'a Smtp,
    /// Our name at EHLO; `None` for our address.
    pub name: Option<&'a ClientId>,
    /// The time for an attempt.
    pub timeout: Duration,
}

/// Decides whether trying a mail again can help, and says why it was not taken.
pub(super) fn outcome(failure: &Failure, peer: &Peer<'_>) -> Outcome {
    let reason = peer.in_words(failure);
    if is_final(failure) { Outcome::Never(reason) } else { Outcome::Later(reason) }
}

/// Whether to give the mail up. A permanent refusal concerns the mail only once the mail is spoken of; before that it
/// concerns us, and that can be mended.
fn is_final(failure: &Failure) -> bool {
    match (&failure.why, failure.step) {
        (Why::BeyondAscii, _) => true,
        (Why::Answered(answer), Step::Recipient | Step::Data | Step::Content) => {
            answer.is_permanent() && !is_about_us(answer) && !is_full(answer)
        }
        _ => false,
    }
}

/// Whether a server refuses us and not the mail: authentication, and services that it does not offer (RFC 4954, RFC
/// 5321).
fn is_about_us(answer: &Answer) -> bool {
    matches!(answer.code, 502..=504 | 530 | 534 | 535 | 538)
}

/// Whether the mailbox is full: it may be emptied (RFC 5321, 4.2.3; RFC 3463, 3.3).
fn is_full(answer: &Answer) -> bool {
    answer.code == 552 || answer.enhanced() == Some("5.2.2")
}

impl Peer<'_> {
    fn at(&self) -> String {
        format!("{}:{}", self.settings.host, self.settings.port)
    }

    /// Returns what went wrong, what to do about it, and what was said.
    fn in_words(&self, failure: &Failure) -> String {
        let (advice, said) = match &failure.why {
            Why::Answered(answer) => (self.about_answer(failure.step, answer), answer.on_one_line()),
            Why::Silent(heard) => (self.about_silence(failure.step, heard), heard.clone()),
            Why::Closed => (self.about_end(failure.step), String::new()),
            Why::Garbled(line) => (self.about_noise(failure.step, line), line.clone()),
            Why::Io(error) => (self.about_connection(failure.step, error), readable(error.to_string().as_bytes())),
            Why::NoStarttls => (
                format!(
                    "{} does not offer STARTTLS: for TLS from the first byte write security = \"tls\" (usually port 465)",
                    self.at()
                ),
                String::new(),
            ),
            Why::NoWayIn(offered) => (self.about_ways_in(offered), offered.join(" ")),
            Why::BeyondAscii => (format!("{} takes no addresses with letters beyond ASCII", self.at()), String::new()),
        };
        let said: String = said.chars().take(MAX_SHOWN).collect();
        if said.is_empty() { advice } else { format!("{advice} ({said})") }
    }

    fn about_answer(&self, step: Step, answer: &Answer) -> String {
        match (step, answer.code) {
            (Step::LogIn, 534 | 535) => "the server refused the credentials: check mail.smtp.username and the password in password_file; some providers want a password made for programs".into(),
            (_, 530 | 538) if self.settings.username.is_some() => "the server wants encryption before credentials: write security = \"starttls\" or \"tls\"".into(),
            (_, 530 | 538) => "the server wants credentials (or encryption) first: set mail.smtp.username and password_file, and security = \"starttls\" or \"tls\"".into(),
            (_, 421) => "the server takes nothing now and ends the connection: it may be restarting, or busy, or have seen too many connections from here".into(),
            (Step::Greeting, 400..500) => "the server takes no mail now".into(),
            (Step::Greeting, _) => "the server does not speak with this machine: its address may be on a block list, or missing from those that the server serves".into(),
            (Step::Hello, 400..500) => "the server takes no mail now".into(),
            (Step::Hello, _) => self.about_name(),
            (Step::Starttls, _) => "the server offers STARTTLS, but cannot do it now: its certificate may be missing, and its log says why".into(),
            (Step::LogIn, 300..400) => "the server asks for more than a name and a password".into(),
            (Step::LogIn, 400..500) => "the server cannot check credentials now".into(),
            (Step::LogIn, 500..=504) => "the server does not let anybody log in, in none of the ways that it offers and we know: it may want encryption first, or no credentials at all (then leave mail.smtp.username out)".into(),
            (Step::LogIn, _) => "the server did not let us log in: check mail.smtp.username and the password in password_file".into(),
            (Step::Sender, 452 | 552) => "the server has no room for mail".into(),
            (Step::Sender, 400..500) => "the server takes no mail from mail.from now".into(),
            (Step::Sender, _) => "the server refused the sender: it must accept mail.from as a sender, most often an address of the account that logs in".into(),
            (Step::Recipient, _) => about_recipient(answer),
            (Step::Data, 400..500) => "the server does not take the mail now".into(),
            (Step::Data, 500..600) => "the server did not want the mail, now that it knew sender and recipient".into(),
            (Step::Data, code) => format!("the server answered DATA with {code}, where 354 asks for the mail"),
            (Step::Content, _) if is_full(answer) => "the recipient's mailbox is full, or the mail too large for it".into(),
            (Step::Content, 400..500) => "the server did not take the mail now".into(),
            (Step::Content, _) => "the server refused the mail itself: a filter did not like it, or the domain of mail.from (its SPF, DKIM or DMARC) does not allow this server to send for it".into(),
            (Step::Connection | Step::Handshake, _) => "the server refused".into(),
        }
    }

    fn about_name(&self) -> String {
        let name = self.name.map_or_else(|| "this machine's address".to_owned(), ToString::to_string);
        format!(
            "the server does not accept the name we give at EHLO, {name}: it may want a full name that the DNS knows. It is the host of site.url, or the domain of mail.from where the host has no dot"
        )
    }

    fn about_ways_in(&self, offered: &[String]) -> String {
        let at = self.at();
        match (offered, self.settings.security) {
            ([], Security::None) => format!(
                "{at} offers no way to log in; it may offer one only after encryption: security = \"starttls\" or \"tls\". Where it wants no credentials, leave mail.smtp.username out"
            ),
            ([], _) => format!(
                "{at} offers no way to log in: where it wants no credentials, leave mail.smtp.username out; else another port may be for those who log in (587, 465)"
            ),
            _ => format!(
                "{at} offers no way to log in that we know: that is PLAIN and LOGIN; allow one of them there, behind TLS"
            ),
        }
    }

    fn about_silence(&self, step: Step, heard: &str) -> String {
        let (at, waited) = (self.at(), in_time(self.timeout));
        let more = if self.timeout < CallOptions::TIMEOUT {
            format!(" Deliveries wait longer, {}.", in_time(CallOptions::TIMEOUT))
        } else {
            String::new()
        };
        if !heard.is_empty() {
            return format!("{at} began an answer to {} and did not end it in {waited}.{more}", step.name());
        }
        match (step, self.settings.security) {
            (Step::Connection, _) => format!(
                "{at} said nothing in time ({waited}): a firewall may be in the way, or mail.smtp.host and port are others.{more}"
            ),
            (Step::Greeting, Security::Starttls | Security::None) => format!(
                "{at} said nothing in time ({waited}): if it speaks TLS from the first byte, write security = \"tls\" (usually port 465); else a firewall may be in the way, or the server is slow.{more}"
            ),
            (Step::Handshake, Security::Tls) => format!(
                "{at} said nothing in time ({waited}): if it wants STARTTLS, write security = \"starttls\" (usually port 587); else a firewall may be in the way.{more}"
            ),
            _ => format!(
                "{at} did not answer {} in time ({waited}): it is slow or hangs; its log may say why.{more}",
                step.name()
            ),
        }
    }

    fn about_end(&self, step: Step) -> String {
        let at = self.at();
        match (step, self.settings.security) {
            (Step::Greeting, Security::Starttls | Security::None) => format!(
                "{at} ended the connection without a greeting: if it speaks TLS from the first byte, write security = \"tls\" (usually port 465); else it may not serve this machine's address"
            ),
            (Step::Greeting, Security::Tls) => {
                format!("{at} ended the connection without a greeting: it may not serve this machine's address")
            }
            _ => format!("{at} ended the connection in place of an answer to {}: its log may say why", step.name()),
        }
    }

    fn about_noise(&self, step: Step, line: &str) -> String {
        let at = self.at();
        let other = [
            ("HTTP/", "a web server"),
            ("+OK", "a POP server"),
            ("* OK", "an IMAP server"),
            ("* BYE", "an IMAP server"),
            ("SSH-", "an SSH server"),
        ];
        if let Some((_, what)) = other.iter().find(|(begins, _)| line.starts_with(begins)) {
            return format!(
                "{at} is {what}, no mail server that takes mail: check mail.smtp.host and port (587, 465 or 25)"
            );
        }
        match step {
            Step::Greeting if self.settings.security != Security::Tls && self.settings.port == 465 => {
                format!("{at} did not greet as a mail server does: port 465 usually wants security = \"tls\"")
            }
            Step::Greeting => format!("{at} did not greet as a mail server does: check mail.smtp.host and port"),
            _ => format!("{at} did not answer {} as a mail server does", step.name()),
        }
    }

    fn about_connection(&self, step: Step, error: &io::Error) -> String {
        use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, NotFound, TimedOut};
        let (at, host) = (self.at(), &self.settings.host);
        match (step, error.kind()) {
            (Step::Handshake, _) => self.about_tls(error),
            (Step::Connection, NotFound) => {
                format!("the name {host} is not known: check mail.smtp.host and this machine's DNS")
            }
            (Step::Connection, ConnectionRefused) => format!("nothing listens at {at}: check mail.smtp.host and port"),
            (Step::Connection, TimedOut) => self.about_silence(step, ""),
            (Step::Connection, HostUnreachable | NetworkUnreachable) => {
                format!("there is no way from here to {at}: check this machine's network and firewall")
            }
            _ => format!("the connection to {at} broke before the answer to {}", step.name()),
        }
    }

    fn about_tls(&self, error: &io::Error) -> String {
        let trouble = Trouble::of(error);
        let (host, ca_file) = (&self.settings.host, &self.settings.ca_file);
        let words = trouble.in_words(&self.at(), host, ("mail.smtp.ca_file", ca_file.is_some()));
        match trouble {
            Trouble::ClearText => format!(
                "{words}: it wants security = \"starttls\" (usually port 587), or port 465 for security = \"tls\""
            ),
            _ => words,
        }
    }
}

/// Explains a refused recipient. A 550 may be about the address, or about us: the enhanced code says which (RFC 3463),
/// else perhaps the words.
fn about_recipient(answer: &Answer) -> String {
    const UNKNOWN: &str =
        "the server says that there is no such recipient: the address is mistyped, or no longer in use";
    const RELAY: &str = "the server does not take mail from here for this recipient: it must accept mail.from as a sender, and relay for you";
    let words = answer.on_one_line().to_lowercase();
    let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
    match (answer.code, answer.enhanced()) {
        _ if is_full(answer) => "the recipient's mailbox is full".into(),
        (450 | 451, _) => "the server wants the mail a little later (greylisting, as with everybody it does not know), or cannot check the recipient now".into(),
        (452, _) => "the server has no room, or has had too many mails from here".into(),
        (400..500, _) => "the server does not take mail for this recipient now".into(),
        (_, Some("5.1.7" | "5.1.8")) => "the server refused the sender: it must accept mail.from as a sender".into(),
        (_, Some(code)) if code.starts_with("5.1.") || code == "5.2.1" => UNKNOWN.into(),
        (_, Some(code)) if code.starts_with("5.7.") => RELAY.into(),
        _ if says(&["relay", "authenticat"]) => RELAY.into(),
        _ if says(&["unknown", "no such", "not exist", "not found", "unbekannt", "inconnu", "desconocid"]) => UNKNOWN.into(),
        (500..=504, _) => "the server does not understand the recipient's address".into(),
        _ => "the server refused the recipient: there is no such address, or it does not relay for us. It must accept mail.from as a sender, and relay for you".into(),
    }
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Connection => "the connection",
            Self::Greeting => "the connection (its greeting)",
            Self::Hello => "EHLO",
            Self::Starttls => "STARTTLS",
            Self::Handshake => "the TLS handshake",
            Self::LogIn => "AUTH",
            Self::Sender => "MAIL",
            Self::Recipient => "RCPT",
            Self::Data => "DATA",
            Self::Content => "the mail",
        }
    }
}

fn in_time(timeout: Duration) -> String {
    match timeout.as_secs() {
        minutes if minutes >= 120 && minutes % 60 == 0 => format!("{} minutes", minutes / 60),
        seconds => format!("{seconds} s"),
    }
}

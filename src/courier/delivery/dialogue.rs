//! An SMTP dialogue (RFC 5321) from the greeting to QUIT, one command at a time.
//!
//! STARTTLS is required, never used only if offered: somebody on the way could remove the offer. Nothing received
//! before the handshake counts after it (RFC 3207, 4.2).
//!
//! Commands are written by lettre; answers are read by [`super::answer`], because lettre's connection refuses answers
//! that are not UTF-8, knows no HELO, and gives up at the first mechanism that is refused.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Noop, Quit, Rcpt, Starttls};
use lettre::transport::smtp::extension::{ClientId, MailParameter};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::{Instant, timeout, timeout_at};

use crate::config::{Security, Smtp};
use crate::tls::client::Connector;

use super::answer::{Answer, Ear, Unheard, is_end, readable};
use super::line::{Line, reach};

/// The time for QUIT: nothing depends on it.
const GOODBYE: Duration = Duration::from_secs(2);
/// The time for a kept connection to answer NOOP.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// The steps of a dialogue: a refusal means something else at each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// TCP.
    Connection,
    /// The greeting, before any command.
    Greeting,
    /// EHLO or HELO.
    Hello,
    /// STARTTLS.
    Starttls,
    /// TLS.
    Handshake,
    /// AUTH.
    LogIn,
    /// MAIL.
    Sender,
    /// RCPT.
    Recipient,
    /// DATA.
    Data,
    /// The mail itself, and the final dot.
    Content,
}

/// The step at which a dialogue failed, and the reason.
#[derive(Debug)]
pub(super) struct Failure {
    /// The step.
    pub step: Step,
    /// The reason.
    pub why: Why,
}

/// The reason why a dialogue failed.
#[derive(Debug)]
pub(super) enum Why {
    /// The server refused, or answered what does not belong here.
    Answered(Answer),
    /// The time ran out, and this is all that came.
    Silent(String),
    /// The server closed the connection.
    Closed,
    /// This is no answer of a mail server.
    Garbled(String),
    /// The connection broke, or TLS failed.
    Io(io::Error),
    /// It does not offer STARTTLS.
    NoStarttls,
    /// The server offers these ways to log in, and none that we know.
    NoWayIn(Vec<String>),
    /// The server takes no addresses beyond ASCII (RFC 6531).
    BeyondAscii,
}

/// The extensions that a server offers (RFC 5321, 4.1.1.1). Keywords are case-insensitive (2.4).
#[derive(Clone, Debug, Default)]
pub(super) struct Offers {
    has_starttls: bool,
    has_smtputf8: bool,
    /// The ways to log in, in capitals (RFC 4954).
    pub mechanisms: Vec<String>,
}

impl Offers {
    fn of(answer: &Answer) -> Self {
        let mut offers = Self::default();
        for text in &answer.texts {
            let capitals = text.to_ascii_uppercase();
            // `AUTH=LOGIN` is the spelling from before there was a standard.
            let mut words =
                capitals.split(|c: char| c.is_whitespace() || c == '=' || c == ',').filter(|w| !w.is_empty());
            match words.next() {
                Some("STARTTLS") => offers.has_starttls = true,
                Some("SMTPUTF8") => offers.has_smtputf8 = true,
                Some("AUTH") => offers.mechanisms.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        offers
    }
}

/// An open dialogue.
#[derive(Debug)]
pub(super) struct Dialogue {
    line: BufReader<Line>,
    ear: Ear,
    pub step: Step,
    /// The deadline of the current attempt.
    until: Instant,
    /// Whether bytes sent now would become part of a mail.
    is_in_mail: bool,
    pub offers: Offers,
}

impl Dialogue {
    /// Connects, introduces itself and, if the settings say so, starts TLS. Without a name it gives its address.
    pub(super) async fn begin(
        settings: &Smtp,
        connector: Option<&Connector>,
        name: Option<&ClientId>,
        until: Instant,
    ) -> Result<Self, Failure> {
        let mut dialogue = Self {
            line: BufReader::new(Line::Gone),
            ear: Ear::default(),
            step: Step::Connection,
            until,
            is_in_mail: false,
            offers: Offers::default(),
        };
        match dialogue.introduce(settings, connector, name).await {
            Ok(()) => Ok(dialogue),
            Err(failure) => {
                dialogue.quit().await;
                Err(failure)
            }
        }
    }

    async fn introduce(
        &mut self,
        settings: &Smtp,
        connector: Option<&Connector>,
        name: Option<&ClientId>,
    ) -> Result<(), Failure> {
        let reached = timeout_at(self.until, reach(&settings.host, settings.port)).await;
        let stream = reached.map_err(|_| self.silent())?.map_err(|error| self.failed(Why::Io(error)))?;
        stream.set_nodelay(true).map_err(|error| self.failed(Why::Io(error)))?;
        self.line = BufReader::new(Line::Plain(stream));
        let own = self.line.get_ref().own_address().map(literal);
        let name = name.or(own.as_ref()).ok_or_else(|| self.failed(Why::Closed))?;
        if let (Security::Tls, Some(connector)) = (settings.security, connector) {
            self.make_tls(connector).await?;
        }
        self.step = Step::Greeting;
        let greeting = self.hear().await?;
        self.is_good(greeting)?;
        self.hello(name).await?;
        if let (Security::Starttls, Some(connector)) = (settings.security, connector) {
            self.step = Step::Starttls;
            if !self.offers.has_starttls {
                return Err(self.failed(Why::NoStarttls));
            }
            let answer = self.ask(&Starttls.to_string()).await?;
            self.is_good(answer)?;
            // Injected in clear by somebody on the way, it would be taken for an answer over TLS (RFC 3207, 4.2).
            if !self.line.buffer().is_empty() {
                return Err(self.failed(Why::Garbled("something came before the handshake".into())));
            }
            self.make_tls(connector).await?;
            // Offers from before the handshake could be forged, so they are asked for again.
            self.hello(name).await?;
        }
        Ok(())
    }

    async fn make_tls(&mut self, connector: &Connector) -> Result<(), Failure> {
        self.step = Step::Handshake;
        let made = timeout_at(self.until, self.line.get_mut().make_tls(connector)).await;
        made.map_err(|_| self.silent())?.map_err(|error| self.failed(Why::Io(error)))
    }

    /// Says EHLO, and HELO to a server that does not know it (RFC 5321, 3.2).
    async fn hello(&mut self, name: &ClientId) -> Result<(), Failure> {
        self.step = Step::Hello;
        let answer = self.ask(&Ehlo::new(name.clone()).to_string()).await?;
        if matches!(answer.code, 500..=502) {
            self.offers = Offers::default();
            let answer = self.ask(&format!("HELO {name}\r\n")).await?;
            return self.is_good(answer).map(drop);
        }
        self.offers = Offers::of(&self.is_good(answer)?);
        Ok(())
    }

    /// Whether a kept connection still answers; sets its new deadline.
    pub(super) async fn is_alive(&mut self, until: Instant) -> bool {
        self.until = until;
        // Any answer shows that it is alive, unless the server is about to close.
        timeout(SIGN_OF_LIFE, self.ask(&Noop.to_string()))
            .await
            .is_ok_and(|asked| asked.is_ok_and(|answer| !answer.is_farewell()))
    }

    /// Hands a mail over.
    pub(super) async fn send(&mut self, from: &Address, to: &Address, mail: &[u8]) -> Result<(), Failure> {
        let is_ascii = AsRef::<str>::as_ref(from).is_ascii() && AsRef::<str>::as_ref(to).is_ascii();
        let parameters = if is_ascii { vec![] } else { vec![MailParameter::SmtpUtfEight] };
        self.step = Step::Sender;
        if !is_ascii && !self.offers.has_smtputf8 {
            return Err(self.failed(Why::BeyondAscii));
        }
        let answer = self.ask(&Mail::new(Some(from.clone()), parameters).to_string()).await?;
        self.is_good(answer)?;
        self.step = Step::Recipient;
        let answer = self.ask(&Rcpt::new(to.clone(), vec![]).to_string()).await?;
        self.is_good(answer)?;
        self.step = Step::Data;
        let answer = self.ask(&Data.to_string()).await?;
        if !answer.is_question() {
            return Err(self.failed(Why::Answered(answer)));
        }
        self.step = Step::Content;
        self.is_in_mail = true;
        let answer = self.ask_bytes(&with_dots(mail)).await?;
        self.is_in_mail = false;
        self.is_good(answer).map(drop)
    }

    /// Says QUIT (RFC 5321, 4.1.1.10), if possible.
    pub(super) async fn quit(mut self) {
        // In the middle of a mail the word would become part of it.
        if self.is_in_mail {
            return;
        }
        let goodbye = async {
            self.say(Quit.to_string().as_bytes()).await?;
            let _ = self.ear.hear(&mut self.line).await;
            self.line.shutdown().await
        };
        // Nothing depends on how it was taken.
        let _ = timeout(GOODBYE, goodbye).await;
    }

    /// Sends a command and returns the answer, whatever it is.
    pub(super) async fn ask(&mut self, command: &str) -> Result<Answer, Failure> {
        self.ask_bytes(command.as_bytes()).await
    }

    async fn ask_bytes(&mut self, said: &[u8]) -> Result<Answer, Failure> {
        if let Some(farewell) = self.take_unasked() {
            return Ok(farewell);
        }
        match timeout_at(self.until, self.say(said)).await {
            Err(_) => Err(self.silent()),
            // A server that closes the connection may have said why before.
            Ok(Err(error)) => match timeout(GOODBYE, self.ear.hear(&mut self.line)).await {
                Ok(Ok(answer)) if !answer.is_good() => Ok(answer),
                _ => Err(self.failed(if is_end(&error) { Why::Closed } else { Why::Io(error) })),
            },
            Ok(Ok(())) => self.hear().await,
        }
    }

    async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line.write_all(bytes).await?;
        self.line.flush().await
    }

    async fn hear(&mut self) -> Result<Answer, Failure> {
        let heard = timeout_at(self.until, self.ear.hear(&mut self.line)).await;
        heard.map_err(|_| self.silent())?.map_err(|unheard| {
            self.failed(match unheard {
                Unheard::Io(error) => Why::Io(error),
                Unheard::Closed => Why::Closed,
                Unheard::Garbled(line) => Why::Garbled(line),
            })
        })
    }

    /// Discards what came before a question: it is no answer to it, and taken for one it would shift all that follow.
    /// Only a farewell is worth knowing.
    fn take_unasked(&mut self) -> Option<Answer> {
        let unasked = readable(self.line.buffer());
        self.line.consume(self.line.buffer().len());
        let text = unasked.strip_prefix("421")?;
        Some(Answer { code: 421, texts: vec![text.trim().to_owned()] })
    }

    pub(super) fn is_good(&self, answer: Answer) -> Result<Answer, Failure> {
        if answer.is_good() { Ok(answer) } else { Err(self.failed(Why::Answered(answer))) }
    }

    fn silent(&self) -> Failure {
        self.failed(Why::Silent(self.ear.so_far()))
    }

    pub(super) fn failed(&self, why: Why) -> Failure {
        Failure { step: self.step, why }
    }
}

fn literal(address: IpAddr) -> ClientId {
    match address {
        IpAddr::V4(address) => ClientId::Ipv4(address),
        IpAddr::V6(address) => ClientId::Ipv6(address),
    }
}

/// Returns our name for EHLO (RFC 5321, 4.1.4): the site's host, or the domain of the sender if the host is no full
/// name, which many servers ask for. `None` if neither is: then the address serves as well.
pub(super) fn hello_name(host: &str, sender_domain: &str) -> Option<ClientId> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return Some(literal(address));
    }
    [host, sender_domain].into_iter().find(|name| name.contains('.')).map(|name| ClientId::Domain(name.to_owned()))
}

/// Encodes a mail for DATA: each line that begins with a dot gets another, and a line with a single dot ends it (RFC
/// 5321, 4.5.2).
// Without the extra dots a line of the mail could end it early, and what follows would be taken for commands.
fn with_dots(mail: &[u8]) -> Vec<u8> {
    let mut said = Vec::with_capacity(mail.len() + 64);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            said.push(b'.');
        }
        said.extend_from_slice(line);
    }
    if !said.is_empty() && !said.ends_with(b"\n") {
        said.extend_from_slice(b"\r\n");
    }
    said.extend_from_slice(b".\r\n");
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_ends_with_a_dot_and_no_line_of_it_does() {
        assert_eq!(with_dots(b"a\r\n.b\r\n..\r\n"), b"a\r\n..b\r\n...\r\n.\r\n");
        assert_eq!(with_dots(b"no end"), b"no end\r\n.\r\n");
        assert_eq!(with_dots(b""), b".\r\n");
    }

    #[test]
    fn the_name_is_a_full_one_or_none() {
        let name = |host, domain| hello_name(host, domain).map(|name| name.to_string());
        assert_eq!(name("auth.example.org", "example.org").as_deref(), Some("auth.example.org"));
        assert_eq!(name("gatelodge", "example.org").as_deref(), Some("example.org"));
        assert_eq!(name("localhost", "localhost"), None);
        assert_eq!(name("192.0.2.1", "example.org").as_deref(), Some("[192.0.2.1]"));
        assert_eq!(name("[2001:db8::1]", "example.org").as_deref(), Some("[IPv6:2001:db8::1]"));
    }

    #[test]
    fn what_is_offered_is_read_in_any_case() {
        let texts = ["mx Hello", "starttls", "Auth plain Login", "AUTH=CRAM-MD5", "SmtpUtf8", ""].map(str::to_owned);
        let offers = Offers::of(&Answer { code: 250, texts: texts.to_vec() });
        assert!(offers.has_starttls && offers.has_smtputf8);
        assert_eq!(offers.mechanisms, ["PLAIN", "LOGIN", "CRAM-MD5"]);
    }
}

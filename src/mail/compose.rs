//! Puts a mail together: templates, headers, MIME. The bytes are final; delivering changes nothing in them.

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};

use crate::base::{EmailAddress, MailId, Moment, Packed};
use crate::config::{Config, Sender};
use crate::crypto::base64url;
use crate::templates::{TemplateError, Templates};

use super::Letter;

/// The built-in texts: the files in `templates`. The first line of each `.txt` is the subject.
const TEMPLATES: Packed = Packed(include_bytes!(concat!(env!("OUT_DIR"), "/mails.lz4")));

/// Makes mails in the site's name.
pub struct Composer {
    templates: Templates,
    site_name: String,
    sender: Sender,
}

/// A finished mail.
#[derive(Clone, Debug)]
pub struct Message {
    /// Headers and body, lines ended by CR LF.
    pub bytes: Vec<u8>,
}

/// A mail could not be put together; with the built-in templates this does not happen.
#[derive(Debug)]
pub struct ComposeError(String);

impl std::error::Error for ComposeError {}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<TemplateError> for ComposeError {
    fn from(error: TemplateError) -> Self {
        Self(error.to_string())
    }
}

impl Composer {
    /// Loads the templates, with the administrator's in place of ours.
    ///
    /// # Errors
    /// When one of them is not well formed.
    pub fn new(config: &Config) -> Result<Self, TemplateError> {
        let folder: Option<&Path> = config.site.templates.as_deref();
        let templates = Templates::load(TEMPLATES, folder)?;
        let mut composer = Self { templates, site_name: config.site.name.clone(), sender: config.mail.from.clone() };
        // A template that fails is found here and not when somebody waits for a mail.
        for letter in Letter::samples() {
            composer.render(&letter, &composer.sender.address)?;
        }
        composer.templates.rest();
        Ok(composer)
    }

    /// Renders `letter` for `to`. Its Message-ID comes from `id`, so that repeating a delivery repeats it.
    ///
    /// # Errors
    /// When a template asks for what is not there.
    pub fn compose(
        &self,
        letter: &Letter,
        to: &EmailAddress,
        id: MailId,
        moment: &mut Moment,
    ) -> Result<Message, ComposeError> {
        let (text, html) = self.render(letter, to)?;
        let (subject, text) = split_subject(&text)?;
        let domain = self.sender.address.as_str().rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let message = lettre::Message::builder()
            .from(mailbox(self.sender.name.clone(), &self.sender.address)?)
            .to(mailbox(None, to)?)
            .subject(subject)
            .message_id(Some(format!("<{id}@{domain}>")))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(moment.earliest().seconds()))
            // RFC 3834: tells vacation responders not to answer.
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()))
            .multipart(
                MultiPart::alternative()
                    .boundary(format!("gatelodge-{}", base64url(&moment.bytes::<18>())))
                    .singlepart(part(ContentType::TEXT_PLAIN, text))
                    .singlepart(part(ContentType::TEXT_HTML, &html)),
            )
            .map_err(|error| ComposeError(error.to_string()))?;
        Ok(Message { bytes: message.formatted() })
    }

    /// The text, its subject first, and the HTML.
    fn render(&self, letter: &Letter, to: &EmailAddress) -> Result<(String, String), TemplateError> {
        let render = |kind: &str| {
            self.templates.render(&format!("{}.{kind}", letter.name()), letter.values(&self.site_name, to))
        };
        Ok((render("txt")?, render("html")?))
    }
}

fn mailbox(name: Option<String>, address: &EmailAddress) -> Result<Mailbox, ComposeError> {
    let address = address.as_str().parse().map_err(|_| ComposeError("an address cannot stand in a header".into()))?;
    Ok(Mailbox::new(name, address))
}

/// Always encoded, so that no line is too long and none begins with a dot or ends with a bare LF.
fn part(kind: ContentType, text: &str) -> SinglePart {
    let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    let body = Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable).unwrap_or_else(Body::new);
    SinglePart::builder().content_type(kind).body(body)
}

fn split_subject(text: &str) -> Result<(&str, &str), ComposeError> {
    let missing = || ComposeError("the first line of a mail's .txt template is `Subject: …`".into());
    let (first, rest) = text.split_once('\n').ok_or_else(missing)?;
    let subject = first.trim_end().strip_prefix("Subject: ").ok_or_else(missing)?;
    if subject.chars().any(char::is_control) {
        return Err(missing());
    }
    Ok((subject, rest.trim_start_matches('\n')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use proptest::prelude::*;

    fn composer() -> Composer {
        let text = "[site]\nname = \"Hill Street\"\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"Hill Street <auth@example.org>\"\ntransport = \"file\"\n";
        Composer::new(&Config::parse(text, Path::new("test.toml")).expect("valid")).expect("well formed")
    }

    fn compose(letter: &Letter, to: &str) -> String {
        let to = EmailAddress::parse(to).expect("an address");
        let mut moment = Moment::new(Timestamp::from_seconds(1_700_000_000), [1; 32]);
        let message = composer().compose(letter, &to, MailId::from_bytes([5; 16]), &mut moment).expect("complete");
        String::from_utf8(message.bytes).expect("encoded")
    }

    #[test]
    fn every_letter_has_text_and_html_and_stable_headers() {
        for letter in Letter::samples() {
            let mail = compose(&letter, "alice@example.org");
            for part in [
                "From: \"Hill Street\" <auth@example.org>",
                "To: alice@example.org",
                "Message-ID: <05050505",
                "Auto-Submitted: auto-generated",
                "Date: Tue, 14 Nov 2023 22:13:20 +0000",
                "text/plain",
                "text/html",
                "Subject: ",
            ] {
                assert!(mail.contains(part), "{}: {part}\n{mail}", letter.name());
            }
            assert_eq!(mail, compose(&letter, "alice@example.org"), "the same moment gives the same bytes");
        }
    }

    #[test]
    fn no_line_is_bare_or_too_long() {
        for letter in Letter::samples() {
            let mail = compose(&letter, "alice@example.org");
            assert!(!mail.replace("\r\n", "").contains(['\r', '\n']), "{}", letter.name());
            assert!(mail.lines().all(|line| line.len() <= 998), "{}", letter.name());
        }
    }

    proptest! {
        /// Whatever we accept as an address can stand in a header, and nothing of it begins a header of its own.
        #[test]
        fn every_address_can_be_written_to(text in "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.é-]{1,20}@[a-z0-9.-]{1,20}") {
            if EmailAddress::parse(&text).is_ok() {
                prop_assert_eq!(compose(&Letter::Test, &text).matches("\r\nTo: ").count(), 1);
            }
        }
    }
}

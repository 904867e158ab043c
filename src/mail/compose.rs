//! Composes mails: templates, headers, MIME. The bytes are final; delivering changes nothing in them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};

use crate::base::{EmailAddress, MailId, Moment, Packed};
use crate::config::{Config, Sender};
use crate::crypto::base64url;
use crate::templates::{TemplateError, Templates, Value, context, load_languages};
use crate::texts::{Languages, Voice};

use super::{Addressee, Letter, look};

/// The built-in texts: the files in `templates`. The first line of each `.txt` is the subject.
const TEMPLATES: Packed = Packed(include_bytes!(concat!(env!("OUT_DIR"), "/mails.lz4")));

/// Composes mails in the site's name.
pub struct Composer {
    templates: Templates,
    languages: Arc<Languages>,
    site_name: String,
    sender: Sender,
    look: Value,
}

/// A composed mail.
#[derive(Clone, Debug)]
pub struct Message {
    /// Headers and body, lines ended by CR LF.
    pub bytes: Vec<u8>,
}

/// The reason why a mail cannot be composed; with the built-in templates this does not happen.
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

/// Returns the names of the mails' templates, and what is wrong with those in
/// the administrator's folder that replace them.
#[must_use]
pub fn try_letters(config: &Config, folder: &Path) -> (Vec<String>, Vec<TemplateError>) {
    let (names, mut faults) = Templates::try_folder(TEMPLATES, folder);
    if faults.is_empty() {
        faults.extend(Composer::new(config, load_languages(config).languages).err());
    }
    (names, faults)
}

impl Composer {
    /// Loads the templates, with the administrator's in place of ours.
    ///
    /// # Errors
    /// When one of them is not well formed.
    pub fn new(config: &Config, languages: Arc<Languages>) -> Result<Self, TemplateError> {
        let folder: Option<&Path> = config.site.templates.as_deref();
        let templates = Templates::load(TEMPLATES, folder)?;
        let (site_name, sender) = (config.site.name.clone(), config.mail.from.clone());
        let mut composer = Self { templates, languages, site_name, sender, look: look::values(&config.site) };
        // A template that fails is found here and not when somebody waits for a mail.
        for letter in Letter::samples() {
            composer.render(&letter, &composer.sender.address, &composer.languages.voice(None))?;
        }
        composer.templates.rest();
        Ok(composer)
    }

    /// Renders `letter` for `to`. Its Message-ID comes from `id`, so that a repeated delivery repeats it.
    ///
    /// # Errors
    /// When a template uses a value that is not there.
    pub fn compose(
        &self,
        letter: &Letter,
        Addressee { address: to, language }: Addressee<'_>,
        id: MailId,
        moment: &mut Moment,
    ) -> Result<Message, ComposeError> {
        let voice = self.languages.voice(language);
        let (text, html) = self.render(letter, to, &voice)?;
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
            // The same for Exchange, which does not know the header above.
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("X-Auto-Response-Suppress"), "All".into()))
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Content-Language"),
                voice.language().to_string(),
            ))
            .multipart(
                MultiPart::alternative()
                    // Random, so that nothing in a text can end its part.
                    .boundary(format!("gatelodge-{}", base64url(&moment.bytes::<18>())))
                    .singlepart(part(ContentType::TEXT_PLAIN, text))
                    .singlepart(part(ContentType::TEXT_HTML, &html)),
            )
            .map_err(|error| ComposeError(error.to_string()))?;
        Ok(Message { bytes: message.formatted() })
    }

    /// Returns the text, its subject first, and the HTML.
    fn render(&self, letter: &Letter, to: &EmailAddress, voice: &Voice) -> Result<(String, String), TemplateError> {
        let render = |name: &str, subject: &str, preheader: &str| {
            let (values, look) = (letter.values(voice, &self.site_name, to), &self.look);
            self.templates.render(name, voice, context! { look, subject, preheader, ..values })
        };
        let mut text = render(&format!("{}.txt", letter.name()), "", "")?;
        // A template without a subject is refused where the mail is composed.
        let (subject, body) = split_subject(&text).unwrap_or_default();
        let html = render(&format!("{}.html", letter.name()), subject, &preheader(body))?;
        text.push_str(&render("mail-footer.txt", subject, "")?);
        Ok((text, html))
    }
}

/// Returns what lists of mails show beside the subject: the first paragraph.
fn preheader(text: &str) -> String {
    const MAX_CHARS: usize = 140;
    let words: Vec<&str> = text.split("\n\n").next().unwrap_or_default().split_whitespace().collect();
    words.join(" ").chars().take(MAX_CHARS).collect()
}

fn mailbox(name: Option<String>, address: &EmailAddress) -> Result<Mailbox, ComposeError> {
    let address = address.as_str().parse().map_err(|_| ComposeError("an address cannot stand in a header".into()))?;
    Ok(Mailbox::new(name, address))
}

/// Encodes a text such that a link is whole wherever it is read: in a raw mail too, in a file of it, or by a program.
fn part(kind: ContentType, text: &str) -> SinglePart {
    let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    let is_html = kind == ContentType::TEXT_HTML;
    let encode = |encoding| Body::new_with_encoding(text.clone(), encoding).unwrap_or_else(Body::new);
    let body = if is_plain(&text) {
        // Passed on as it stands; the library would break every line that is longer than 76 characters.
        Body::dangerous_pre_encoded(text.into_bytes(), ContentTransferEncoding::SevenBit)
    } else {
        let quoted = encode(ContentTransferEncoding::QuotedPrintable);
        // Whether the server takes 8 bits is known only when the mail leaves. HTML is for programs that decode it.
        if is_html || has_whole_links(&quoted, &text) { quoted } else { encode(ContentTransferEncoding::Base64) }
    };
    SinglePart::builder().content_type(kind).body(body)
}

/// Whether a text may be sent as it is (RFC 2045, 2.7): visible ASCII and blanks, in lines that no server breaks.
fn is_plain(text: &str) -> bool {
    /// Without its end (RFC 5322, 2.1.1).
    const MAX_LINE_BYTES: usize = 998;
    let is_sent_as_it_is = |byte: u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t');
    text.split("\r\n").all(|line| line.len() <= MAX_LINE_BYTES && line.bytes().all(is_sent_as_it_is))
}

/// Whether each link of the text is whole in its encoded form as well:
/// quoted-printable breaks lines, and writes `=` as `=3D`.
fn has_whole_links(encoded: &Body, text: &str) -> bool {
    let encoded = String::from_utf8_lossy(encoded.as_ref());
    text.split_whitespace().filter(|word| word.contains("://")).all(|link| encoded.contains(link))
}

fn split_subject(text: &str) -> Result<(&str, &str), ComposeError> {
    let missing = || ComposeError("the first line of a mail's .txt template is `Subject: …`".into());
    let (first, rest) = text.split_once('\n').ok_or_else(missing)?;
    let subject = first.trim_end().strip_prefix("Subject: ").ok_or_else(missing)?;
    // A template may hold names that people chose: a line break among them must not begin a header.
    if subject.chars().any(char::is_control) {
        return Err(missing());
    }
    Ok((subject, rest.trim_start_matches('\n')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::texts::{Catalogue, Language, TimeZone, english};
    use proptest::prelude::*;

    fn composer() -> Composer {
        let text = "[site]\nname = \"Hill Street\"\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"Hill Street <auth@example.org>\"\ntransport = \"file\"\n";
        let config = Config::parse(text, Path::new("test.toml")).expect("valid");
        Composer::new(&config, load_languages(&config).languages).expect("well formed")
    }

    fn compose(letter: &Letter, to: &str) -> String {
        let to = EmailAddress::parse(to).expect("an address");
        let mut moment = Moment::new(Timestamp::from_seconds(1_700_000_000), [1; 32]);
        let message =
            composer().compose(letter, (&to).into(), MailId::from_bytes([5; 16]), &mut moment).expect("complete");
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
                "X-Auto-Response-Suppress: All",
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

    fn settings(name: &str) -> String {
        format!(
            "[site]\nname = \"{name}\"\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"auth@example.org\"\ntransport = \"file\"\n"
        )
    }

    fn mail_of(name: &str, letter: &Letter) -> String {
        let config = Config::parse(&settings(name), Path::new("test.toml")).expect("valid");
        let composer = Composer::new(&config, load_languages(&config).languages).expect("well formed");
        let to = EmailAddress::parse("alice@example.org").expect("an address");
        let mut moment = Moment::new(Timestamp::from_seconds(1_700_000_000), [1; 32]);
        let message =
            composer.compose(letter, (&to).into(), MailId::from_bytes([5; 16]), &mut moment).expect("complete");
        String::from_utf8(message.bytes).expect("ASCII")
    }

    fn mail_with(site: &str) -> String {
        let text = format!(
            "[site]\nurl = \"https://auth.example.org\"\n{site}\n[mail]\nfrom = \"auth@example.org\"\ntransport = \"file\"\n"
        );
        let config = Config::parse(&text, Path::new("test.toml")).expect("valid");
        let composer = Composer::new(&config, load_languages(&config).languages).expect("well formed");
        let to = EmailAddress::parse("alice@example.org").expect("an address");
        let mut moment = Moment::new(Timestamp::from_seconds(1_700_000_000), [1; 32]);
        let reset = Letter::samples().into_iter().find(|letter| letter.name() == "reset-password").expect("a sample");
        let message =
            composer.compose(&reset, (&to).into(), MailId::from_bytes([5; 16]), &mut moment).expect("complete");
        String::from_utf8(message.bytes).expect("ASCII")
    }

    #[test]
    fn a_mail_has_the_colour_of_the_house_and_ends_with_who_runs_it() {
        let mail = mail_with(
            "accent = \"#7a1fa2\"\ncontact = \"mailto:people@example.org\"\nimprint = \"/imprint\"\nprivacy = \"https://example.org/privacy\"",
        );
        assert!(mail.contains("background:#7a1fa2") && !mail.contains("#1f5c43"), "{mail}");
        let foot = "\r\n\r\n-- \r\nContact: people@example.org\r\nImprint: https://auth.example.org/imprint\r\nPrivacy policy: https://example.org/privacy\r\n";
        assert!(mail.contains(foot), "{mail}");
        for link in ["mailto:people@example.org", "https://auth.example.org/imprint", "https://example.org/privacy"] {
            assert!(mail.contains(&format!("<a href=\"{link}\"")), "{link}: {mail}");
        }
        let plain = mail_with("");
        assert!(!plain.contains("-- \r\n") && !plain.contains("class=\"foot\""), "{plain}");
    }

    #[test]
    fn lists_of_mails_show_the_first_paragraph_and_titles_the_subject() {
        let mail = mail_with("name = \"Hill & Street\"");
        assert!(mail.contains("<title>Set a new password for Hill &amp; Street</title>"), "{mail}");
        assert!(mail.contains("overflow:hidden\">Somebody, probably you, asked to set a new password for"), "{mail}");
        assert_eq!(preheader("One\ntwo  three.\n\nFour."), "One two three.");
        assert_eq!(preheader(&"é".repeat(500)).chars().count(), 140);
    }

    #[test]
    fn every_link_in_html_may_break_and_can_be_followed() {
        for letter in Letter::samples() {
            let mail = mail_of("Hill Street", &letter);
            let (_, html) = mail.split_once("text/html").expect("it has HTML");
            for (at, _) in html.match_indices(">https://") {
                let tag = html[..at].rsplit('<').next().unwrap_or_default();
                assert!(
                    tag.starts_with("a href=") && tag.contains("overflow-wrap:anywhere"),
                    "{}: {tag}",
                    letter.name()
                );
            }
            assert!(!html.contains("<br>https://"), "{}", letter.name());
        }
    }

    #[test]
    fn links_are_whole_in_a_raw_mail() {
        let mut links = 0;
        for letter in Letter::samples() {
            let mail = mail_of("Hill Street", &letter);
            assert!(!mail.contains("&#x2f;"), "{mail}");
            assert!(!mail.contains("quoted-printable") && mail.matches("7bit").count() == 2, "{mail}");
            let link = mail.lines().find(|line| line.starts_with("https://"));
            if let Some(link) = link {
                links += 1;
                assert!(mail.contains(&format!("href=\"{link}\"")), "{link}: {mail}");
            }
        }
        assert!(links > 5, "{links}");
    }

    #[test]
    fn a_text_beyond_ascii_is_encoded_so_that_its_links_are_whole() {
        let long = format!("https://auth.example.org/reset/glt_{}", "x".repeat(60));
        let encoding = |text: &str| {
            let part = part(ContentType::TEXT_PLAIN, text).formatted();
            let head = String::from_utf8_lossy(&part).split("\r\n\r\n").next().unwrap_or_default().to_owned();
            head.rsplit_once("Encoding: ").map(|(_, encoding)| encoding.to_owned()).unwrap_or_default()
        };
        assert_eq!(encoding(&format!("Street\n\n{long}\n")), "7bit");
        assert_eq!(encoding(&format!("Straße\n\n{long}\n")), "base64");
        assert_eq!(encoding("Straße\n\nhttps://a.example/?b=c\n"), "base64");
        assert_eq!(encoding("Straße\n\nhttps://a.example/b\n"), "quoted-printable");
        assert_eq!(encoding("Straße\n"), "quoted-printable");
        // Neither a control character nor an endless line is sent as it is.
        assert_eq!(encoding("a\u{7}b\n"), "quoted-printable");
        assert_eq!(encoding(&"x".repeat(999)), "quoted-printable");
        assert!(mail_of("Straße", &Letter::samples().remove(0)).is_ascii(), "no server has to take more");
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

    /// Mails in a language that nobody speaks, written from right to left: what is left of English stands in code.
    #[test]
    fn mails_say_nothing_but_by_the_catalogue() {
        let wide = |sentence: &str| {
            let mut is_value = false;
            let letter = |c: char| {
                is_value = (is_value || c == '{') && c != '}';
                if !is_value && c.is_ascii_alphabetic() {
                    char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c)
                } else {
                    c
                }
            };
            sentence.chars().map(letter).collect::<String>()
        };
        let mut texts = String::new();
        for key in english().keys() {
            let sentences: Vec<&str> = english().sentences(key).collect();
            let sentence = serde_json::json!(wide(sentences.last().expect("a sentence")));
            let value = if sentences.len() > 1 { format!("{{ other = {sentence} }}") } else { sentence.to_string() };
            texts.extend(["\"", key, "\" = ", &value, "\n"]);
        }
        let language = Language::parse("ar-x-wide").expect("a tag");
        let (catalogue, _) = Catalogue::read(&texts, language.clone());
        let config = Config::parse(&settings("Hill"), Path::new("test.toml")).expect("valid");
        let languages = Languages::new(language, vec![], vec![catalogue], TimeZone::utc());
        let composer = Composer::new(&config, Arc::new(languages)).expect("well formed");
        let to = EmailAddress::parse("ada@example.org").expect("an address");
        for letter in Letter::samples() {
            let (text, html) = composer.render(&letter, &to, &composer.languages.voice(None)).expect("complete");
            assert!(html.contains("<html lang=\"ar-x-wide\" dir=\"rtl\">"), "{html}");
            let is_same_everywhere = |word: &str| {
                word.contains(['@', ':', '.', '/', '(']) || ["Hill", "UTC", "ada", "Firefox", "Linux"].contains(&word)
            };
            // What an administrator wrote, and what another program said, stay as they are.
            let said = text.replace("Welcome!", "").replace("the authority could not be reached", "");
            let words =
                said.strip_prefix("Subject:").expect("a subject").split(|c: char| c.is_whitespace() || c == ',');
            let plain = words.filter(|word| word.chars().any(|c| c.is_ascii_alphabetic()));
            let left: Vec<&str> = plain.filter(|word| !is_same_everywhere(word)).collect();
            assert_eq!(left, [""; 0], "{}: {text}", letter.name());
        }
    }
}

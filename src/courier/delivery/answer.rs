//! The answers of a mail server (RFC 5321, 4.2). Only the code counts: the text is for people, and comes in any
//! encoding, of any length, or not at all. Line ends, and the separators of codes and texts, are read as leniently as
//! other programs read them; but what is no code is never taken for one.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use crate::base::is_hidden;

/// The most bytes of an answer that are read; a server that says more without an end is no mail server.
const MAX_ANSWER_BYTES: usize = 256 << 10;
/// The most lines of an answer that are kept, and bytes of a line below; the rest is discarded.
const MAX_KEPT_LINES: usize = 100;
const MAX_KEPT_LINE_BYTES: usize = 1024;

/// An answer of a server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Answer {
    /// The code of the last line.
    pub code: u16,
    /// The text of each line, after the code.
    pub texts: Vec<String>,
}

impl Answer {
    /// Whether it is done (2yz).
    pub(super) fn is_good(&self) -> bool {
        self.code / 100 == 2
    }

    /// Whether more is wanted (3yz).
    pub(super) fn is_question(&self) -> bool {
        self.code / 100 == 3
    }

    /// Whether the refusal is permanent (5yz).
    pub(super) fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// Whether the server is about to close the connection (RFC 5321, 3.8).
    pub(super) fn is_farewell(&self) -> bool {
        self.code == 421
    }

    /// Returns the enhanced code (RFC 3463), wherever it stands in the text, if it agrees with the code.
    pub(super) fn enhanced(&self) -> Option<&str> {
        let class = char::from_digit(u32::from(self.code / 100), 10)?;
        let words =
            self.texts.iter().flat_map(|text| text.split(|c: char| c.is_whitespace() || "#()[]<>:;,=".contains(c)));
        words.into_iter().find(|word| word.starts_with(class) && is_enhanced_code(word))
    }

    /// Returns code and text on one line.
    pub(super) fn on_one_line(&self) -> String {
        let said = format!("{} {}", self.code, self.texts.join(" "));
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn is_enhanced_code(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts[0].len() == 1 && parts.iter().all(is_number)
}

/// The reason why there is no answer.
#[derive(Debug)]
pub(super) enum Unheard {
    /// The connection broke.
    Io(io::Error),
    /// The server closed it.
    Closed,
    /// This is no answer of a mail server.
    Garbled(String),
}

/// Reads answers. Of one that has not ended, what came is kept, for the report of a timeout.
#[derive(Debug, Default)]
pub(super) struct Ear {
    line: Vec<u8>,
    texts: Vec<String>,
    heard_bytes: usize,
}

impl Ear {
    /// Reads an answer to its end.
    pub(super) async fn hear(&mut self, from: &mut (impl AsyncBufRead + Unpin)) -> Result<Answer, Unheard> {
        *self = Self::default();
        loop {
            self.read_line(from).await?;
            let line = readable(&self.line);
            match Part::of(&line) {
                Part::Blank => {}
                Part::Coded { code, text, is_last } => {
                    self.keep(text);
                    if is_last {
                        return Ok(Answer { code, texts: std::mem::take(&mut self.texts) });
                    }
                }
                // A line of a long answer was broken in two: its codes go on below.
                Part::Other if self.has_begun() => self.keep(&line),
                Part::Other => return Err(Unheard::Garbled(line)),
            }
        }
    }

    /// Returns what has come so far of an unfinished answer.
    pub(super) fn so_far(&self) -> String {
        let line = readable(&self.line);
        let texts = self.texts.iter().map(String::as_str).chain((!self.has_begun()).then_some(line.as_str()));
        texts.collect::<Vec<_>>().join(" ").trim().to_owned()
    }

    fn has_begun(&self) -> bool {
        !self.texts.is_empty()
    }

    fn keep(&mut self, text: &str) {
        if self.texts.len() < MAX_KEPT_LINES {
            self.texts.push(text.to_owned());
        }
    }

    /// Reads up to the next line feed. The last line before the end of the connection needs none.
    async fn read_line(&mut self, from: &mut (impl AsyncBufRead + Unpin)) -> Result<(), Unheard> {
        self.line.clear();
        loop {
            let some = match from.fill_buf().await {
                Ok(some) => some,
                Err(error) if is_end(&error) => &[],
                Err(error) => return Err(Unheard::Io(error)),
            };
            let end = some.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(some.len(), |at| at + 1);
            let kept = length.min(MAX_KEPT_LINE_BYTES - self.line.len().min(MAX_KEPT_LINE_BYTES));
            self.line.extend_from_slice(&some[..kept]);
            from.consume(length);
            self.heard_bytes += length;
            if self.heard_bytes > MAX_ANSWER_BYTES {
                return Err(Unheard::Garbled(readable(&self.line)));
            }
            if length == 0 && self.line.is_empty() {
                return Err(Unheard::Closed);
            }
            if end.is_some() || length == 0 {
                return Ok(());
            }
        }
    }
}

/// Whether an error means that the connection ended without the closing message of its protocol.
pub(super) fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// The meaning of a line in an answer.
enum Part<'a> {
    Blank,
    Coded { code: u16, text: &'a str, is_last: bool },
    Other,
}

impl<'a> Part<'a> {
    fn of(line: &'a str) -> Self {
        let line = line.trim();
        if line.is_empty() {
            return Self::Blank;
        }
        let (code, rest) = match line.split_at_checked(3) {
            Some((code, rest)) if code.bytes().all(|byte| byte.is_ascii_digit()) => (code, rest),
            _ => return Self::Other,
        };
        // From 2yz to 5yz; four digits are no code.
        let is_code = (b'2'..=b'5').contains(&code.as_bytes()[0]) && !rest.starts_with(|c: char| c.is_ascii_digit());
        let (Ok(code), true) = (code.parse(), is_code) else { return Self::Other };
        let text = rest.strip_prefix('-').unwrap_or(rest).trim();
        Self::Coded { code, text, is_last: !rest.starts_with('-') }
    }
}

/// Decodes as UTF-8 if it is, else as Latin-1; invisible and control characters, which a terminal would obey, become
/// blanks.
pub(super) fn readable(bytes: &[u8]) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // Cut in the middle of a character.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned()
        }
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    let shown: String = whole.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect();
    shown.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hear(mut bytes: &[u8]) -> Result<Answer, Unheard> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(Ear::default().hear(&mut bytes))
    }

    #[track_caller]
    fn is(bytes: &[u8], code: u16, text: &str) {
        let answer = hear(bytes).expect("an answer");
        assert_eq!((answer.code, answer.texts.join("|").as_str()), (code, text));
    }

    #[test]
    fn the_code_counts_and_the_text_is_for_people() {
        is(b"220 mx.example.org ESMTP\r\n", 220, "mx.example.org ESMTP");
        is(b"220\r\n", 220, "");
        is(b"250 \r\n", 250, "");
        is(b"220\tmx\r\n", 220, "mx");
        is(b"220 mx M\xfcller\r\n", 220, "mx Müller");
        is("220 mx Müller 家\r\n".as_bytes(), 220, "mx Müller 家");
        is(b"550 5.1.1 Empf\xe4nger unbekannt\r\n", 550, "5.1.1 Empfänger unbekannt");
        is(b"250 \x1b[2J\0\x07ok\r\n", 250, "[2J  ok");
        is("250 a\u{202e}b\r\n".as_bytes(), 250, "a b");
        is(b"250 ok\n", 250, "ok");
        is(b"250 ok\r\r\n", 250, "ok");
        is(b"\r\n250 ok\r\n", 250, "ok");
        is(b" 250 ok\r\n", 250, "ok");
        is(b"\xef\xbb\xbf220 mx\r\n", 220, "mx");
        is(b"571 5.7.1 no\r\n", 571, "5.7.1 no");
        is(b"421 going away", 421, "going away");
        is(b"220mx\r\n", 220, "mx");
    }

    #[test]
    fn an_answer_goes_on_to_the_line_without_a_dash() {
        is(b"250-mx\r\n250-SIZE 1\r\n250 HELP\r\n", 250, "mx|SIZE 1|HELP");
        is(b"250-mx\n250\n", 250, "mx|");
        is(b"250-\r\n250 ok\r\n", 250, "|ok");
        is(b"250-mx\r\nwelcome\r\n\r\n250 ok\r\n", 250, "mx|welcome|ok");
        is(b"250-first\r\n550 then\r\n", 550, "first|then");
    }

    #[test]
    fn long_answers_are_cut_and_endless_ones_are_none() {
        let long = [b"250 ".as_slice(), &b"x".repeat(200_000), b"\r\n"].concat();
        assert!(hear(&long).is_ok_and(|answer| answer.texts[0].len() < 1024));
        let many = [b"250-line\r\n".repeat(5000), b"250 end\r\n".to_vec()].concat();
        assert!(hear(&many).is_ok_and(|answer| answer.texts.len() == 100));
        assert!(matches!(hear(&b"250-line\r\n".repeat(30_000)), Err(Unheard::Garbled(_))));
        assert!(matches!(hear(&b"x".repeat(300_000)), Err(Unheard::Garbled(_))));
    }

    #[test]
    fn what_is_no_code_is_not_taken_for_one() {
        for other in
            ["hello", "HTTP/1.1 400 Bad Request", "999 no", "100 go on", "2200 x", "22 x", "+OK", "2\u{b2}0 x", "2500"]
        {
            assert!(matches!(hear(format!("{other}\r\n").as_bytes()), Err(Unheard::Garbled(_))), "{other}");
        }
        assert!(matches!(hear(b""), Err(Unheard::Closed)));
        assert!(matches!(hear(b"250-mx\r\n"), Err(Unheard::Closed)));
    }

    #[test]
    fn the_enhanced_code_is_found_where_it_stands() {
        let enhanced =
            |line: &str| hear(format!("{line}\r\n").as_bytes()).expect("an answer").enhanced().map(str::to_owned);
        assert_eq!(enhanced("550 5.1.1 unknown").as_deref(), Some("5.1.1"));
        assert_eq!(enhanced("550 #5.1.1 unknown").as_deref(), Some("5.1.1"));
        assert_eq!(enhanced("550 <a@b.cc>: (5.2.2): full").as_deref(), Some("5.2.2"));
        assert_eq!(enhanced("550 from 15.2.2.1, 5.2.2.1 and 4.2.2").as_deref(), None);
        assert_eq!(enhanced("450 4.2.0 later").as_deref(), Some("4.2.0"));
    }

    proptest! {
        /// Whatever comes: an answer of a real code, or none; nothing in it that a terminal obeys.
        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(prop_oneof![Just(b'2'), Just(b'5'), Just(b'0'), Just(b'-'), Just(b' '), Just(b'\n'), any::<u8>()], 0..60)) {
            match hear(&bytes) {
                Ok(answer) => {
                    prop_assert!((200..600).contains(&answer.code));
                    prop_assert!(!answer.on_one_line().contains(is_hidden));
                }
                Err(Unheard::Garbled(line)) => prop_assert!(!line.contains(is_hidden)),
                Err(_) => {}
            }
        }
    }
}

//! Paths in one form, and the other ways in which a server behind the proxy may read them.

use super::doubt::Doubt;

/// Stands for an encoded slash in a path that is decoded. No path holds it otherwise: an encoded NUL is refused.
const ENCODED_SLASH: char = '\0';

/// The longest path that is read in more than one way, in bytes: each reading is matched with every pattern.
const MAX_AMBIGUOUS_BYTES: usize = 1024;

/// The most readings, with dot segments and without: more than what a path has that nobody made to have many.
const MAX_READINGS: usize = 32;

/// A path, decoded once and without dot segments, and how else it may be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Path {
    /// The path, decoded once.
    decoded: String,
    /// What rules are matched with, where that is not the decoded path alone. The first is the path itself, with encoded
    /// slashes kept; the others are how servers read it that decode those, collapse `//` or take it for the beginning of
    /// an authority, drop `;…`, or decode twice. None is there twice.
    readings: Vec<String>,
    /// The readings of a server that removes no dot segments, where there are any.
    pub with_dots: Vec<String>,
    /// Whether it is too long to be read in more than one way.
    is_long: bool,
}

impl Path {
    /// Parses a path that begins with a slash and holds visible ASCII only.
    pub(super) fn parse(raw: &str) -> Result<Self, Doubt> {
        if raw.contains('\\') {
            return Err(Doubt::Backslash);
        }
        let once = decode(raw, Malformed::Refused)?;
        refuse_dots_with_parameters(&once)?;
        let is_long = raw.len() > MAX_AMBIGUOUS_BYTES;
        let mut path = Self { decoded: String::new(), readings: vec![], with_dots: vec![], is_long };
        // Nearly every path is read by everybody in the same way, and has no dot segments.
        let is_told_apart = |byte: u8| matches!(byte, 0 | b';' | b'%' | b'?' | b'#');
        let bytes = once.as_bytes();
        let has_segment_that_begins_with = |byte: u8| bytes.windows(2).any(|pair| pair == [b'/', byte]);
        if !once.bytes().any(is_told_apart) && !has_segment_that_begins_with(b'/') {
            if has_segment_that_begins_with(b'.') {
                path.read(&once)?;
            }
            path.decoded = once;
            return Ok(path);
        }
        path.read_in_every_way(&once.replace(ENCODED_SLASH, "%2F"))?;
        path.read_in_every_way(&slashed(&once))?;
        let slashed = slashed(&once);
        let twice = decode(&slashed, Malformed::Kept)?;
        if twice != slashed {
            refuse_dots_with_parameters(&twice)?;
            let twice = self::slashed(&twice);
            if decode(&twice, Malformed::Kept)? != twice {
                return Err(Doubt::EncodedTooOften);
            }
            path.read_in_every_way(&twice)?;
        }
        path.decoded = once;
        Ok(path)
    }

    /// Returns the path in its one spelling.
    pub(super) fn canonical(&self) -> String {
        encode(&without_dots(&self.decoded))
    }

    /// Returns what rules are matched with.
    pub(super) fn readings(&self) -> impl Iterator<Item = &str> {
        let only = self.readings.is_empty().then_some(&self.decoded);
        only.into_iter().chain(&self.readings).map(String::as_str)
    }

    fn read_in_every_way(&mut self, path: &str) -> Result<(), Doubt> {
        self.read(path)?;
        let stripped = without_parameters(path);
        // What was decoded may be taken for a URL again, whose path ends where the query begins.
        for path in [path, &stripped] {
            let cut = &path[..path.find(['?', '#']).unwrap_or(path.len())];
            for path in [path, cut] {
                self.read(path)?;
                self.read(&collapsed(path))?;
            }
        }
        Ok(())
    }

    fn read(&mut self, path: &str) -> Result<(), Doubt> {
        let clean = without_dots(path);
        let is_new_with_dots = clean != path && add(&mut self.with_dots, path);
        // Both are added, whichever is new.
        if !(add(&mut self.readings, &clean) | is_new_with_dots) {
            return Ok(());
        }
        self.check_readings()?;
        for path in [path, &clean] {
            for rest in after_authority(path).into_iter().flatten() {
                self.read(rest)?;
                self.read(&collapsed(rest))?;
            }
        }
        Ok(())
    }

    fn check_readings(&self) -> Result<(), Doubt> {
        let most = if self.is_long { 1 } else { MAX_READINGS };
        if self.readings.len().max(self.with_dots.len()) > most { Err(Doubt::TooManyReadings) } else { Ok(()) }
    }
}

/// Adds a text to a list that does not have it, and tells whether it was added.
fn add(list: &mut Vec<String>, text: &str) -> bool {
    let is_new = !list.iter().any(|known| known == text);
    if is_new {
        list.push(text.to_owned());
    }
    is_new
}

/// Returns the path of what is taken for a reference without a scheme (RFC 3986, 4.2), if it begins with `//`: what
/// follows the authority. Browsers and those who parse like them skip all slashes before it (WHATWG URL).
fn after_authority(path: &str) -> Option<[&str; 2]> {
    let rest = path.strip_prefix("//")?;
    Some([from_first_slash(rest), from_first_slash(rest.trim_start_matches('/'))])
}

fn from_first_slash(text: &str) -> &str {
    text.find('/').map_or("/", |at| &text[at..])
}

/// What to do with a percent sign that begins no encoded byte.
#[derive(Clone, Copy, PartialEq)]
enum Malformed {
    Refused,
    Kept,
}

fn decode(raw: &str, malformed: Malformed) -> Result<String, Doubt> {
    if !raw.contains('%') {
        return Ok(raw.to_owned());
    }
    let (bytes, mut decoded, mut at) = (raw.as_bytes(), Vec::with_capacity(raw.len()), 0);
    while at < bytes.len() {
        let byte = (bytes[at] == b'%').then(|| encoded_byte(bytes.get(at + 1..at + 3)));
        match byte {
            None => decoded.push(bytes[at]),
            Some(None) if malformed == Malformed::Kept => decoded.push(b'%'),
            Some(None) => return Err(Doubt::MalformedEncoding),
            Some(Some(byte)) => {
                decoded.push(match byte {
                    b'/' => ENCODED_SLASH as u8,
                    b'\\' => return Err(Doubt::Backslash),
                    0..0x20 | 0x7f => return Err(Doubt::ControlCharacter),
                    byte => byte,
                });
                at += 2;
            }
        }
        at += 1;
    }
    let decoded = String::from_utf8(decoded).map_err(|_| Doubt::NotUtf8)?;
    let is_control = |c: char| c.is_control() && c != ENCODED_SLASH;
    if decoded.contains(is_control) { Err(Doubt::ControlCharacter) } else { Ok(decoded) }
}

fn encoded_byte(digits: Option<&[u8]>) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let [high, low] = digits? else { return None };
    Some(digit(*high)? << 4 | digit(*low)?)
}

fn encode(decoded: &str) -> String {
    let mut encoded = String::with_capacity(decoded.len());
    let mut buffer = [0; 4];
    for c in decoded.chars() {
        match c {
            ENCODED_SLASH => encoded.push_str("%2F"),
            // RFC 3986, 3.3: what may stand in a path as it is.
            c if c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/".contains(c) => encoded.push(c),
            c => {
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    encoded.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
                }
            }
        }
    }
    encoded
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or_default().to_ascii_uppercase()
}

fn slashed(path: &str) -> String {
    path.replace(ENCODED_SLASH, "/")
}

/// Servlet containers drop what stands behind a `;` before they look for dot segments, others after it.
fn refuse_dots_with_parameters(path: &str) -> Result<(), Doubt> {
    if !path.contains(';') {
        return Ok(());
    }
    let is_trick = |segment: &str| segment.split_once(';').is_some_and(|(name, _)| name == "." || name == "..");
    if path.split(['/', ENCODED_SLASH]).any(is_trick) { Err(Doubt::PathParameter) } else { Ok(()) }
}

/// Drops the parameters of each segment.
fn without_parameters(path: &str) -> String {
    let names = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    names.collect::<Vec<_>>().join("/")
}

fn collapsed(path: &str) -> String {
    let mut collapsed = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !collapsed.ends_with('/') {
            collapsed.push(c);
        }
    }
    collapsed
}

/// Removes dot segments (RFC 3986, 5.2.4).
fn without_dots(path: &str) -> String {
    if !path.contains("/.") {
        return path.to_owned();
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            name => kept.push(name),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn readings(raw: &str) -> Vec<String> {
        Path::parse(raw).expect(raw).readings().map(str::to_owned).collect()
    }

    #[test]
    fn a_plain_path_is_read_in_one_way() {
        assert_eq!(readings("/a/b"), ["/a/b"]);
        assert_eq!(readings("/%61/./c/../b%20b"), ["/a/b b"]);
        assert_eq!(readings("/b%C3%BCcher"), ["/bücher"]);
        assert_eq!(readings("/../a/.."), ["/"]);
        assert_eq!(readings("/100%25"), ["/100%"]);
    }

    #[test]
    fn slashes_parameters_and_second_decodings_are_other_readings() {
        assert_eq!(readings("/a//b"), ["/a//b", "/a/b"]);
        assert_eq!(readings("/a%2fb"), ["/a%2Fb", "/a/b"]);
        assert_eq!(readings("/a;v=1/b"), ["/a;v=1/b", "/a/b"]);
        assert_eq!(readings("/a%252Fb"), ["/a%2Fb", "/a/b"]);
        assert_eq!(readings("/a/%252e%252e/b"), ["/a/%2e%2e/b", "/b"]);
        assert_eq!(readings("/a%3Fb"), ["/a?b", "/a"]);
        assert_eq!(readings("/a//../b"), ["/a/b", "/b"]);
        assert_eq!(readings("/p%2F..%2Fb"), ["/p%2F..%2Fb", "/b"]);
        assert_eq!(Path::parse("/p%2F..%2Fb").expect("a path").with_dots, ["/p/../b"]);
    }

    #[test]
    fn what_begins_with_two_slashes_is_read_without_its_authority() {
        for raw in [
            "//x/vault",
            "//x:80/vault",
            "//u@x/vault",
            "///x/vault",
            "/////x/vault",
            "//x//vault",
            "//x//y/vault",
            "//x/./vault",
            "//x/a/../vault",
            "//../vault",
            "//x;y/vault",
            "//[::1]/vault",
            "/.//x/vault",
            "/a/..//x/vault",
            "/;//x/vault",
            "/;a/x/vault",
            "/%2Fx/vault",
            "/%2fx%2fvault",
            "/.%2F/x/vault",
            "/%2e/%2Fx/vault",
            "/%252Fx/vault",
            "/%252Fx%252Fvault",
        ] {
            assert!(readings(raw).contains(&"/vault".to_owned()), "{raw}: {:?}", readings(raw));
        }
        for raw in ["//", "///", "//x", "//x%3Fa=/vault", "//x%23/vault", "/%2Fx"] {
            assert!(readings(raw).contains(&"/".to_owned()), "{raw}: {:?}", readings(raw));
        }
        assert_eq!(readings("/a//x/vault"), ["/a//x/vault", "/a/x/vault"]);
    }

    #[test]
    fn a_path_is_read_in_so_many_ways_and_no_more() {
        let long = "a".repeat(MAX_AMBIGUOUS_BYTES);
        for raw in [
            format!("/{long}//"),
            format!("/{long}%2F"),
            format!("/{long};x"),
            format!("/{long}%3Fx"),
            format!("/{long}%2541"),
            format!("//{long}"),
            format!("/{long}%2541/.."),
            "/a".repeat(400) + &"//b".repeat(100),
            "//a".repeat(MAX_READINGS),
            "//a;b%252F..".repeat(80),
        ] {
            assert_eq!(Path::parse(&raw), Err(Doubt::TooManyReadings), "{raw}");
        }
        for raw in [format!("/{long}/b"), format!("/{long}/%61"), format!("/{long}/../b"), format!("/{long}%25")] {
            assert_eq!(readings(&raw).len(), 1, "{raw}");
        }
        let longest = format!("/{}", &long[4..]) + "//b";
        assert_eq!((longest.len(), readings(&longest).len()), (MAX_AMBIGUOUS_BYTES, 2));
    }

    proptest! {
        #[test]
        fn no_reading_is_there_twice(raw in "/(/|//|%2[fF]|%252[fF]|;|%3[bB]|%3[fF]|\\.|\\.\\.|%2[eE]|%252e|[a-c]|@|:){0,24}") {
            if let Ok(path) = Path::parse(&raw) {
                let all: Vec<&str> = path.readings().chain(path.with_dots.iter().map(String::as_str)).collect();
                let texts: BTreeSet<&str> = all.iter().copied().collect();
                prop_assert_eq!(all.len(), texts.len());
                prop_assert!(all.iter().all(|reading| reading.starts_with('/')));
                prop_assert!(all.len() <= 2 * MAX_READINGS);
            }
        }
    }

    #[test]
    fn the_canonical_spelling_is_one() {
        for (raw, canonical) in [
            ("/%7euser/%2D", "/~user/-"),
            ("/a%2fb", "/a%2Fb"),
            ("/a%252fb", "/a%252fb"),
            ("/a b".replace(' ', "%20").as_str(), "/a%20b"),
            ("/a|b[c]", "/a%7Cb%5Bc%5D"),
            ("/x/%2E%2e/y", "/y"),
        ] {
            assert_eq!(Path::parse(raw).expect(raw).canonical(), canonical, "{raw}");
            assert_eq!(Path::parse(canonical).expect(canonical).canonical(), canonical);
        }
    }

    #[test]
    fn what_servers_stumble_over_is_refused() {
        for (raw, doubt) in [
            ("/%", Doubt::MalformedEncoding),
            ("/%2", Doubt::MalformedEncoding),
            ("/%zz", Doubt::MalformedEncoding),
            ("/%00", Doubt::ControlCharacter),
            ("/%2500", Doubt::ControlCharacter),
            ("/%0d%0a", Doubt::ControlCharacter),
            ("/%C2%85", Doubt::ControlCharacter),
            ("/a\\b", Doubt::Backslash),
            ("/a%5cb", Doubt::Backslash),
            ("/a%255cb", Doubt::Backslash),
            ("/%ff", Doubt::NotUtf8),
            ("/%c0%af", Doubt::NotUtf8),
            ("/a/..;/b", Doubt::PathParameter),
            ("/a/.;x/b", Doubt::PathParameter),
            ("/a/%2e%2e%3b/b", Doubt::PathParameter),
            ("/a%2F..;x", Doubt::PathParameter),
            ("/a/%252e%252e;/b", Doubt::PathParameter),
            ("/%25252e", Doubt::EncodedTooOften),
        ] {
            assert_eq!(Path::parse(raw), Err(doubt), "{raw}");
        }
    }
}

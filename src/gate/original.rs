//! The request that a reverse proxy asks about.

use std::fmt;
use std::net::IpAddr;

use super::doubt::Doubt;
use super::host::Host;
use super::method::RequestMethod;
use super::path::Path;

/// The longest URL that is read, in bytes: what servers commonly take in a request line.
pub const MAX_URL_BYTES: usize = 8 * 1024;

/// Whether the way to the application is encrypted. A `WebSocket` is counted with what it begins as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// `https` and `wss`.
    Https,
    /// `http` and `ws`.
    Http,
}

impl Scheme {
    fn parse(text: &str) -> Result<Self, Doubt> {
        let is = |names: [&str; 2]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
        match () {
            () if is(["https", "wss"]) => Ok(Self::Https),
            () if is(["http", "ws"]) => Ok(Self::Http),
            () => Err(Doubt::Scheme),
        }
    }

    /// Returns it as URLs of pages begin.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

/// The URL of the original request: parsed once, strictly. It prints in its canonical form, without the port, since a
/// rule's host means every port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OriginalUrl {
    scheme: Scheme,
    host: Host,
    port: Option<u16>,
    path: Path,
    target: String,
}

impl OriginalUrl {
    /// Parses an absolute URL, as in `X-Original-URL`.
    ///
    /// # Errors
    /// When two programs might read it differently.
    pub fn parse(text: &str) -> Result<Self, Doubt> {
        check_length(text.len())?;
        let (scheme, rest) = text.split_once(':').ok_or(Doubt::NotAUrl)?;
        let rest = rest.strip_prefix("//").ok_or(Doubt::NotAUrl)?;
        let ends_authority = |byte: u8| matches!(byte, b'/' | b'?' | b'#' | b'\\');
        let (authority, target) = rest.split_at(rest.bytes().position(ends_authority).unwrap_or(rest.len()));
        // A URL may leave the path out; the target of a request may not.
        let target =
            if target.is_empty() || target.starts_with('?') { format!("/{target}") } else { target.to_owned() };
        Self::of(Scheme::parse(scheme), authority, target)
    }

    /// Parses a URL that comes in parts, as in `X-Forwarded-Proto`, `-Host` and `-Uri`.
    ///
    /// # Errors
    /// When two programs might read it differently.
    pub fn from_parts(proto: &str, authority: &str, uri: &str) -> Result<Self, Doubt> {
        check_length(proto.len().saturating_add(authority.len()).saturating_add(uri.len()))?;
        Self::of(Scheme::parse(proto), authority, uri.to_owned())
    }

    fn of(scheme: Result<Scheme, Doubt>, authority: &str, target: String) -> Result<Self, Doubt> {
        for part in [authority, &target] {
            check_characters(part)?;
        }
        let scheme = scheme?;
        let (host, port) = split_authority(authority)?;
        check_target(&target)?;
        let path = Path::parse(path_of(&target))?;
        let port = port.filter(|port| *port != scheme.default_port());
        Ok(Self { scheme, host, port, path, target })
    }

    /// Returns the scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the port, which is the scheme's own where the URL names none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.scheme.default_port())
    }

    /// Returns path and query as they came.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the paths that a server may see; the first is the URL's own, decoded and without dot segments.
    pub fn readings(&self) -> impl Iterator<Item = &str> {
        self.path.readings()
    }

    /// Returns the paths that a server sees which removes no dot segments, where there are any.
    pub(super) fn readings_with_dots(&self) -> impl Iterator<Item = &str> {
        self.path.with_dots.iter().map(String::as_str)
    }

    /// Returns what stands behind the first question mark, as it came.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// Returns the URL to go back to: path and query as they came.
    #[must_use]
    pub fn return_to(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}{}", self.scheme.as_str(), self.host, self.target)
    }
}

impl OriginalUrl {
    /// Returns the first page of the same host and port.
    #[must_use]
    pub fn root(&self) -> String {
        Self { target: "/".to_owned(), ..self.clone() }.return_to()
    }
}

impl fmt::Display for OriginalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.host, self.path.canonical())?;
        self.query().map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

fn check_length(length: usize) -> Result<(), Doubt> {
    if length > MAX_URL_BYTES { Err(Doubt::TooLong) } else { Ok(()) }
}

fn check_characters(text: &str) -> Result<(), Doubt> {
    // Nearly every URL is plain.
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    match text.chars().find(|c| c.is_control() || c.is_whitespace()) {
        Some(c) if c.is_control() => Err(Doubt::ControlCharacter),
        Some(_) => Err(Doubt::Whitespace),
        None => Ok(()),
    }
}

/// The query is never decided by, and browsers leave more in it as it is: a backslash, a lone percent sign.
fn check_target(target: &str) -> Result<(), Doubt> {
    if !target.is_ascii() {
        return Err(Doubt::NotAscii);
    }
    if target.contains('#') {
        return Err(Doubt::Fragment);
    }
    match target.as_bytes().first() {
        Some(b'/') => Ok(()),
        Some(b'\\') => Err(Doubt::Backslash),
        _ => Err(Doubt::NotAUrl),
    }
}

fn split_authority(authority: &str) -> Result<(Host, Option<u16>), Doubt> {
    if authority.contains('@') {
        return Err(Doubt::UserInfo);
    }
    let host_end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let Some((_, digits)) = authority[host_end..].rsplit_once(':') else {
        return Ok((Host::parse(authority)?, None));
    };
    // `parse` would take a sign.
    let is_number = digits.bytes().all(|b| b.is_ascii_digit());
    let port = digits.parse::<u16>().ok().filter(|port| is_number && *port != 0).ok_or(Doubt::Port)?;
    Ok((Host::parse(&authority[..authority.len() - digits.len() - 1])?, Some(port)))
}

/// A request that a proxy asks about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OriginalRequest {
    /// The URL.
    pub url: OriginalUrl,
    /// The method.
    pub method: RequestMethod,
    /// The address of the client, where it is known for certain.
    pub client: Option<IpAddr>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_url_has_one_canonical_form_and_keeps_its_own_to_go_back_to() {
        for (text, canonical, back) in [
            ("https://Wiki.Example.org.:443/a", "https://wiki.example.org/a", "https://wiki.example.org/a"),
            (
                "wss://wiki.example.org:8443/%61?b=%61",
                "https://wiki.example.org/a?b=%61",
                "https://wiki.example.org:8443/%61?b=%61",
            ),
            ("HTTP://wiki.lan", "http://wiki.lan/", "http://wiki.lan/"),
            ("https://wiki.lan?x=/../y", "https://wiki.lan/?x=/../y", "https://wiki.lan/?x=/../y"),
            ("https://[::0:1]/", "https://[::1]/", "https://[::1]/"),
            ("https://b\u{fc}cher.example/", "https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
            ("https://a.example/x/../y?\\100%", "https://a.example/y?\\100%", "https://a.example/x/../y?\\100%"),
        ] {
            let url = OriginalUrl::parse(text).expect(text);
            assert_eq!((url.to_string().as_str(), url.return_to().as_str()), (canonical, back), "{text}");
        }
    }

    #[test]
    fn parts_say_the_same_as_the_whole() {
        let whole = OriginalUrl::parse("https://wiki.example.org:8443//a?b");
        assert_eq!(OriginalUrl::from_parts("wss", "WIKI.example.org:8443", "//a?b"), whole);
        for (proto, authority, uri, doubt) in [
            ("", "a.example", "/", Doubt::Scheme),
            ("https", "", "/", Doubt::NoHost),
            ("https", "a.example", "", Doubt::NotAUrl),
            ("https", "a.example", "*", Doubt::NotAUrl),
            ("https", "a.example", "https://b.example/", Doubt::NotAUrl),
            ("https", "a.example/b", "/", Doubt::Host),
            ("https", "a.example, b.example", "/", Doubt::Whitespace),
            ("https", "a.example,b.example", "/", Doubt::Host),
            ("https,http", "a.example", "/", Doubt::Scheme),
            ("https://", "a.example", "/", Doubt::Scheme),
        ] {
            assert_eq!(OriginalUrl::from_parts(proto, authority, uri), Err(doubt), "{proto} {authority} {uri}");
        }
    }

    #[test]
    fn what_two_programs_might_read_differently_is_refused() {
        let long = format!("https://a.example/{}", "a".repeat(MAX_URL_BYTES));
        for (text, doubt) in [
            ("", Doubt::NotAUrl),
            ("/a", Doubt::NotAUrl),
            ("//a.example/", Doubt::NotAUrl),
            ("https:/a.example/", Doubt::NotAUrl),
            ("https:a.example", Doubt::NotAUrl),
            ("ftp://a.example/", Doubt::Scheme),
            ("javascript://a.example/", Doubt::Scheme),
            (" https://a.example/", Doubt::Scheme),
            ("https:///a", Doubt::NoHost),
            ("https://:443/a", Doubt::NoHost),
            ("https://a@b.example/", Doubt::UserInfo),
            ("https://a.example:x@b.example/", Doubt::UserInfo),
            ("https://a.example:/", Doubt::Port),
            ("https://a.example:0/", Doubt::Port),
            ("https://a.example:+80/", Doubt::Port),
            ("https://a.example:65536/", Doubt::Port),
            ("https://a.example\\.b.example/", Doubt::Backslash),
            ("https://a.example\\@b.example/", Doubt::Backslash),
            ("https://a.example/a b", Doubt::Whitespace),
            ("https://a.example/a\tb", Doubt::ControlCharacter),
            ("https://a.example/a\r\nX: y", Doubt::ControlCharacter),
            ("https://a.example/?a\0", Doubt::ControlCharacter),
            ("https://a.example/\u{fc}", Doubt::NotAscii),
            ("https://a.example/?\u{fc}", Doubt::NotAscii),
            ("https://a.example/#/a", Doubt::Fragment),
            ("https://a.example#", Doubt::Fragment),
            ("https://a.example/a?b#c", Doubt::Fragment),
            (&long, Doubt::TooLong),
        ] {
            assert_eq!(OriginalUrl::parse(text), Err(doubt), "{text:?}");
        }
    }

    fn urls() -> impl Strategy<Value = String> {
        let path = "(/|//|%2[fF]|;|%3[bB]|\\.|%2[eE]|%25|[a-c]|%6[1-3]|[|\"~]|%c3%bc|%20){0,12}";
        let host = "(a|B|b\u{fc}|xn--b-eha|\\.|A_c){1,4}";
        ("(https|wss|HTTP)", host, "(|\\.|:443|:8443)", path, "(|\\?[a-z/%.]{0,5})")
            .prop_map(|(scheme, host, port, path, query)| format!("{scheme}://{host}{port}/{path}{query}"))
    }

    proptest! {
        #[test]
        fn canonicalising_a_canonical_text_changes_nothing(text in urls()) {
            if let Ok(url) = OriginalUrl::parse(&text) {
                let canonical = url.to_string();
                let again = OriginalUrl::parse(&canonical).expect("a canonical text is a URL");
                prop_assert_eq!(again.to_string(), canonical.clone());
                prop_assert_eq!(again.return_to(), canonical);
                prop_assert_eq!(again.readings().next(), url.readings().next());
            }
        }

        #[test]
        fn going_back_leads_to_the_same_url(text in urls()) {
            if let Ok(url) = OriginalUrl::parse(&text) {
                prop_assert_eq!(OriginalUrl::parse(&url.return_to()), Ok(url));
            }
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,40}", more in any::<String>()) {
            let _ = (OriginalUrl::parse(&text), OriginalUrl::parse(&format!("https://{more}")));
            let _ = OriginalUrl::from_parts("https", "a.example", &more);
        }
    }
}

//! Hosts in one form, and the patterns by which rules name them.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use idna::AsciiDenyList;
use serde::{Deserialize, Serialize};

use super::doubt::Doubt;
use super::zones::is_private_zone;

/// A host's name in lower-case ASCII without a dot at its end, or an address; IPv6 stands in brackets.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Host(String);

impl Host {
    const MAX_BYTES: usize = 253; // RFC 1035, 2.3.4, in text
    const MAX_LABEL_BYTES: usize = 63;

    /// Parses a host without a port.
    ///
    /// # Errors
    /// When it is neither a name nor an address.
    pub fn parse(text: &str) -> Result<Self, Doubt> {
        if text.is_empty() {
            return Err(Doubt::NoHost);
        }
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return address.map(|address| Self(format!("[{address}]"))).ok_or(Doubt::Host);
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        // Nearly every host is written so already.
        Self::plain(name).map_or_else(|| Self::converted(name), Ok)
    }

    fn converted(name: &str) -> Result<Self, Doubt> {
        let name = idna::domain_to_ascii_cow(name.as_bytes(), AsciiDenyList::URL).map_err(|_| Doubt::Host)?;
        // Underscores are no part of host names, but of many that resolvers at home know.
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let is_label = |label: &str| (1..=Self::MAX_LABEL_BYTES).contains(&label.len()) && label.bytes().all(plain);
        if name.len() > Self::MAX_BYTES || !name.split('.').all(is_label) {
            return Err(Doubt::Host);
        }
        // Browsers take `127.1` and `0x7f.1` for an address (WHATWG URL, "ends in a number"): only the plain form is one.
        let is_plain_address = || name.parse::<Ipv4Addr>().is_ok_and(|address| address.to_string() == *name);
        if ends_in_a_number(&name) && !is_plain_address() {
            return Err(Doubt::Host);
        }
        Ok(Self(name.into_owned()))
    }

    /// Takes a name of labels that all begin with a letter, none of which is encoded (`xn--`): its one form is itself.
    fn plain(name: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is_label = |label: &str| {
            label.len() <= Self::MAX_LABEL_BYTES
                && label.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
                && label.bytes().all(plain)
                && !label.contains("--")
                && !label.ends_with('-')
        };
        (name.len() <= Self::MAX_BYTES && name.split('.').all(is_label)).then(|| Self(name.to_owned()))
    }

    /// Returns it as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an address.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.0.starts_with('[') || ends_in_a_number(&self.0)
    }

    /// Whether it is in a private zone.
    #[must_use]
    pub fn is_private(&self) -> bool {
        is_private_zone(&self.0)
    }

    /// Returns the domains that it lies below, the nearest first.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        let name = if self.is_address() { "" } else { &self.0 };
        name.match_indices('.').map(|(at, _)| &name[at + 1..])
    }
}

fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hexadecimal || last.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The hosts that a rule is for: one, or with a leading `*.` every one below a domain, but not the domain itself.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern {
    host: Host,
    is_below: bool,
}

impl HostPattern {
    /// Whether a host is among them.
    #[must_use]
    pub fn matches(&self, host: &Host) -> bool {
        if self.is_below { host.parents().any(|parent| parent == self.host.as_str()) } else { *host == self.host }
    }

    /// Returns the host, or the domain that the hosts lie below.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// Whether it is for the hosts below, rather than for the one.
    #[must_use]
    pub const fn is_below(&self) -> bool {
        self.is_below
    }
}

impl TryFrom<String> for HostPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str =
            "not a host; write \"wiki.example.org\", or \"*.example.org\" for every host below example.org";
        if let Some((scheme, rest)) = text.split_once("://") {
            let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
            return Err(format!(
                "a URL, where a host belongs; write \"{host}\" without {scheme}://: every port is meant"
            ));
        }
        if let Some((host, _)) = text.split_once(['/', '?', '#']) {
            return Err(format!("a host has no path; write \"{host}\", and the path in `paths`"));
        }
        if let Some((host, _)) = text.rsplit_once(':').filter(|_| !text.ends_with(']')) {
            return match text.parse::<Ipv6Addr>() {
                Ok(address) => Err(format!("IPv6 stands in brackets; write \"[{address}]\"")),
                Err(_) => Err(format!("a host of a rule has no port; write \"{host}\": every port is meant")),
            };
        }
        let (host, is_below) = text.strip_prefix("*.").map_or((text.as_str(), false), |host| (host, true));
        if host.contains('*') {
            return Err("a star stands at the beginning alone; write \"*.example.org\" for every host below it".into());
        }
        let host = Host::parse(host).map_err(|_| WRONG)?;
        if is_below && host.is_address() { Err(WRONG.into()) } else { Ok(Self { host, is_below }) }
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_below { "*." } else { "" })?;
        self.host.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_a_host_is_one() {
        for (text, one) in [
            ("Wiki.Example.ORG", "wiki.example.org"),
            ("wiki.example.org.", "wiki.example.org"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("wiki\u{3002}example\u{ff0e}org", "wiki.example.org"),
            ("my_app.lan", "my_app.lan"),
            ("127.0.0.1", "127.0.0.1"),
            ("[0:0::1]", "[::1]"),
        ] {
            assert_eq!(Host::parse(text).as_ref().map(Host::as_str), Ok(one), "{text}");
            assert_eq!(Host::parse(one).as_ref().map(Host::as_str), Ok(one), "{one}");
        }
    }

    #[test]
    fn what_may_be_read_as_another_host_is_refused() {
        for text in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a.example..",
            "a b",
            "a@b",
            "a%2eexample",
            "a:80",
            "a,b",
            "a/b",
            "a\\b",
            "127.1",
            "0x7f.1",
            "2130706433",
            "1.2.3.4.5",
            "01.2.3.4",
            "[::1",
            "::1]",
            "[::1%eth0]",
            "a\0b",
            "xn--a",
            "*.example.org",
            "a\u{ad}\u{200b}#",
            "[127.0.0.1]",
        ] {
            assert!(Host::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_that_is_taken_as_it_stands_would_not_be_converted(name in "[a-c0-2.x-]{1,12}|[a-z0-9-]{60,66}") {
            if let Some(host) = Host::plain(&name) {
                prop_assert_eq!(Host::converted(&name), Ok(host));
            }
        }
    }

    #[test]
    fn a_star_is_for_every_depth_and_never_for_the_domain_itself() {
        let pattern = HostPattern::try_from("*.Example.org".to_owned()).expect("a pattern");
        let matches = |host: &str| pattern.matches(&Host::parse(host).expect("a host"));
        assert!(matches("a.example.org") && matches("a.b.example.org"));
        assert!(!matches("example.org") && !matches("badexample.org") && !matches("example.org.evil.test"));
        assert_eq!(pattern.to_string(), "*.example.org");
    }

    #[test]
    fn what_is_no_host_is_explained() {
        for (text, hint) in [
            ("https://wiki.example.org/x", "write \"wiki.example.org\" without https://"),
            ("wiki.example.org:8443", "write \"wiki.example.org\": every port"),
            ("wiki.example.org/docs", "and the path in `paths`"),
            ("::1", "write \"[::1]\""),
            ("wiki.*.org", "a star stands at the beginning"),
            ("*", "a star stands at the beginning"),
            ("*.10.0.0.1", "not a host"),
            ("", "not a host"),
            ("a b", "not a host"),
        ] {
            let said = HostPattern::try_from(text.to_owned()).expect_err(text);
            assert!(said.contains(hint) && said.contains("; "), "{text}: {said}");
        }
    }
}

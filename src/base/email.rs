//! An e-mail address that we are willing to write to.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::typed::unlinked;

/// A parsed address: local part as typed, domain in lower-case ASCII (IDNA A-labels).
///
/// Two addresses are the same when they agree with ASCII case folded. Unicode is never folded
/// in the local part: a Kelvin sign is not a `k`, and look-alikes stay different people.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// The text is not an address that we accept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotAnAddress;

impl std::error::Error for NotAnAddress {}

impl fmt::Display for NotAnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an e-mail address; write it like \"ada@example.org\"")
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl EmailAddress {
    /// The longest address: RFC 5321, 4.5.3.1.3 less the angle brackets.
    pub const MAX_BYTES: usize = 254;
    /// The longest local part: RFC 5321, 4.5.3.1.1.
    const MAX_LOCAL_BYTES: usize = 64;

    /// Parses `local@domain`: a dot-atom (RFC 5322, 3.2.3; letters beyond ASCII as in RFC 6531), and a host name.
    /// Quoted local parts and address literals are refused. White space around it, angle brackets and `mailto:` are
    /// dropped: they come along when an address is copied.
    pub fn parse(text: &str) -> Result<Self, NotAnAddress> {
        let text = unlinked(text, "mailto:");
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnAddress)?;
        if text.len() > Self::MAX_BYTES || !is_local_part(local) {
            return Err(NotAnAddress);
        }
        let address = format!("{local}@{}", host_name(domain)?);
        // Measured again, because IDNA makes a domain longer.
        if address.len() > Self::MAX_BYTES { Err(NotAnAddress) } else { Ok(Self(address)) }
    }

    /// Returns the address as typed, with the normalised domain. This is what mail is sent to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form under which it is compared and looked up.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Returns what stands before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// Returns what stands behind the `@`, in lower-case ASCII.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// Masks it for a mail to somebody who need not know the whole: `a...@example.org`, in
    /// ASCII, so that a mail with it can be sent as it is.
    #[must_use]
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or(("", &self.0));
        format!("{}...@{domain}", local.chars().take(1).collect::<String>())
    }
}

fn is_local_part(local: &str) -> bool {
    let atom = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| {
                c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && c.is_alphanumeric())
            })
    };
    local.len() <= EmailAddress::MAX_LOCAL_BYTES && local.split('.').all(atom)
}

fn host_name(domain: &str) -> Result<String, NotAnAddress> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| NotAnAddress)?;
    let labels: Vec<&str> = ascii.split('.').collect();
    let last = labels.last().ok_or(NotAnAddress)?;
    // A number at the end would be an IP address in disguise.
    let is_name = labels.len() > 1 && !last.bytes().all(|b| b.is_ascii_digit());
    if is_name || ascii == "localhost" { Ok(ascii) } else { Err(NotAnAddress) }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}
impl Eq for EmailAddress {}
impl Hash for EmailAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_addresses_are_accepted() {
        for text in
            ["a@example.org", "a.b+tag@sub.example.org", "o'neill@home.arpa", "x@printer.local", "jürgen@example.org"]
        {
            assert!(EmailAddress::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        for text in [
            "",
            "@",
            "a@",
            "@example.org",
            "a@b",
            "a@@example.org",
            "a b@example.org",
            "a@exa mple.org",
            "a\r\nBcc:b@example.org",
            "a@example.org\r\nBcc: x@example.org",
            "a\0@example.org",
            "\"a b\"@example.org",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            ".a@example.org",
            "a..b@example.org",
            "a,b@example.org",
            "<a@example.org",
            "a@example.org>",
            "<<a@example.org>>",
            "a@-x.org",
            "a@example..org",
            "evil@a@example.org",
            &long,
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_comes_along_when_an_address_is_copied_is_dropped() {
        for text in [
            "\u{a0}a@example.org\t",
            "\u{feff}a@example.org\r\n",
            "<a@example.org>",
            "mailto:a@example.org",
            " <MAILTO:a@example.org?subject=x> ",
        ] {
            assert_eq!(EmailAddress::parse(text).as_ref().map(EmailAddress::as_str), Ok("a@example.org"), "{text:?}");
        }
    }

    #[test]
    fn case_is_folded_in_ascii_only() {
        let parse = |text| EmailAddress::parse(text).expect("an address");
        assert_eq!(parse("Alice@Example.ORG"), parse("alice@example.org"));
        assert_eq!(parse("Alice@Example.ORG").as_str(), "Alice@example.org");
        assert_ne!(parse("\u{212a}im@example.org"), parse("kim@example.org"));
        assert_ne!(parse("\u{e4}@example.org"), parse("\u{c4}@example.org"));
    }

    #[test]
    fn the_domain_is_compared_as_idna() {
        let parse = |text| EmailAddress::parse(text).expect("an address");
        assert_eq!(parse("a@BÜCHER.example"), parse("a@xn--bcher-kva.example"));
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_stable(text in "\\PC{0,80}|[a-z.@A-Z\u{e9}]{0,40}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(address.as_str()).expect("parsed once"), address.clone());
                prop_assert!(!address.as_str().chars().any(|c| c.is_control() || c.is_whitespace()));
                prop_assert_eq!(address.as_str().matches('@').count(), 1);
            }
        }
    }
}

//! The domain of a cookie that sibling hosts share.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::gate::Host;

use super::public_suffixes::is_public_suffix;

/// A domain that browsers take a cookie for, sent to every host at and below it: neither an address, nor a single label,
/// nor a public suffix.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct CookieDomain(Host);

impl CookieDomain {
    /// Returns the domain.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether a host is the domain, or lies below it.
    #[must_use]
    pub fn holds(&self, host: &Host) -> bool {
        *host == self.0 || host.parents().any(|parent| parent == self.as_str())
    }
}

impl TryFrom<String> for CookieDomain {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.contains("://") || text.contains(['/', ':', '*', '@']) && !text.starts_with('[') {
            return Err(
                "not a cookie's domain; write it like \"example.org\", without scheme, port, path or star".into()
            );
        }
        // Older cookies began with a dot, and mean the same (RFC 6265, 5.2.3).
        let name = text.strip_prefix('.').unwrap_or(&text);
        let host = Host::parse(name).map_err(|_| "not a cookie's domain; write it like \"example.org\"")?;
        if host.is_address() {
            return Err("no host lies below an address; give the hosts names, and write their domain".into());
        }
        if !host.as_str().contains('.') {
            return Err(format!(
                "browsers take no cookie for a single label; write a domain below it, like \"home.{host}\""
            ));
        }
        if is_public_suffix(host.as_str()) {
            return Err(format!(
                "strangers register names below it, so browsers take no cookie for it (public suffix list); write a domain of your own, like \"home.{host}\""
            ));
        }
        Ok(Self(host))
    }
}

impl From<CookieDomain> for String {
    fn from(domain: CookieDomain) -> Self {
        domain.to_string()
    }
}

impl fmt::Display for CookieDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        CookieDomain::try_from(text.to_owned()).map(String::from)
    }

    #[test]
    fn a_domain_of_ones_own_has_a_cookie() {
        for (text, domain) in [
            ("example.org", "example.org"),
            (".Example.org.", "example.org"),
            ("hill.duckdns.org", "hill.duckdns.org"),
            ("hill.lan", "hill.lan"),
            ("hill.home.arpa", "hill.home.arpa"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(domain), "{text}");
        }
    }

    #[test]
    fn what_has_none_is_explained() {
        for (text, hint) in [
            ("org", "single label"),
            ("lan", "like \"home.lan\""),
            ("localhost", "single label"),
            ("co.uk", "public suffix list"),
            ("duckdns.org", "like \"home.duckdns.org\""),
            ("home.arpa", "public suffix list"),
            ("10.0.0.1", "address"),
            ("[::1]", "address"),
            ("https://example.org", "without scheme"),
            ("example.org:443", "without scheme, port"),
            ("*.example.org", "star"),
            ("example.org/a", "path"),
            ("", "like \"example.org\""),
            ("..", "like \"example.org\""),
        ] {
            let said = parse(text).expect_err(text);
            assert!(said.contains(hint) && said.contains("; "), "{text}: {said}");
        }
    }

    #[test]
    fn a_domain_holds_itself_and_what_is_below() {
        let domain = CookieDomain::try_from("example.org".to_owned()).expect("a domain");
        let holds = |host: &str| domain.holds(&Host::parse(host).expect("a host"));
        assert!(holds("example.org") && holds("a.b.example.org"));
        assert!(!holds("badexample.org") && !holds("example.org.evil.test"));
    }
}

//! The URL at which people log in for the hosts of a cookie domain.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::gate::{Host, OriginalUrl, Scheme};

/// `https://host[:port]`, or `http://` in a private zone; without a path.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortalUrl {
    origin: String,
    host: Host,
}

impl PortalUrl {
    /// Returns scheme, host, and the port if it is not the scheme's default.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }
}

impl TryFrom<String> for PortalUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "not the URL of a site; write scheme and host only, like \"https://auth.example.org\"";
        let is_of_pages =
            text.split_once("://").is_some_and(|(scheme, _)| !scheme.to_ascii_lowercase().starts_with("ws"));
        let url = OriginalUrl::parse(&text).ok().filter(|_| is_of_pages).ok_or(WRONG)?;
        let back = url.return_to();
        let origin = back.strip_suffix('/').unwrap_or(&back);
        if origin.matches('/').count() > 2 || origin.contains('?') {
            return Err("the URL has a path; write scheme and host only, like \"https://auth.example.org\"");
        }
        if url.scheme() == Scheme::Http && !url.host().is_private() {
            return Err("http:// is only for private zones such as .lan and .home.arpa; write https://");
        }
        Ok(Self { origin: origin.to_owned(), host: url.host().clone() })
    }
}

impl From<PortalUrl> for String {
    fn from(url: PortalUrl) -> Self {
        url.origin
    }
}

impl fmt::Display for PortalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portal_is_a_scheme_and_a_host() {
        let parse = |text: &str| PortalUrl::try_from(text.to_owned()).map(String::from);
        for (text, origin) in [
            ("https://Auth.example.org/", "https://auth.example.org"),
            ("https://auth.example.org:8443", "https://auth.example.org:8443"),
            ("http://auth.hill.lan", "http://auth.hill.lan"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(origin), "{text}");
        }
        for (text, hint) in [
            ("auth.example.org", "scheme and host"),
            ("wss://auth.example.org", "scheme and host"),
            ("https://me@auth.example.org", "scheme and host"),
            ("https://auth.example.org/login", "has a path"),
            ("https://auth.example.org?a", "has a path"),
            ("http://auth.example.org", "only for private zones"),
        ] {
            let said = parse(text).expect_err(text);
            assert!(said.contains(hint) && said.contains("; "), "{text}: {said}");
        }
    }
}

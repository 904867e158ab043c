//! A host name, as certificates carry it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A DNS name in its ASCII form, lower case (RFC 1123, RFC 5891); neither an address nor a wildcard.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

impl HostName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HostName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "not a host's name; write it like \"auth.example.org\", without scheme, port or wildcard";
        let name = idna::domain_to_ascii_strict(text.trim_end_matches('.')).map_err(|_| WRONG)?;
        // What ends in a number is an address, or is taken for one (WHATWG URL, "ends in a number").
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_name = !name.is_empty() && name.len() <= 253 && !last.chars().all(|c| c.is_ascii_digit());
        if is_name { Ok(Self(name)) } else { Err(WRONG) }
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<String> {
        HostName::try_from(text.to_owned()).ok().map(|name| name.0)
    }

    #[test]
    fn names_come_in_one_form() {
        assert_eq!(parse("Auth.Example.org.").as_deref(), Some("auth.example.org"));
        assert_eq!(parse("bücher.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(parse("lodge").as_deref(), Some("lodge"));
    }

    #[test]
    fn addresses_wildcards_and_urls_are_no_names() {
        for text in [
            "",
            "*.example.org",
            "192.168.1.1",
            "[::1]",
            "::1",
            "https://a.example",
            "a.example:443",
            "a b.example",
            "a.123",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

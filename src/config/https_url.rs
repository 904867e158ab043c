//! A URL of another server that is only ever called over TLS.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `https://host[:port]/path`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpsUrl {
    text: String,
    host: String,
    port: u16,
}

impl HttpsUrl {
    /// Returns the host; IPv6 addresses stand in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the whole URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl TryFrom<String> for HttpsUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "not an https:// URL; write it whole, like \"https://acme.example.org/directory\"";
        let uri: http::Uri = text.parse().map_err(|_| WRONG)?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("https")).ok_or(WRONG)?;
        let names_nobody = authority.host().is_empty() || authority.as_str().contains('@');
        let port = authority.port().map_or(Some(443), |port| Some(port.as_u16()).filter(|port| *port != 0));
        match port.filter(|_| !names_nobody && authority.port_u16() == authority.port().map(|port| port.as_u16())) {
            Some(port) => Ok(Self { host: authority.host().to_ascii_lowercase(), port, text }),
            None => Err(WRONG),
        }
    }
}

impl From<HttpsUrl> for String {
    fn from(url: HttpsUrl) -> Self {
        url.text
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(String, u16)> {
        HttpsUrl::try_from(text.to_owned()).ok().map(|url| (url.host, url.port))
    }

    #[test]
    fn a_url_names_a_server() {
        assert_eq!(parse("https://acme.example.org/directory"), Some(("acme.example.org".into(), 443)));
        assert_eq!(parse("https://ACME.example.org:14000/dir"), Some(("acme.example.org".into(), 14000)));
        assert_eq!(parse("https://[::1]:14000/dir"), Some(("[::1]".into(), 14000)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "acme.example.org",
            "http://acme.example.org/",
            "https://",
            "https://a@b.example/",
            "https://b.example:0/",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

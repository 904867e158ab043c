//! A URL of another server that is sent something: over TLS, or in clear on this machine.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::HttpsUrl;
use super::site_url::is_loopback;

/// `https://host[:port]/path`, or `http://` on loopback.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetUrl {
    url: HttpsUrl,
    is_https: bool,
}

impl TargetUrl {
    /// Returns the host; IPv6 addresses stand in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host()
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        let has_none = self.url.as_str()["https://".len()..].split('/').next().is_none_or(|part| !has_port(part));
        if has_none && !self.is_https { 80 } else { self.url.port() }
    }

    /// Whether it is called over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }
}

fn has_port(authority: &str) -> bool {
    authority.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
}

impl TryFrom<String> for TargetUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "not an https:// URL; write it whole, like \"https://gateway.example.org/send\"";
        match text.strip_prefix("http://") {
            None => Ok(Self { url: HttpsUrl::try_from(text).map_err(|_| WRONG)?, is_https: true }),
            Some(rest) => {
                let url = HttpsUrl::try_from(format!("https://{rest}")).map_err(|_| WRONG)?;
                let is_near = is_loopback(url.host());
                is_near.then_some(Self { url, is_https: false }).ok_or("http:// is only for loopback; write https://")
            }
        }
    }
}

impl From<TargetUrl> for String {
    fn from(url: TargetUrl) -> Self {
        url.to_string()
    }
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.url.as_str();
        f.write_str(if self.is_https { whole } else { "http://" })?;
        f.write_str(if self.is_https { "" } else { &whole["https://".len()..] })
    }
}

#[cfg(test)]
mod tests {
    use super::TargetUrl;

    #[test]
    fn in_clear_only_on_this_machine() {
        for (text, port) in [
            ("https://wiki.example.org/hook", 443),
            ("https://wiki.example.org:8443/hook?a=b", 8443),
            ("http://127.0.0.1/hook", 80),
            ("http://[::1]/hook", 80),
            ("http://localhost:3000/hook", 3000),
        ] {
            let url = TargetUrl::try_from(text.to_owned()).unwrap_or_else(|reason| panic!("{text}: {reason}"));
            assert_eq!((url.port(), url.to_string().as_str()), (port, text));
        }
        for wrong in
            ["http://wiki.example.org/", "ftp://x/", "wiki", "https://me@wiki.example.org/", "http://192.168.1.2/"]
        {
            assert!(TargetUrl::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}

//! The URL at which people reach the site: the only source of links.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize};

/// `https://host[:port]`, or `http://` on loopback. It has no path and no trailing slash.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct SiteUrl {
    origin: String,
    host: String,
    port: Option<u16>,
    is_https: bool,
}

impl SiteUrl {
    /// Returns the origin, as browsers send it in `Origin`: scheme, host, and
    /// the port if it is not the scheme's default.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns host and port, as browsers write them into `Host`: the port only if it is not the scheme's default.
    #[must_use]
    pub fn authority(&self) -> &str {
        let scheme = if self.is_https { "https://" } else { "http://" };
        &self.origin[scheme.len()..]
    }

    /// Returns the host without a port; IPv6 addresses stand in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port, if it is not the scheme's default.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether browsers reach it over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Whether a host, in lower case, is the site's: its own, and on loopback every name and address of this machine.
    #[must_use]
    pub fn is_at(&self, host: &str) -> bool {
        host == self.host || (self.is_loopback() && is_loopback(host))
    }

    /// Returns the URL of a page; `path` begins with a slash.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

/// Whether a host name or address can only mean this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.ends_with(".localhost") || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

impl TryFrom<String> for SiteUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "not a site's URL; write scheme and host only, like \"https://auth.example.org\"";
        let (scheme, rest) = text.split_once("://").ok_or(WRONG)?;
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err("neither https nor http; write \"https://auth.example.org\""),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err("a site's URL has no path; give the site a host name of its own");
        }
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        let (host, port) = split_port(authority).ok_or_else(|| match authority.rsplit_once(':') {
            Some((_, port)) if is_port(port) => "no port there is; ports are numbers from 1 to 65535",
            _ => WRONG,
        })?;
        let host = normal_host(host).ok_or_else(|| trouble_with_host(host).unwrap_or(WRONG))?;
        // Over plain HTTP, links and cookies could be read on their way; on loopback nobody stands in between.
        if !is_https && !is_loopback(&host) {
            return Err("http:// is only for loopback; write https:// (with tls.mode = \"off\" a proxy may serve it)");
        }
        let default_port = if is_https { 443 } else { 80 };
        let port = port.filter(|port| *port != default_port);
        let shown = port.map(|port| format!(":{port}")).unwrap_or_default();
        let scheme = if is_https { "https" } else { "http" };
        Ok(Self { origin: format!("{scheme}://{host}{shown}"), host, port, is_https })
    }
}

/// Returns what keeps a text from being a host, and what to write instead.
fn trouble_with_host(host: &str) -> Option<&'static str> {
    if host.contains('@') {
        Some("a site's URL names no user; leave out what stands before the @")
    } else if host.contains('_') {
        Some("a host's name has no underscore; write \"-\" in its place, or the name under which it is found")
    } else if host.ends_with('.') {
        Some("a site's URL has no dot behind the host; leave it out, for browsers take it for another site")
    } else {
        None
    }
}

/// Deserialises a list of origins; its errors speak of origins.
pub(super) fn listed_origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SiteUrl>, D::Error> {
    let origin = |text: String| {
        let start = text.find("://").map_or(0, |at| at + 3);
        let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |at| start + at);
        SiteUrl::try_from(text.clone()).map_err(|said| match SiteUrl::try_from(text[..end].to_owned()) {
            Ok(origin) => format!("an origin has no path; write \"{origin}\""),
            Err(_) => said.replace("a site's URL", "an origin"),
        })
    };
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.into_iter().map(|text| origin(text).map_err(serde::de::Error::custom)).collect()
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let host_end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority[host_end..].rsplit_once(':') {
        None => Some((authority, None)),
        Some((_, port)) => {
            let number: u16 = port.parse().ok().filter(|number| *number != 0)?;
            Some((&authority[..authority.len() - port.len() - 1], Some(number)))
        }
    }
}

fn normal_host(host: &str) -> Option<String> {
    if let Some(inner) = host.strip_prefix('[') {
        let address: std::net::Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    idna::domain_to_ascii_strict(host).ok().filter(|host| !host.is_empty())
}

impl From<SiteUrl> for String {
    fn from(url: SiteUrl) -> Self {
        url.origin
    }
}

impl fmt::Display for SiteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Option<String> {
        SiteUrl::try_from(text.to_owned()).ok().map(|url| url.origin)
    }

    #[test]
    fn a_site_is_a_scheme_and_a_host() {
        for (text, expected) in [
            ("https://auth.example.org", "https://auth.example.org"),
            ("https://Auth.Example.org/", "https://auth.example.org"),
            ("https://auth.example.org:443", "https://auth.example.org"),
            ("https://localhost:8443", "https://localhost:8443"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(origin(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "auth.example.org",
            "ftp://a.example",
            "https://",
            "https://a.example/path",
            "https://a.example?x",
            "https://user@a.example",
            "https://a.example:0",
            "https://a.example:99999",
            "http://auth.example.org",
            "https://a b.example",
        ] {
            assert_eq!(origin(text), None, "{text}");
        }
    }
}

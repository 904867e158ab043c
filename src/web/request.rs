//! A request, read whole and checked for form, and the client's address behind proxies.

use std::net::{IpAddr, SocketAddr};
use std::sync::Once;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use ipnet::IpNet;

use crate::app::{Arrival, Caller};
use crate::sessions::Client;

use super::cookies::only;
use super::encoded::parse_form;
use super::failure::Failure;
use super::fields::Fields;
use super::viewer::Viewer;

/// The arrival of a request.
#[derive(Clone, Copy)]
pub struct Received {
    /// When it had arrived, as far as it is read before work on it begins.
    pub at: Instant,
    /// The other end of the connection: the client, or a proxy.
    pub peer: IpAddr,
    /// The client's address, seen through trusted proxies.
    pub network: IpAddr,
    /// Whether the target is known to be all that was sent: of HTTP/2 and pipelined requests a fragment may be missing.
    pub is_target_whole: bool,
}

/// A request as a handler receives it.
pub(super) struct Request {
    /// GET also stands for HEAD.
    pub method: Method,
    /// Names and values, each name once.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, within its limit.
    pub body: Bytes,
    /// The client's address, seen through trusted proxies.
    pub network: IpAddr,
    /// The other end of the connection: the client, or a proxy.
    pub peer: IpAddr,
    /// The name of the device cookie, which shows earlier logins.
    pub device_cookie: &'static str,
    /// The name of the cookie that marks a trusted browser.
    pub trust_cookie: &'static str,
    /// The values of the route's `{…}`, by name.
    pub parameters: Vec<(String, String)>,
    /// Whether the script of a listed front end sent it.
    pub is_from_front_end: bool,
    /// Who looks at the page, if it is one.
    pub viewer: Viewer,
    /// The caller, on routes that need a login.
    pub caller: Option<Caller>,
}

impl Request {
    /// Returns the caller. Routes that need a login are not entered without one.
    pub(super) fn caller(&self) -> Result<&Caller, Failure> {
        self.caller.as_ref().ok_or(Failure::NotLoggedIn)
    }

    /// Returns the value of the route's `{name}`.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Whether it comes from this machine, and not through a proxy.
    pub(super) fn is_from_this_machine(&self) -> bool {
        // A proxy on this machine that is not listed as trusted would otherwise make every client look local.
        let came_through = ["forwarded", "x-forwarded-for", "via"];
        self.network.is_loopback() && !came_through.iter().any(|name| self.headers.contains_key(*name))
    }

    /// Returns how it arrived, for an administrator who checks a proxy's settings.
    pub(super) fn arrival(&self) -> Arrival {
        let text = |name: &str| {
            let lines =
                self.headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
            lines.collect::<Vec<_>>().join(", ")
        };
        let forwarded = Some(text("x-forwarded-for")).filter(|forwarded| !forwarded.is_empty());
        Arrival { peer: self.peer, network: self.network, forwarded, host: text("host") }
    }

    /// Returns the value of a query parameter.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Refuses unknown query parameters: a caller who asks for some rows of a list must not be given all.
    pub(super) fn takes_only(&self, names: &[&str]) -> Result<(), Failure> {
        let is_known = |name: &str| names.contains(&name);
        if self.query.iter().all(|(name, _)| is_known(name)) { Ok(()) } else { Err(Failure::UnknownParameter) }
    }

    /// Parses the members of the JSON body.
    pub(super) fn json(&self) -> Result<Fields, Failure> {
        // The exact type is part of the CSRF protection: a form of another site can send text, but no JSON without a
        // preflight.
        if self.media_type() != "application/json" {
            return Err(Failure::UnsupportedMediaType);
        }
        Fields::from_json(&self.body)
    }

    /// Parses the fields of the posted form.
    pub(super) fn form(&self) -> Result<Fields, Failure> {
        if self.media_type() != "application/x-www-form-urlencoded" {
            return Err(Failure::UnsupportedMediaType);
        }
        Fields::from_form(&self.body)
    }

    /// Whether it has a body that is declared as JSON.
    pub(super) fn has_json_body(&self) -> bool {
        !self.body.is_empty() && self.media_type() == "application/json"
    }

    fn media_type(&self) -> String {
        let value = self.headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        String::from_utf8_lossy(value).split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Returns what is recorded of the client: address, user agent, device and trust cookies.
    pub(super) fn client(&self) -> Client {
        let device = only(&self.headers, self.device_cookie).unwrap_or_default();
        let agent = self.headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let trust = only(&self.headers, self.trust_cookie).unwrap_or_default();
        Client::new(self.network, agent.as_deref().unwrap_or_default(), device).trusted_by(trust)
    }
}

/// Parses the query; a name given twice is refused.
pub(super) fn parse_query(query: Option<&str>) -> Result<Vec<(String, String)>, Failure> {
    let pairs = parse_form(query.unwrap_or_default().as_bytes())?;
    let is_repeated =
        |(index, (name, _)): (usize, &(String, String))| pairs[..index].iter().any(|(earlier, _)| earlier == name);
    if pairs.iter().enumerate().any(is_repeated) { Err(Failure::RepeatedParameter) } else { Ok(pairs) }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The most proxies that a request is followed back through.
pub(super) const MAX_PROXIES: usize = 16;

/// Returns the client's address: the peer, or, behind trusted proxies, the last address in `X-Forwarded-For` that is
/// not itself a trusted proxy. An unreadable entry is not believed, nor anything before it.
pub(super) fn client_network(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    // From the right: proxies append, so what the client itself sent stands first and may be any bytes. It must neither
    // pass for an address nor hide the one that the proxy saw.
    let lines: Vec<&[u8]> = headers.get_all(X_FORWARDED_FOR).iter().map(HeaderValue::as_bytes).collect();
    let mut client = peer;
    for text in lines.iter().flat_map(|line| line.split(|byte| *byte == b',')).rev().take(MAX_PROXIES) {
        let Some(address) = str::from_utf8(text).ok().and_then(|text| forwarded_address(text.trim())) else {
            // The trusted proxy itself wrote this one, so its settings are wrong, not the client.
            if client == peer {
                UNREADABLE.call_once(|| {
                    let text = String::from_utf8_lossy(text);
                    let text: String = text.chars().take(MAX_TOLD_CHARS).collect();
                    tracing::warn!(%peer, ?text, "the proxy's X-Forwarded-For does not end with an address: everybody behind it counts as one");
                });
            }
            break;
        };
        client = address.to_canonical();
        if !is_trusted(&client) {
            break;
        }
    }
    client
}

/// The most characters of it that are logged.
const MAX_TOLD_CHARS: usize = 100;
/// Logged once, not with every request.
static UNREADABLE: Once = Once::new();

/// Parses an address as proxies write it: some add the port (`192.0.2.1:4711`, `[2001:db8::1]:443`), or the brackets
/// alone.
pub fn forwarded_address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    text.parse().ok().or_else(with_port).or_else(bracketed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().expect("a network")).collect();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(line.as_bytes()).expect("no control characters"));
        }
        client_network(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    #[test]
    fn forwarded_addresses_are_believed_from_trusted_proxies_only() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"], &[]), "203.0.113.9");
        assert_eq!(seen("127.0.0.1", &["198.51.100.1"], &["127.0.0.0/8"]), "198.51.100.1");
        assert_eq!(seen("::ffff:127.0.0.1", &["198.51.100.1"], &["127.0.0.0/8"]), "198.51.100.1");
    }

    #[test]
    fn only_the_end_of_the_chain_is_believed() {
        let trusted = &["127.0.0.0/8", "10.0.0.0/8"];
        assert_eq!(seen("127.0.0.1", &["6.6.6.6, 198.51.100.1, 10.0.0.2"], trusted), "198.51.100.1");
        assert_eq!(seen("127.0.0.1", &["6.6.6.6", "198.51.100.1"], trusted), "198.51.100.1");
        assert_eq!(seen("127.0.0.1", &["6.6.6.6, garbage, 10.0.0.2"], trusted), "10.0.0.2");
        let seen_behind = |lines: &[&[u8]]| {
            let lines = lines.iter().map(|line| HeaderValue::from_bytes(line).expect("no control characters"));
            let headers = lines.map(|line| (http::HeaderName::from_static("x-forwarded-for"), line)).collect();
            let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().expect("a network")).collect();
            client_network("127.0.0.1".parse().expect("an address"), &headers, &trusted).to_string()
        };
        assert_eq!(seen_behind(&[b"\xfc, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(seen_behind(&[b"\xfc", b"198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen_behind(&[b"198.51.100.1, \xfc"]), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &[], trusted), "127.0.0.1");
    }

    #[test]
    fn a_port_beside_a_forwarded_address_is_understood() {
        for (text, address) in [
            ("198.51.100.1:5678", "198.51.100.1"),
            ("6.6.6.6, 198.51.100.1:80", "198.51.100.1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[::ffff:198.51.100.1]:80", "198.51.100.1"),
            ("198.51.100.1:x", "127.0.0.1"),
            ("[198.51.100.1]", "127.0.0.1"),
            ("198.51.100.1:80:80", "127.0.0.1"),
            ("unknown", "127.0.0.1"),
        ] {
            assert_eq!(seen("127.0.0.1", &[text], &["127.0.0.0/8"]), address, "{text}");
        }
    }

    #[test]
    fn a_long_chain_of_proxies_is_followed_so_far() {
        let chain: &'static str = Box::leak(format!("6.6.6.6{}", ", 10.0.0.2".repeat(5_000)).into_boxed_str());
        assert_eq!(seen("127.0.0.1", &[chain], &["127.0.0.0/8", "10.0.0.0/8"]), "10.0.0.2");
    }

    #[test]
    fn a_query_parameter_given_twice_is_refused() {
        assert_eq!(parse_query(Some("a=1&b=2&a=3")), Err(Failure::RepeatedParameter));
        assert!(parse_query(Some("a=1&b=2")).is_ok());
    }
}

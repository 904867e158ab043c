//! Checks that a request is meant for this site's host (DNS rebinding, cache poisoning), and not for another's.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use http::request::Parts;
use http::{HeaderMap, Uri, Version, header};

use crate::config::{AccessDomain, HostName, SiteUrl};

use super::failure::Failure;

/// Paths that are answered for any host: load balancers and service managers ask by address, and nothing there is of
/// use to a page of another site.
const FOR_ANY_HOST: [&str; 2] = ["/healthz", "/readyz"];

/// The longest name in DNS, with its dot (RFC 1035, 2.3.4).
const MAX_NAME_BYTES: usize = 254;

/// A host, and the port if one is named.
#[derive(Debug, Eq, PartialEq)]
struct Authority {
    /// In lower case, without the dot at the end; IPv6 addresses stand in brackets.
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Parses `Host`, `:authority` or an absolute target (RFC 9110, 7.2; RFC 3986, 3.2.2). Names may hold letters,
    /// digits, dots, dashes and underscores only, so user information and percent-encoding are refused.
    fn parse(text: &str) -> Option<Self> {
        let host_end = text.find(']').map_or_else(|| text.find(':').unwrap_or(text.len()), |bracket| bracket + 1);
        let (host, rest) = text.split_at(host_end);
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            Some("") => None,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
            _ => return None,
        };
        let host = if let Some(inner) = host.strip_prefix('[') {
            format!("[{}]", inner.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?)
        } else {
            let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            let name = host.strip_suffix('.').unwrap_or(host);
            let is_name = host.len() <= MAX_NAME_BYTES
                && name.split('.').all(|label| !label.is_empty() && label.bytes().all(is_of_a_name));
            is_name.then(|| name.to_ascii_lowercase())?
        };
        Some(Self { host, port })
    }

    /// Whether it names this site. A port, if given, must be that of `site.url` or the one that took the connection:
    /// where a router or a container forwards ports, the two differ, and people inside use the second. Without a port
    /// the host alone counts: a page on another host can be led here (DNS rebinding), but its requests carry its own
    /// name.
    fn is_of(&self, asked: &Asked<'_>) -> bool {
        let port = asked.site.port().unwrap_or(if asked.site.is_https() { 443 } else { 80 });
        let is_at = asked.site.is_at(&self.host) || asked.certified.iter().any(|host| host.as_str() == self.host);
        is_at && self.port.is_none_or(|named| named == port || named == asked.listener)
    }
}

/// What the host of a request is checked against.
pub(super) struct Asked<'a> {
    /// The site.
    pub site: &'a SiteUrl,
    /// The names on the site's certificate: whoever requests a certificate for a name has pointed it here.
    pub certified: &'a BTreeSet<HostName>,
    /// Where people log in for the applications of other domains, of which one page is ours.
    pub domains: &'a [AccessDomain],
    /// The port that took the connection.
    pub listener: u16,
    /// Whether a trusted proxy sent it: many put another name into `Host`.
    pub is_through_proxy: bool,
}

/// Refuses a request for another host with 421 (RFC 9110, 7.4 and 15.5.20), and one that names no host, or several,
/// with 400 (RFC 9112, 3.2).
pub(super) fn check(head: &Parts, asked: &Asked<'_>) -> Result<(), Failure> {
    // The usual form, compared as it stands: it needs no parsing, and every request passes here.
    if head.uri.authority().is_none()
        && let Some(host) = the_one_host(&head.headers)?
        && [asked.site.authority(), asked.site.host()].contains(&host)
    {
        return Ok(());
    }
    let (host, target) = authorities(head)?;
    // Only after parsing: ambiguous hosts are refused from everybody, since a proxy may have read the other one.
    if asked.is_through_proxy || FOR_ANY_HOST.contains(&head.uri.path()) {
        return Ok(());
    }
    let is_door = head.uri.path().starts_with("/door/");
    let portals = || asked.domains.iter().filter_map(|domain| domain.url.as_ref());
    let is_portal = |authority: &Authority| portals().any(|portal| portal.host().as_str() == authority.host);
    let is_ours = |authority: &Authority| authority.is_of(asked) || is_door && is_portal(authority);
    if [host, target].iter().flatten().all(is_ours) { Ok(()) } else { Err(Failure::Misdirected) }
}

/// Returns the host that a request names, without its port.
pub(super) fn named(head: &Parts, uri: &Uri) -> Option<String> {
    let named = uri.authority().map(http::uri::Authority::as_str).or(the_one_host(&head.headers).ok().flatten())?;
    Some(Authority::parse(named)?.host)
}

/// Refuses a request that names no host, or several; which one it names does not matter.
pub(super) fn check_form(head: &Parts) -> Result<(), Failure> {
    authorities(head).map(drop)
}

/// Returns the host of the `Host` header, and that of the target: an absolute one, or `:authority` of HTTP/2.
fn authorities(head: &Parts) -> Result<(Option<Authority>, Option<Authority>), Failure> {
    let parse = |text: &str| Authority::parse(text).ok_or(Failure::MalformedRequest);
    if head.uri.scheme_str().is_some_and(|scheme| !matches!(scheme, "http" | "https")) {
        return Err(Failure::MalformedRequest);
    }
    let host = the_one_host(&head.headers)?.map(parse).transpose()?;
    let target = head.uri.authority().map(|authority| parse(authority.as_str())).transpose()?;
    match (&host, &target, head.version) {
        // HTTP/1.0 has no Host header; no browser speaks it, so no page can abuse that.
        (None, _, Version::HTTP_11) | (None, None, Version::HTTP_2) => Err(Failure::MalformedRequest),
        // Two different hosts: malformed in HTTP/2 (RFC 9113, 8.3.1). In HTTP/1.1 the target counts (RFC 9112, 3.2.2),
        // but a proxy in front may have gone by the header.
        (Some(host), Some(target), Version::HTTP_2) if host != target => Err(Failure::MalformedRequest),
        (Some(host), Some(target), _) if host != target => Err(Failure::Misdirected),
        _ => Ok((host, target)),
    }
}

fn the_one_host(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let Some(first) = hosts.next() else { return Ok(None) };
    match (first.to_str(), hosts.next()) {
        (Ok(host), None) => Ok(Some(host)),
        _ => Err(Failure::MalformedRequest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(text: &str) -> Option<(String, Option<u16>)> {
        Authority::parse(text).map(|authority| (authority.host, authority.port))
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for (text, host, port) in [
            ("auth.example.org", "auth.example.org", None),
            ("Auth.Example.ORG.:8443", "auth.example.org", Some(8443)),
            ("localhost:", "localhost", None),
            ("192.0.2.1:80", "192.0.2.1", Some(80)),
            ("[2001:DB8::1]:443", "[2001:db8::1]", Some(443)),
            ("my_host", "my_host", None),
        ] {
            assert_eq!(authority(text), Some((host.to_owned(), port)), "{text}");
        }
        for text in [
            "",
            ".",
            "a..b",
            ".a",
            "a b",
            "x@host",
            "localhost/evil",
            "localhost:1:2",
            "localhost, evil.example",
            "localhost:x",
            "localhost:+1",
            "localhost:65536",
            "[::1",
            "::1",
            "[::1]x",
            "[fe80::1%25eth0]",
            "[localhost]",
            "a%2eb",
            "a\\b",
            "a#b",
            "a?b",
            "a:80]",
            "b\u{fc}cher.example",
            "host:-1",
        ] {
            assert_eq!(authority(text), None, "{text:?}");
        }
        assert_eq!(authority(&"a".repeat(255)), None);
    }

    /// What becomes of a request for `target` with these lines of `Host`, at the site's port 443 that 8443 listens for.
    fn checked(version: Version, target: &str, hosts: &[&str]) -> Result<(), Failure> {
        let site = SiteUrl::try_from("https://auth.example.org".to_owned()).expect("a site");
        let mut request = http::Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header("host", *host);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        let certified = BTreeSet::from([HostName::try_from("gate.example.org".to_owned()).expect("a name")]);
        check(
            &head,
            &Asked { site: &site, certified: &certified, domains: &[], listener: 8443, is_through_proxy: false },
        )
    }

    const OURS: Result<(), Failure> = Ok(());
    const FOREIGN: Result<(), Failure> = Err(Failure::Misdirected);
    const MALFORMED: Result<(), Failure> = Err(Failure::MalformedRequest);

    #[test]
    fn only_the_site_is_answered_for() {
        use Version as V;
        for (version, target, hosts, expected) in [
            (V::HTTP_11, "/login", &["auth.example.org"][..], OURS),
            (V::HTTP_11, "/login", &["AUTH.example.org.:443"], OURS),
            (V::HTTP_11, "/login", &["auth.example.org:8443"], OURS),
            (V::HTTP_11, "/login", &["gate.example.org"], OURS),
            (V::HTTP_11, "/login", &["auth.example.org:80"], FOREIGN),
            (V::HTTP_11, "/login", &["evil.example"], FOREIGN),
            (V::HTTP_11, "/login", &["localhost"], FOREIGN),
            (V::HTTP_11, "/login", &["auth.example.org.evil.example"], FOREIGN),
            (V::HTTP_11, "/healthz", &["192.0.2.1"], OURS),
            (V::HTTP_11, "/healthz", &["x@y"], MALFORMED),
            (V::HTTP_11, "/readyz/x", &["evil.example"], FOREIGN),
            (V::HTTP_11, "/login", &[], MALFORMED),
            (V::HTTP_11, "/login", &["auth.example.org", "auth.example.org"], MALFORMED),
            (V::HTTP_10, "/login", &[], OURS),
            (V::HTTP_10, "/login", &["auth.example.org", "evil.example"], MALFORMED),
            (V::HTTP_10, "/login", &["evil.example"], FOREIGN),
            (V::HTTP_11, "https://auth.example.org/login", &["auth.example.org"], OURS),
            (V::HTTP_11, "https://evil.example/login", &["auth.example.org"], FOREIGN),
            (V::HTTP_11, "https://auth.example.org/login", &["evil.example"], FOREIGN),
            (V::HTTP_11, "https://evil.example/login", &["evil.example"], FOREIGN),
            (V::HTTP_11, "https://user@auth.example.org/login", &["auth.example.org"], MALFORMED),
            (V::HTTP_11, "ftp://auth.example.org/login", &["auth.example.org"], MALFORMED),
            (V::HTTP_2, "https://auth.example.org/login", &[], OURS),
            (V::HTTP_2, "https://auth.example.org/login", &["auth.example.org"], OURS),
            (V::HTTP_2, "https://auth.example.org/login", &["evil.example"], MALFORMED),
            (V::HTTP_2, "https://evil.example/login", &[], FOREIGN),
            (V::HTTP_2, "gopher://auth.example.org/login", &[], MALFORMED),
            (V::HTTP_2, "/login", &[], MALFORMED),
        ] {
            assert_eq!(checked(version, target, hosts), expected, "{version:?} {target} {hosts:?}");
        }
    }

    #[test]
    fn on_loopback_every_name_of_this_machine_is_the_site() {
        let site = SiteUrl::try_from("https://localhost:8443".to_owned()).expect("a site");
        let asked =
            Asked { site: &site, certified: &BTreeSet::new(), domains: &[], listener: 8443, is_through_proxy: false };
        let is_of = |text: &str| Authority::parse(text).expect("an authority").is_of(&asked);
        for ours in ["localhost", "localhost:8443", "127.0.0.1:8443", "[::1]:8443", "app.localhost"] {
            assert!(is_of(ours), "{ours}");
        }
        for others in ["evil.example", "127.0.0.1.evil.example", "localhost:8444", "192.168.1.2:8443", "localhostx"] {
            assert!(!is_of(others), "{others}");
        }
    }
}

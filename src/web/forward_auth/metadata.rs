//! Reads the original request from what a reverse proxy says of it. Whatever is not certain is refused.

use std::fmt;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use ipnet::IpNet;

use crate::gate::{Doubt, OriginalRequest, OriginalUrl, RequestMethod};
use crate::web::encoded::parse_form;
use crate::web::request::{MAX_PROXIES, Received, forwarded_address};

static METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
static PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
static FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static ORIGINAL_URL: HeaderName = HeaderName::from_static("x-original-url");
static ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");

/// Beginnings of headers of which no spelling with underscores may come along: some servers take `X_Forwarded_Host` for
/// `X-Forwarded-Host`, and applications `Remote_User` for `Remote-User` (CVE-2026-39858, CVE-2026-52845).
const NO_TWINS: [&str; 9] = [
    "x-forwarded-",
    "x-original-",
    "remote-user",
    "remote-groups",
    "remote-email",
    "remote-name",
    "x-authentik-",
    "x-auth-request-",
    "x-vouch-",
];

/// Where an endpoint reads the original request from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    /// `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`.
    Forwarded,
    /// `X-Original-URL` and `X-Original-Method`.
    OriginalUrl,
    /// Either of the two; where both are there, they must agree.
    Either,
    /// The request itself, below this path, and `X-Forwarded-Proto`.
    Below(&'static str),
    /// The request itself, but for the target, which is its parameter `path`, and `X-Forwarded-Proto`.
    PathParameter,
}

/// The reason why the original request is not known.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum NotKnown {
    /// It was not a trusted proxy that asked.
    NotTrusted,
    /// A header is not there.
    Missing(&'static str),
    /// A header comes more than once.
    Repeated(&'static str),
    /// A header holds other bytes than ASCII that prints.
    Malformed(&'static str),
    /// Another spelling of a header came along.
    Twin(&'static str),
    /// `X-Original-URL` and the `X-Forwarded-` headers say different things.
    Disagree,
    /// It is known, and no rule is for it.
    NoRule,
    /// It came over HTTP/2 or behind another, and what may follow its target was not seen.
    NotWhole,
    /// What they say might be read differently by different programs.
    Doubt(Doubt),
}

impl From<Doubt> for NotKnown {
    fn from(doubt: Doubt) -> Self {
        Self::Doubt(doubt)
    }
}

impl fmt::Display for NotKnown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTrusted => f.write_str("it comes from no address in proxy.trusted"),
            Self::Missing(name) => write!(f, "the proxy does not send {name}"),
            Self::Repeated(name) => write!(f, "{name} comes more than once: the proxy has to replace a client's own"),
            Self::Malformed(name) => write!(f, "{name} is not plain text"),
            Self::Twin(name) => write!(f, "{name} came along with underscores: the proxy has to remove a client's own"),
            Self::Disagree => f.write_str("X-Original-URL and the X-Forwarded- headers say different things"),
            Self::NotWhole => {
                f.write_str("a proxy that asks by path has to ask over HTTP/1.1, one request after another")
            }
            Self::NoRule => f.write_str("no access rule is for the host or the path"),
            Self::Doubt(doubt) => doubt.fmt(f),
        }
    }
}

/// What came, as far as the original request is read from it.
pub(in crate::web) struct Asked<'a> {
    /// The method of the request to us.
    pub method: &'a Method,
    /// Its target.
    pub uri: &'a Uri,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Where it came from.
    pub received: Received,
}

impl Asked<'_> {
    /// Whether the query of the request to us has a parameter, as it is written.
    pub(super) fn has_parameter(&self, parameter: &str) -> bool {
        self.uri.query().is_some_and(|query| query.split('&').any(|pair| pair == parameter))
    }

    /// Returns the original request.
    ///
    /// # Errors
    /// When it is not certain.
    pub(super) fn original(&self, source: Source, trusted: &[IpNet]) -> Result<OriginalRequest, NotKnown> {
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address.to_canonical()));
        // First of all: nothing that anybody else says counts, not even for the log.
        if !is_trusted(self.received.peer) {
            return Err(NotKnown::NotTrusted);
        }
        self.check_twins()?;
        let (url, method) = match source {
            Source::Forwarded => self.forwarded()?,
            Source::OriginalUrl => (self.original_url()?, self.text(&ORIGINAL_METHOD)?),
            Source::Either => self.either()?,
            Source::Below(prefix) => (self.itself(&self.target_below(prefix))?, self.method.as_str()),
            Source::PathParameter => (self.itself(&self.path_parameter()?)?, self.method.as_str()),
        };
        let client = self.client(is_trusted)?;
        Ok(OriginalRequest { url, method: RequestMethod::parse(method)?, client })
    }

    /// Returns the last address of `X-Forwarded-For` that is none of a proxy of ours.
    fn client(&self, is_trusted: impl Fn(IpAddr) -> bool) -> Result<Option<IpAddr>, NotKnown> {
        let lines = self.headers.get_all(&FOR).iter().map(HeaderValue::as_bytes);
        for part in lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b',')).take(MAX_PROXIES) {
            let part = str::from_utf8(part).ok().and_then(|part| forwarded_address(part.trim()));
            let address = part.ok_or(NotKnown::Malformed(FOR.as_str()))?;
            if !is_trusted(address) {
                return Ok(Some(address.to_canonical()));
            }
        }
        Ok(None)
    }

    fn check_twins(&self) -> Result<(), NotKnown> {
        for name in self.headers.keys().map(HeaderName::as_str).filter(|name| name.contains('_')) {
            let is_twin = |known: &&str| {
                let is_whole = known.ends_with('-') || known.len() == name.len();
                let is_alike = |(a, b)| a == b || (a, b) == (b'-', b'_');
                is_whole && known.len() <= name.len() && known.bytes().zip(name.bytes()).all(is_alike)
            };
            if let Some(known) = NO_TWINS.into_iter().find(|known| is_twin(known)) {
                return Err(NotKnown::Twin(known));
            }
        }
        Ok(())
    }

    fn text(&self, name: &'static HeaderName) -> Result<&str, NotKnown> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(HeaderValue::to_str).ok_or(NotKnown::Missing(name.as_str()))?;
        if values.next().is_some() {
            return Err(NotKnown::Repeated(name.as_str()));
        }
        value.map_err(|_| NotKnown::Malformed(name.as_str()))
    }

    fn original_url(&self) -> Result<OriginalUrl, NotKnown> {
        Ok(OriginalUrl::parse(self.text(&ORIGINAL_URL)?)?)
    }

    fn forwarded(&self) -> Result<(OriginalUrl, &str), NotKnown> {
        let method = self.text(&METHOD)?;
        Ok((OriginalUrl::from_parts(self.text(&PROTO)?, self.text(&HOST)?, self.text(&URI)?)?, method))
    }

    /// Older configurations name the method in the one form and the URL in the other.
    fn either(&self) -> Result<(OriginalUrl, &str), NotKnown> {
        let has = |name: &HeaderName| self.headers.contains_key(name);
        if !has(&ORIGINAL_URL) {
            return self.forwarded();
        }
        let url = self.original_url()?;
        let method = self.text(if has(&ORIGINAL_METHOD) { &ORIGINAL_METHOD } else { &METHOD })?;
        let is_same_method = !has(&METHOD) || self.text(&METHOD)? == method;
        let is_same_url = match (has(&PROTO), has(&HOST), has(&URI)) {
            (true, true, true) => {
                url == OriginalUrl::from_parts(self.text(&PROTO)?, self.text(&HOST)?, self.text(&URI)?)?
            }
            // Parts of the other form: each must be a part of the URL too.
            (proto, host, uri) => {
                let whole = url.return_to();
                let (scheme, rest) = whole.split_once("://").unwrap_or_default();
                let (authority, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let proto = if proto { self.text(&PROTO)? } else { scheme };
                let host = if host { self.text(&HOST)? } else { authority };
                let uri = if uri { self.text(&URI)? } else { target };
                url == OriginalUrl::from_parts(proto, host, uri)?
            }
        };
        if is_same_method && is_same_url { Ok((url, method)) } else { Err(NotKnown::Disagree) }
    }

    fn itself(&self, target: &str) -> Result<OriginalUrl, NotKnown> {
        // Its fragment would be part of what the application is asked for (GHSA-pxq7-h93f-9jrg).
        if !self.received.is_target_whole {
            return Err(NotKnown::NotWhole);
        }
        let host = match self.uri.authority() {
            Some(authority) => authority.as_str(),
            None => self.text(&header::HOST).map_err(|_| NotKnown::Missing("host"))?,
        };
        Ok(OriginalUrl::from_parts(self.text(&PROTO)?, host, target)?)
    }

    /// Returns what follows the prefix in the target, as it came.
    fn target_below(&self, prefix: &str) -> String {
        let target = self.uri.path_and_query().map_or("", |target| target.as_str());
        let rest = target.strip_prefix(prefix).unwrap_or_default();
        // Where the proxy's prefix ends in a slash, the original path brings its own.
        rest.strip_prefix('/').filter(|shorter| shorter.starts_with('/')).unwrap_or(rest).to_owned()
    }

    /// Returns the value of `path`, which is the last parameter, as it came: the query of the original request follows.
    fn path_parameter(&self) -> Result<String, NotKnown> {
        let query = self.uri.query().unwrap_or_default();
        let path = query.strip_prefix("path=").ok_or(NotKnown::Missing("path"))?;
        if path.starts_with('/') {
            return Ok(path.to_owned());
        }
        let pairs = parse_form(query.as_bytes()).map_err(|_| NotKnown::Malformed("path"))?;
        match pairs.as_slice() {
            [(_, only)] => Ok(only.clone()),
            _ => Err(NotKnown::Repeated("path")),
        }
    }
}

//! What a request says of who makes it: a program's own credential, or the cookie of the domain.

use http::{HeaderMap, header};

use crate::base::Secret;
use crate::crypto::{Bearer, BearerKind, Digest, from_base64};
use crate::web::cookies::{DOOR, all};

/// The most cookies of one name that are looked up.
const MAX_DOORS: usize = 4;

/// How a request says who makes it.
#[derive(Debug)]
pub(super) enum Credential {
    /// It does not say.
    None,
    /// The cookie of the domain.
    Door(Digest),
    /// Several of that name: one from before the domain was another, or somebody planted one.
    Doors(Vec<Digest>),
    /// A credential that can be nobody's.
    Bad,
    /// An API token.
    Token(Digest),
    /// A name, and an application password.
    AppPassword(String, Digest),
    /// A name, and a password.
    Password(String, Secret<String>),
}

impl Credential {
    /// Reads it from the headers. What is meant for us and is no credential is a bad one: the cookie beside it must not
    /// decide.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(header::AUTHORIZATION).iter();
        if let Some(line) = lines.next() {
            if lines.next().is_some() {
                return Self::Bad;
            }
            if let Some(credential) = Self::authorization(line.as_bytes()) {
                return credential;
            }
        }
        let mut doors = all(headers, DOOR).filter_map(|value| Bearer::digest_of(BearerKind::Door, value));
        match (doors.next(), doors.next()) {
            (None, _) => Self::None,
            (Some(digest), None) => Self::Door(digest),
            (Some(first), Some(second)) => {
                Self::Doors([first, second].into_iter().chain(doors).take(MAX_DOORS).collect())
            }
        }
    }

    /// Reads `Authorization`; none for what is meant for the application.
    fn authorization(line: &[u8]) -> Option<Self> {
        let (scheme, rest) = line.split_at(line.iter().position(|byte| *byte == b' ').unwrap_or(line.len()));
        let rest = str::from_utf8(rest).ok().map(str::trim);
        if scheme.eq_ignore_ascii_case(b"basic") {
            return Some(rest.and_then(Self::basic).unwrap_or(Self::Bad));
        }
        if !scheme.eq_ignore_ascii_case(b"bearer") || !BearerKind::is_of_any(rest?) {
            return None;
        }
        Some(Bearer::digest_of(BearerKind::ApiToken, rest?).map_or(Self::Bad, Self::Token))
    }

    /// Reads `name:password` (RFC 7617, section 2).
    fn basic(encoded: &str) -> Option<Self> {
        let decoded = String::from_utf8(from_base64(encoded)?).ok()?;
        let (name, password) = decoded.split_once(':')?;
        if name.is_empty() {
            return None;
        }
        Some(match Bearer::digest_of(BearerKind::AppPassword, password) {
            Some(digest) => Self::AppPassword(name.to_owned(), digest),
            None => Self::Password(name.to_owned(), Secret::new(password.to_owned())),
        })
    }

    /// Whether it came by `Authorization: Basic`.
    pub(super) fn is_basic(headers: &HeaderMap) -> bool {
        let scheme = |line: &http::HeaderValue| {
            line.as_bytes()
                .split(|byte| *byte == b' ')
                .next()
                .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"))
        };
        headers.get_all(header::AUTHORIZATION).iter().any(scheme)
    }
}

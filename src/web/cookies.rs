//! The cookies that we set and read.

use http::{HeaderMap, HeaderValue, header};

use crate::accounts::second_step::STEP_WITHIN;
use crate::base::{DAY, MINUTE, Seconds};
use crate::config::{AccessDomain, SiteUrl};
use crate::crypto::{Bearer, BearerKind, Digest};
use crate::sessions::{Carrier, Session};
use crate::texts::Language;
use crate::throttle::Devices;

/// The cookie by which the applications of a domain know who is logged in. It goes to all of them, so it has no prefix,
/// and opens nothing here.
pub(super) const DOOR: &str = "gatelodge-door";

/// The cookie by which the doctor's requests are known in the questions of proxies. It opens nothing.
pub const PROBE_COOKIE: &str = "gatelodge-probe";

/// How long a browser keeps the language that was chosen in it.
const LANGUAGE_LIVES: Seconds = 365 * DAY;

/// The names of our cookies. Browsers refuse those with the prefix `__Host-` from sibling hosts and over plain HTTP.
pub(super) struct CookieNames {
    session: &'static str,
    browser: &'static str,
    device: &'static str,
    pending: &'static str,
    trust: &'static str,
    mail: &'static str,
    language: &'static str,
    is_secure: bool,
}

impl CookieNames {
    /// Returns the names for a site: `__Host-gatelodge…`, or `gatelodge…` for an `http://` site on loopback, where
    /// browsers would refuse the prefix.
    pub(super) fn for_site(url: &SiteUrl) -> Self {
        if url.is_https() {
            Self {
                session: "__Host-gatelodge",
                browser: "__Host-gatelodge-browser",
                device: "__Host-gatelodge-device",
                pending: "__Host-gatelodge-pending",
                trust: "__Host-gatelodge-trust",
                mail: "__Host-gatelodge-mail",
                language: "__Host-gatelodge-language",
                is_secure: true,
            }
        } else {
            Self {
                session: "gatelodge",
                browser: "gatelodge-browser",
                device: "gatelodge-device",
                pending: "gatelodge-pending",
                trust: "gatelodge-trust",
                mail: "gatelodge-mail",
                language: "gatelodge-language",
                is_secure: false,
            }
        }
    }

    /// Returns the session secret that the client sent.
    pub(super) fn session(&self, headers: &HeaderMap) -> Option<Bearer> {
        Bearer::parse(BearerKind::Session, only(headers, self.session)?)
    }

    /// Returns the digest of the session secret, which is enough to look the session up.
    pub(super) fn session_digest(&self, headers: &HeaderMap) -> Option<Digest> {
        Bearer::digest_of(BearerKind::Session, only(headers, self.session)?)
    }

    /// Returns the secret of a browser that registered.
    pub(super) fn browser(&self, headers: &HeaderMap) -> Option<Bearer> {
        Bearer::parse(BearerKind::Browser, only(headers, self.browser)?)
    }

    /// Returns the secret of a login that waits for its second step.
    pub(super) fn pending(&self, headers: &HeaderMap) -> Option<Bearer> {
        Bearer::parse(BearerKind::PendingLogin, only(headers, self.pending)?)
    }

    /// Sets the cookie of a login that waits for its second step.
    pub(super) fn set_pending(&self, secret: &Bearer) -> HeaderValue {
        self.set(self.pending, secret.expose(), Some(STEP_WITHIN))
    }

    /// Clears that cookie, once the login is complete or abandoned.
    pub(super) fn clear_pending(&self) -> HeaderValue {
        self.set(self.pending, "", Some(0))
    }

    /// Returns the secret of a browser that asked to log in by mail.
    pub(super) fn mail(&self, headers: &HeaderMap) -> Option<Bearer> {
        Bearer::parse(BearerKind::MailLogin, only(headers, self.mail)?)
    }

    /// Sets the cookie that ties a login by mail to the browser that asked for it.
    pub(super) fn set_mail(&self, secret: &Bearer) -> HeaderValue {
        self.set(self.mail, secret.expose(), Some(STEP_WITHIN))
    }

    /// The name of the cookie that marks a trusted browser.
    pub(super) fn trust(&self) -> &'static str {
        self.trust
    }

    /// Sets the cookie that marks a trusted browser.
    pub(super) fn set_trust(&self, secret: &Bearer, lifetime: Seconds) -> HeaderValue {
        self.set(self.trust, secret.expose(), Some(lifetime))
    }

    /// The name of the device cookie, which shows earlier logins.
    pub(super) fn device(&self) -> &'static str {
        self.device
    }

    /// Sets the device cookie, after a login.
    pub(super) fn set_device(&self, value: &str) -> HeaderValue {
        self.set(self.device, value, Some(Devices::LIFETIME))
    }

    /// Returns the language that was chosen in this browser.
    pub(super) fn language<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        only(headers, self.language)
    }

    /// Sets the cookie of the language that is chosen in this browser.
    pub(super) fn set_language(&self, language: &Language) -> HeaderValue {
        self.set(self.language, language.as_str(), Some(LANGUAGE_LIVES))
    }

    /// Sets the session cookie; "remember me" decides whether it outlives the browser.
    pub(super) fn set_session(&self, secret: &Bearer, session: &Session) -> HeaderValue {
        let max_age = match session.carrier {
            Carrier::KeptCookie => Some(session.ends_at.since(session.created_at)),
            Carrier::BrowserCookie | Carrier::BearerToken | Carrier::RefreshedToken => None,
        };
        self.set(self.session, secret.expose(), max_age)
    }

    /// Sets the cookie of a domain, which lives as long as the session's own.
    pub(super) fn set_door(secret: &Bearer, session: &Session, domain: &AccessDomain) -> Option<HeaderValue> {
        let max_age = match session.carrier {
            Carrier::KeptCookie => Some(session.ends_at.since(session.created_at)),
            _ => None,
        };
        Self::set_for_domain((DOOR, secret.expose()), domain, max_age)
    }

    /// Sets a cookie as [`Self::set_door`] does, by which an administrator tests whether that one would arrive.
    pub(super) fn set_domain_probe(word: &str, domain: &AccessDomain) -> Option<HeaderValue> {
        Self::set_for_domain((PROBE_COOKIE, word), domain, Some(MINUTE))
    }

    fn set_for_domain(
        (name, value): (&str, &str),
        domain: &AccessDomain,
        max_age: Option<Seconds>,
    ) -> Option<HeaderValue> {
        let (cookie, url) = (domain.cookie.as_ref()?, domain.url.as_ref()?);
        let secure = if url.origin().starts_with("https://") { "; Secure" } else { "" };
        let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let value = format!("{name}={value}; Domain={cookie}; Path=/; HttpOnly{secure}; SameSite=Lax{max_age}");
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Clears the cookie of a domain.
    pub(super) fn clear_door(domain: &AccessDomain) -> Option<HeaderValue> {
        let cookie = domain.cookie.as_ref()?;
        HeaderValue::try_from(format!("{DOOR}=; Domain={cookie}; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")).ok()
    }

    /// Clears the session cookie.
    pub(super) fn clear_session(&self) -> HeaderValue {
        self.set(self.session, "", Some(0))
    }

    /// Sets the cookie that lets the registering browser confirm without the password.
    pub(super) fn set_browser(&self, secret: &Bearer, lifetime: Seconds) -> HeaderValue {
        self.set(self.browser, secret.expose(), Some(lifetime))
    }

    /// Sets a cookie that opens nothing, by which an administrator tests whether ours arrive as they were sent.
    pub(super) fn set_probe(&self, word: &str) -> HeaderValue {
        self.set(if self.is_secure { "__Host-gatelodge-probe" } else { PROBE_COOKIE }, word, Some(MINUTE))
    }

    // Lax, not Strict: whoever follows a link from a mail or another site arrives logged in. CSRF is checked by headers
    // (`check_site`), not by this attribute.
    fn set(&self, name: &str, value: &str, max_age: Option<Seconds>) -> HeaderValue {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let mut cookie =
            HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly{secure}; SameSite=Lax{max_age}"))
                .expect("names and values are visible ASCII");
        // Kept out of HPACK's tables (RFC 7541, 7.1.3) and of debug output.
        cookie.set_sensitive(true);
        cookie
    }
}

/// Returns the value of a cookie that occurs once. A repeated one counts as none: somebody planted one of the two
/// (cookie tossing), and nobody can tell which.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = pairs(headers).filter(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value);
    let value = values.next()?;
    if values.next().is_some() { None } else { str::from_utf8(value?).ok() }
}

/// Returns the values of all cookies of a name.
pub(super) fn all<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = pairs(headers).filter(move |(key, _)| *key == name.as_bytes());
    named.filter_map(|(_, value)| str::from_utf8(value?).ok())
}

/// Whether the request carries any cookie of ours, valid or not.
pub(super) fn carries_our_cookies(headers: &HeaderMap) -> bool {
    pairs(headers).any(|(name, _)| name.strip_prefix(b"__Host-").unwrap_or(name).starts_with(b"gatelodge"))
}

/// Returns each cookie, with its value if it has one. Other programs on this host, on any port, and on its parent
/// domains set cookies as well, in whatever bytes they like (RFC 6265, 8.6): an unreadable one must not hide ours
/// beside it.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    lines.flat_map(cookies_of).map(|pair| {
        let pair = pair.trim_ascii();
        match memchr::memchr(b'=', pair) {
            Some(end) => (&pair[..end], Some(&pair[end + 1..])),
            None => (pair, None),
        }
    })
}

/// Cuts a line at its semicolons.
fn cookies_of(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let end = memchr::memchr(b';', line);
        rest = end.map(|end| &line[end + 1..]);
        Some(&line[..end.unwrap_or(line.len())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            header::COOKIE,
            HeaderValue::from_bytes(cookie.as_bytes()).expect("no control characters"),
        )])
    }

    #[test]
    fn ours_are_known_by_their_names() {
        for ours in [
            "__Host-gatelodge=x",
            "a=1;__Host-gatelodge-device=x",
            "gatelodge=x",
            "a=1; gatelodge-pending",
            "\u{e9}=1; gatelodge=x",
        ] {
            assert!(carries_our_cookies(&headers(ours)), "{ours}");
        }
        for others in ["", "a=1; b=gatelodge", "lodge=__Host-gatelodge", "a=\u{e9}"] {
            assert!(!carries_our_cookies(&headers(others)), "{others}");
        }
        assert!(!carries_our_cookies(&HeaderMap::new()));
    }

    #[test]
    fn cookies_of_others_hide_none_of_ours() {
        for other in [
            &b"lang=fran\xc3\xa7ais"[..],
            b"lang=fran\xe7ais",
            b"\xfc=1",
            b"\xff\xfe",
            b"=",
            b"",
            b"a=\"x; y=\"",
            b"{\"a\":1}",
            b"a=\tb",
        ] {
            for line in [[other, b"; ours=2"].concat(), [b"ours=2; ", other].concat(), [b"ours=2;", other].concat()] {
                let value = HeaderValue::from_bytes(&line).expect("no control characters");
                assert_eq!(only(&HeaderMap::from_iter([(header::COOKIE, value)]), "ours"), Some("2"), "{line:?}");
            }
        }
        let planted = HeaderValue::from_bytes(b"ours=2; ours=\xe9").expect("no control characters");
        assert_eq!(only(&HeaderMap::from_iter([(header::COOKIE, planted)]), "ours"), None);
    }

    #[test]
    fn a_cookie_that_comes_twice_is_none() {
        assert_eq!(only(&headers("a=1; b=2"), "b"), Some("2"));
        assert_eq!(only(&headers("a=1; a=2"), "a"), None);
        assert_eq!(only(&headers("xa=1;a =2"), "a"), None);
    }
}

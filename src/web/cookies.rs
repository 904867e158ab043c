//! The cookies we set and read.

use http::{HeaderMap, HeaderValue, header};

use crate::accounts::second_step::STEP_WITHIN;
use crate::base::{MINUTE, Seconds};
use crate::config::SiteUrl;
use crate::crypto::{Bearer, BearerKind, Digest};
use crate::sessions::{Carrier, Session};
use crate::throttle::Devices;

/// What our cookies are called. The `__Host-` prefix has browsers refuse them from siblings and over plain HTTP.
pub struct CookieNames {
    session: &'static str,
    browser: &'static str,
    device: &'static str,
    pending: &'static str,
    trust: &'static str,
    mail: &'static str,
    is_secure: bool,
}

impl CookieNames {
    /// `__Host-gatelodge`, or `gatelodge` for an `http://` site on loopback.
    pub fn for_site(url: &SiteUrl) -> Self {
        if url.is_https() {
            Self {
                session: "__Host-gatelodge",
                browser: "__Host-gatelodge-browser",
                device: "__Host-gatelodge-device",
                pending: "__Host-gatelodge-pending",
                trust: "__Host-gatelodge-trust",
                mail: "__Host-gatelodge-mail",
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
                is_secure: false,
            }
        }
    }

    /// The session's secret that the client sent.
    pub fn session(&self, headers: &HeaderMap) -> Option<Bearer> {
        Bearer::parse(BearerKind::Session, only(headers, self.session)?)
    }

    /// The digest of that secret, for whoever only looks it up.
    pub fn session_digest(&self, headers: &HeaderMap) -> Option<Digest> {
        Bearer::digest_of(BearerKind::Session, only(headers, self.session)?)
    }

    /// The secret of the browser that registered.
    pub fn browser(&self, headers: &HeaderMap) -> Option<Bearer> {
        Bearer::parse(BearerKind::Browser, only(headers, self.browser)?)
    }

    /// The secret of the login that waits for its second step.
    pub fn pending(&self, headers: &HeaderMap) -> Option<Bearer> {
        Bearer::parse(BearerKind::PendingLogin, only(headers, self.pending)?)
    }

    /// Has the browser go on with a login.
    pub fn set_pending(&self, secret: &Bearer) -> HeaderValue {
        self.set(self.pending, secret.expose(), Some(STEP_WITHIN))
    }

    /// The login is over, or done.
    pub fn clear_pending(&self) -> HeaderValue {
        self.set(self.pending, "", Some(0))
    }

    /// The secret of the browser that asked to log in by mail.
    pub fn mail(&self, headers: &HeaderMap) -> Option<Bearer> {
        Bearer::parse(BearerKind::MailLogin, only(headers, self.mail)?)
    }

    /// Has the browser show that it asked to log in by mail.
    pub fn set_mail(&self, secret: &Bearer) -> HeaderValue {
        self.set(self.mail, secret.expose(), Some(STEP_WITHIN))
    }

    /// What the cookie of a trusted browser is called.
    pub fn trust(&self) -> &'static str {
        self.trust
    }

    /// Has the browser show from now on whose trust it has.
    pub fn set_trust(&self, secret: &Bearer, lifetime: Seconds) -> HeaderValue {
        self.set(self.trust, secret.expose(), Some(lifetime))
    }

    /// What the cookie is called by which a browser shows earlier logins.
    pub fn device(&self) -> &'static str {
        self.device
    }

    /// Has the browser show from now on that somebody logged in with it.
    pub fn set_device(&self, value: &str) -> HeaderValue {
        self.set(self.device, value, Some(Devices::LIFETIME))
    }

    /// Hands a session to a browser. "Remember me" decides whether it outlives the browser.
    pub fn set_session(&self, secret: &Bearer, session: &Session) -> HeaderValue {
        let max_age = match session.carrier {
            Carrier::KeptCookie => Some(session.ends_at.since(session.created_at)),
            Carrier::BrowserCookie | Carrier::BearerToken | Carrier::RefreshedToken => None,
        };
        self.set(self.session, secret.expose(), max_age)
    }

    /// Takes the session back.
    pub fn clear_session(&self) -> HeaderValue {
        self.set(self.session, "", Some(0))
    }

    /// Lets the browser confirm without the password.
    pub fn set_browser(&self, secret: &Bearer, lifetime: Seconds) -> HeaderValue {
        self.set(self.browser, secret.expose(), Some(lifetime))
    }

    /// A cookie that opens nothing, for an administrator who looks whether ours arrive as they were sent.
    pub fn set_probe(&self, word: &str) -> HeaderValue {
        self.set(if self.is_secure { "__Host-gatelodge-probe" } else { "gatelodge-probe" }, word, Some(MINUTE))
    }

    fn set(&self, name: &str, value: &str, max_age: Option<Seconds>) -> HeaderValue {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let mut cookie =
            HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly{secure}; SameSite=Lax{max_age}"))
                .expect("names and values are visible ASCII");
        cookie.set_sensitive(true);
        cookie
    }
}

/// The value of a cookie. One that comes twice is none: somebody planted one of them.
pub fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = pairs(headers).filter(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value);
    let value = values.next()?;
    if values.next().is_some() { None } else { str::from_utf8(value?).ok() }
}

/// Whether any cookie of ours comes with it, whatever it opens.
pub fn carries_our_cookies(headers: &HeaderMap) -> bool {
    pairs(headers).any(|(name, _)| name.strip_prefix(b"__Host-").unwrap_or(name).starts_with(b"gatelodge"))
}

/// Each cookie, with its value if it has one. Other programs on this host, of any port, and on its parent domains set cookies as well, in
/// whatever bytes they like (RFC 6265, 8.6): one that nobody can read must not hide ours beside it.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    lines.flat_map(|line| line.split(|byte| *byte == b';')).map(|pair| {
        let pair = pair.trim_ascii();
        match pair.iter().position(|byte| *byte == b'=') {
            Some(end) => (&pair[..end], Some(&pair[end + 1..])),
            None => (pair, None),
        }
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

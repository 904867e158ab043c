//! Who is asking, and from which site.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::AsHeaderName;
use http::{HeaderMap, Method, header};

use crate::accounts::permissions;
use crate::accounts::standing::Needs;
use crate::app::{Caller, LoggedIn};
use crate::config::SiteUrl;
use crate::crypto::{Bearer, BearerKind};
use crate::sessions::Scope;

use super::context::Web;
use super::cookies::carries_our_cookies;
use super::failure::Failure;
use super::request::Request;
use crate::factors::ProofOption;

/// Who may call a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Everybody.
    Anyone,
    /// People with a living session.
    LoggedIn,
    /// People with a living session who may ask what others may do.
    Asking,
    /// People with a living session, those too who have to set a second factor up before anything else.
    Enrolling,
    /// People who administer the appliance.
    Administrator,
}

impl Access {
    const fn needs(self, scope: Option<Scope>) -> Needs {
        let administrator = matches!(self, Self::Administrator);
        Needs { scope, administrator, second_factor: !matches!(self, Self::Enrolling) }
    }
}

/// What a route asks of whoever calls it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    pub access: Access,
    /// Whether the last proof of who they are has to be young.
    pub fresh: bool,
    /// What an API token has to be good for.
    pub scope: Option<Scope>,
}

/// Which kind of client a route speaks to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Audience {
    /// Browsers.
    Page,
    /// Programs, and browsers that run them.
    Api,
}

impl Web {
    /// Whoever is asking: by `Authorization: Bearer`, else by the session cookie. A bad bearer token is nobody,
    /// even beside a good cookie.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Option<Arc<LoggedIn>>, Failure> {
        let digest = match bearer_token(headers) {
            Some(token) => {
                Bearer::digest_of(BearerKind::ApiToken, token).or_else(|| Bearer::digest_of(BearerKind::Session, token))
            }
            None => self.cookies.session_digest(headers),
        };
        match digest {
            Some(digest) => Ok(self.app.find_caller(digest)?),
            None => Ok(None),
        }
    }

    /// The secret of the session that the request names, alive or not.
    pub(super) fn session_secret(&self, headers: &HeaderMap) -> Option<Bearer> {
        match bearer_token(headers) {
            Some(token) => Bearer::parse(BearerKind::Session, token),
            None => self.cookies.session(headers),
        }
    }

    /// Lets the caller in where a route is for people who are logged in, or says what is missing.
    pub(super) fn let_in(
        &self,
        headers: &HeaderMap,
        Admission { access, fresh, scope }: Admission,
        network: IpAddr,
    ) -> Result<Option<Caller>, Failure> {
        if access == Access::Anyone {
            return Ok(None);
        }
        let caller = self.caller(headers)?.ok_or(Failure::NotLoggedIn)?;
        // The same is asked again when whatever they want is written.
        let caller = caller.let_in(access.needs(scope), network)?;
        if access == Access::Asking && !permissions::may_ask(&caller.person.account, &caller.permissions) {
            return Err(Failure::Forbidden);
        }
        // Whoever made an API token proved who they are; a program cannot be asked again.
        if fresh && caller.scopes.is_none() && !self.app.is_fresh(&caller) {
            return Err(self.proof_wanted(&caller)?);
        }
        Ok(Some(caller))
    }

    /// What the caller has to prove themselves with.
    pub(super) fn proof_wanted(&self, caller: &LoggedIn) -> Result<Failure, Failure> {
        let mut methods = self.app.proof_options(caller)?;
        if caller.person.account.password.is_some() {
            methods.insert(0, ProofOption::Password);
        }
        Ok(Failure::ReauthenticationRequired(methods))
    }

    /// Refuses what a browser sent from another site. Nothing that changes anything is exempt, logging in included.
    pub(super) fn check_site(&self, request: &Request, audience: Audience) -> Result<(), Failure> {
        if matches!(request.method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        let is_ours = request.is_from_front_end
            || match comes_from_here(&request.headers, &self.app.env().config.site.url, audience) {
                Some(comes) => comes,
                // No browser that sends either header sent it. One that sends neither can be made to send a form's body, or none,
                // with our cookies, but no JSON: another site's script would have to ask us before (Fetch, 4.8).
                None => {
                    audience == Audience::Api && (!carries_our_cookies(&request.headers) || request.has_json_body())
                }
            };
        if is_ours { Ok(()) } else { Err(Failure::CrossSite) }
    }
}

pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter().map(http::HeaderValue::as_bytes);
    let value = values.next()?;
    let (scheme, token) = value.split_at(value.iter().position(|byte| *byte == b' ').unwrap_or(value.len()));
    // What a proxy's own log-in sends along (`Basic`, in any bytes) is not for us.
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer");
    // Two of them, or one that is no text, are no better than a bad one.
    is_bearer.then(|| if values.next().is_some() { "?" } else { str::from_utf8(token).map_or("?", str::trim) })
}

/// The value of a header that stands once; of one that stands twice, or is no text, a value that means nothing.
pub(super) fn single(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(|value| value.to_str().unwrap_or("?"));
    if values.next().is_some() { Some("?") } else { first }
}

/// Whether a browser sent it from this site (Fetch Metadata; RFC 6454); nothing where neither header says.
fn comes_from_here(headers: &HeaderMap, site: &SiteUrl, audience: Audience) -> Option<bool> {
    match (single(headers, "sec-fetch-site"), single(headers, header::ORIGIN)) {
        (Some("same-origin"), _) => Some(true),
        (Some("none"), _) => Some(audience == Audience::Page),
        (Some(_), _) => Some(false),
        (None, Some(origin)) => Some(origin == site.origin()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn judge(pairs: &[(&'static str, &'static str)], audience: Audience) -> Option<bool> {
        let site = SiteUrl::try_from("https://auth.example.org".to_owned()).expect("a site");
        let pairs =
            pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        comes_from_here(&headers, &site, audience)
    }

    #[test]
    fn pages_take_forms_from_this_site_only() {
        let ours = ("origin", "https://auth.example.org");
        assert_eq!(judge(&[("sec-fetch-site", "same-origin")], Audience::Page), Some(true));
        assert_eq!(judge(&[("sec-fetch-site", "none")], Audience::Page), Some(true));
        assert_eq!(judge(&[ours], Audience::Page), Some(true));
        assert_eq!(judge(&[], Audience::Page), None);
        for other in [
            &[("sec-fetch-site", "same-site"), ours][..],
            &[("sec-fetch-site", "cross-site"), ours],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            &[("origin", "null")],
            &[("origin", "https://auth.example.org.evil.example")],
            &[("origin", "http://auth.example.org")],
            &[("origin", "https://auth.example.org:8443")],
            &[ours, ("origin", "https://evil.example")],
        ] {
            assert_eq!(judge(other, Audience::Page), Some(false), "{other:?}");
        }
    }

    #[test]
    fn programs_need_no_header_but_browsers_are_held_to_theirs() {
        assert_eq!(judge(&[], Audience::Api), None);
        assert_eq!(judge(&[("sec-fetch-site", "same-origin")], Audience::Api), Some(true));
        assert_eq!(judge(&[("sec-fetch-site", "none")], Audience::Api), Some(false));
        assert_eq!(judge(&[("origin", "https://evil.example")], Audience::Api), Some(false));
    }
}

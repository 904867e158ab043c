//! Access control of requests: who the caller is, what they may call, and whether another site sent them (CSRF).

use std::net::IpAddr;
use std::sync::Arc;

use http::header::AsHeaderName;
use http::{HeaderMap, Method, header};

use crate::accounts::permissions;
use crate::accounts::standing::{Duty, Needs};
use crate::app::{Caller, KnownCaller};
use crate::config::SiteUrl;
use crate::crypto::{Bearer, BearerKind, Digest};
use crate::sessions::Scope;

use super::context::Web;
use super::cookies::carries_our_cookies;
use super::failure::Failure;
use super::request::Request;
use crate::factors::ProofOption;

/// The callers that a route admits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Everybody.
    Anyone,
    /// Callers with a live session.
    LoggedIn,
    /// Callers with a live session who may ask what others may do.
    Asking,
    /// Callers with a live session, including those who must set up a second factor before anything else.
    Enrolling,
    /// Members of the help desk, and administrators.
    Helpdesk,
    /// Administrators of the appliance.
    Administrator,
}

impl Access {
    const fn needs(self, scope: Option<Scope>) -> Needs {
        let duty = match self {
            Self::Administrator => Duty::Administering,
            Self::Helpdesk => Duty::Helping,
            _ => Duty::None,
        };
        Needs { scope, duty, second_factor: !matches!(self, Self::Enrolling) }
    }
}

/// The requirements of a route on its caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    pub access: Access,
    /// Whether the caller must have proved who they are recently (reauthentication).
    pub fresh: bool,
    /// The scope that an API token needs; without one, no API token is admitted.
    pub scope: Option<Scope>,
}

/// The kind of client that a route serves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Audience {
    /// Browsers.
    Page,
    /// Programs, and scripts in browsers.
    Api,
    /// Reverse proxies, which ask about requests to other applications.
    Door,
}

impl Web {
    /// Returns the caller: by `Authorization: Bearer` if there is one, else by the session cookie. A bad bearer token
    /// is nobody, even beside a good cookie.
    pub(super) async fn caller(&self, headers: &HeaderMap) -> Result<Option<Arc<KnownCaller>>, Failure> {
        match self.credential(headers) {
            Some(digest) => Ok(self.app.find_caller(digest).await?),
            None => Ok(None),
        }
    }

    fn credential(&self, headers: &HeaderMap) -> Option<Digest> {
        // Of these kinds alone: an application password lies in a program's settings, and opens nothing here.
        // No fallback to the cookie: a request that names a bad credential is denied, not answered as somebody else.
        match bearer_token(headers) {
            Some(token) => {
                Bearer::digest_of(BearerKind::ApiToken, token).or_else(|| Bearer::digest_of(BearerKind::Session, token))
            }
            None => self.cookies.session_digest(headers),
        }
    }

    /// Returns the secret of the session that the request names, whether that session is alive or not.
    pub(super) fn session_secret(&self, headers: &HeaderMap) -> Option<Bearer> {
        match bearer_token(headers) {
            Some(token) => Bearer::parse(BearerKind::Session, token),
            None => self.cookies.session(headers),
        }
    }

    /// Admits the caller to a route that needs a login, or returns what is missing.
    pub(super) async fn let_in(
        &self,
        headers: &HeaderMap,
        admission: Admission,
        network: IpAddr,
    ) -> Result<Option<Caller>, Failure> {
        if admission.access == Access::Anyone {
            return Ok(None);
        }
        let caller = self.caller(headers).await?.ok_or(Failure::NotLoggedIn)?;
        let caller = authorize(caller, admission, network)?;
        // Rights come first, so that nobody reauthenticates for what they may not do.
        if self.needs_proof(&caller, admission) {
            return Err(self.proof_wanted(&caller).await?);
        }
        Ok(Some(caller))
    }

    /// As [`Web::let_in`], for a caller who is let in without asking the store. None says nothing: then it has to be
    /// asked.
    pub(super) fn let_in_at_once(
        &self,
        headers: &HeaderMap,
        admission: Admission,
        network: IpAddr,
    ) -> Option<Option<Caller>> {
        if admission.access == Access::Anyone {
            return Some(None);
        }
        let caller = self.app.find_cached_caller(self.credential(headers)?)?;
        let caller = authorize(caller, admission, network).ok()?;
        (!self.needs_proof(&caller, admission)).then_some(Some(caller))
    }

    /// Returns how somebody who is logged in is called, for a page that is told without asking the store.
    pub(super) fn known_as(&self, headers: &HeaderMap) -> Option<String> {
        let caller = self.app.find_cached_caller(self.credential(headers)?)?;
        let person = &caller.person;
        let username = person.username.as_ref().map(|name| name.as_str().to_owned());
        username.or_else(|| person.email.as_ref().map(|email| email.shown.as_str().to_owned()))
    }

    /// Whether the caller has to prove who they are. API tokens are exempt: whoever made one had just done so, and a
    /// program cannot be asked.
    fn needs_proof(&self, caller: &Caller, admission: Admission) -> bool {
        admission.fresh && caller.grant.is_session() && !self.app.is_fresh(caller)
    }

    /// Returns the failure that asks for reauthentication, with the methods that the caller can use.
    pub(super) async fn proof_wanted(&self, caller: &KnownCaller) -> Result<Failure, Failure> {
        let mut methods = self.app.proof_options(caller).await?;
        if caller.person.account.password.is_some() {
            methods.insert(0, ProofOption::Password);
        }
        Ok(Failure::ReauthenticationRequired(methods))
    }

    /// Refuses requests that a browser sent from another site (CSRF). Nothing that changes state is exempt, login
    /// included: otherwise another site could log its visitors in to an account of its own.
    pub(super) fn check_site(&self, request: &Request, audience: Audience) -> Result<(), Failure> {
        // Safe methods (RFC 9110, 9.2.1) change nothing here; opening a mailed link only shows a form.
        if matches!(request.method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        // A listed front end is another origin on purpose. Unless it is of the same site, CORS has taken its cookies
        // away.
        let is_ours = request.is_from_front_end
            || match comes_from_here(&request.headers, &self.app.env().config.site.url, audience) {
                Some(comes) => comes,
                // No browser that sends either header sent it. One that sends neither can be made to send a form's
                // body, or none, with our cookies, but no JSON: another site's script would need a preflight for that
                // (Fetch, 4.8).
                None => {
                    audience == Audience::Api && (!carries_our_cookies(&request.headers) || request.has_json_body())
                }
            };
        if is_ours { Ok(()) } else { Err(Failure::CrossSite) }
    }
}

/// Lets the caller in by their rights.
fn authorize(
    caller: Arc<KnownCaller>,
    Admission { access, scope, .. }: Admission,
    network: IpAddr,
) -> Result<Caller, Failure> {
    // Checked once more in the transaction that writes: until then the session may end, or the right be taken away.
    let caller = caller.let_in(access.needs(scope), network)?;
    if access == Access::Asking && !permissions::may_ask(&caller.person.account, &caller.permissions) {
        return Err(Failure::Forbidden);
    }
    Ok(caller)
}

/// Returns the token of `Authorization: Bearer`, and `?`, which is no token, where that header is repeated or no text.
pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter().map(http::HeaderValue::as_bytes);
    let value = values.next()?;
    let (scheme, token) = value.split_at(value.iter().position(|byte| *byte == b' ').unwrap_or(value.len()));
    // Basic credentials that a proxy's own login adds are not meant for us, whatever bytes they hold.
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer");
    // Ambiguous or unreadable counts as a bad token, not as none: otherwise the cookie beside it would decide.
    is_bearer.then(|| if values.next().is_some() { "?" } else { str::from_utf8(token).map_or("?", str::trim) })
}

/// Returns the value of a header that occurs once, and `?`, which means nothing, for one that is repeated or no text.
pub(super) fn single(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(|value| value.to_str().unwrap_or("?"));
    if values.next().is_some() { Some("?") } else { first }
}

/// Whether a browser sent the request from this site (Fetch Metadata; RFC 6454); `None` where neither header says.
fn comes_from_here(headers: &HeaderMap, site: &SiteUrl, audience: Audience) -> Option<bool> {
    match (single(headers, "sec-fetch-site"), single(headers, header::ORIGIN)) {
        (Some("same-origin"), _) => Some(true),
        // The user typed the address or opened a bookmark: that leads to pages, never to the API.
        (Some("none"), _) => Some(audience == Audience::Page),
        // "same-site" is foreign as well: whoever runs a sibling host does not run this one.
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

//! The answers, in the words of each proxy.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::app::KnownCaller;
use crate::base::GroupName;
use crate::gate::OriginalRequest;
use crate::web::reply::{self, Reply};
use crate::web::service::Service;
use crate::web::status::{BareRefusal, Success};

use super::credential::Credential;
use super::decide::Verdict;
use super::endpoint::{Endpoint, Identity, Refusal};
use super::metadata::Asked;

/// The longest way back, percent-encoded, in bytes. tinyauth's answer has it twice.
const MAX_BACK_BYTES: usize = 1536;

/// The headers that tell an application who makes a request. Always all of them, empty where there is nothing to say: a
/// proxy that copies only what is there would leave a client's own in place (CVE-2026-30851).
static REMOTE: [HeaderName; 4] = [
    HeaderName::from_static("remote-user"),
    HeaderName::from_static("remote-groups"),
    HeaderName::from_static("remote-email"),
    HeaderName::from_static("remote-name"),
];
static AUTHENTIK: [HeaderName; 7] = [
    HeaderName::from_static("x-authentik-username"),
    HeaderName::from_static("x-authentik-groups"),
    HeaderName::from_static("x-authentik-email"),
    HeaderName::from_static("x-authentik-name"),
    // Always empty: there is nothing to say, and a client's own must not stay.
    HeaderName::from_static("x-authentik-uid"),
    HeaderName::from_static("x-authentik-entitlements"),
    HeaderName::from_static("x-authentik-jwt"),
];
static OAUTH2_PROXY: [HeaderName; 4] = [
    HeaderName::from_static("x-auth-request-user"),
    HeaderName::from_static("x-auth-request-groups"),
    HeaderName::from_static("x-auth-request-email"),
    HeaderName::from_static("x-auth-request-preferred-username"),
];
static VOUCH: [HeaderName; 4] = [
    HeaderName::from_static("x-vouch-user"),
    HeaderName::from_static("x-vouch-idp-claims-groups"),
    HeaderName::from_static("x-vouch-idp-claims-email"),
    HeaderName::from_static("x-vouch-idp-claims-name"),
];

impl Service {
    /// Tells a proxy what was decided.
    pub(super) fn tell_proxy(
        &self,
        endpoint: &Endpoint,
        asked: &Asked<'_>,
        original: &OriginalRequest,
        verdict: Verdict,
    ) -> Reply {
        self.note_for_doctor(asked, || (Ok(original.url.return_to()), (&verdict).into()));
        match verdict {
            Verdict::LetIn(caller) => endpoint.let_in(caller.as_deref()),
            Verdict::Refused => Reply::forbidden(),
            Verdict::NeedsLogin { basic } => self.send_to(endpoint, asked, original, ("/login", basic)),
            Verdict::NeedsSecondFactor => self.send_to(endpoint, asked, original, ("/account/verify", false)),
            Verdict::BadCredential => self.unauthorized(endpoint, asked, original, ("/login", false)),
        }
    }

    /// Sends somebody to a page of ours, and back afterwards; `basic` asks programs for a password.
    fn send_to(
        &self,
        endpoint: &Endpoint,
        asked: &Asked<'_>,
        original: &OriginalRequest,
        (page, basic): (&str, bool),
    ) -> Reply {
        let by_status = match endpoint.refusal {
            Refusal::Redirect => false,
            Refusal::Status | Refusal::TinyauthStatus => true,
            Refusal::BySource => asked.headers.contains_key("x-original-url"),
        };
        let is_for_a_page = is_for_a_page(asked.headers);
        // Older configurations for programs.
        let wants_basic = endpoint.refusal == Refusal::BySource && asked.has_parameter("auth=basic");
        if by_status || !is_for_a_page || wants_basic {
            // Never to a browser that did not begin with it: it would open a dialogue over the page.
            return self.unauthorized(endpoint, asked, original, (page, basic && !is_for_a_page || wants_basic));
        }
        let Some(place) = self.place_of(asked, original, page) else { return Reply::forbidden() };
        let is_safe = matches!(original.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, place);
        Reply::bare(if is_safe { Success::Found } else { Success::SeeOther }, headers)
    }

    fn unauthorized(
        &self,
        endpoint: &Endpoint,
        asked: &Asked<'_>,
        original: &OriginalRequest,
        (page, basic): (&str, bool),
    ) -> Reply {
        let Some(place) = self.place_of(asked, original, page) else { return Reply::forbidden() };
        let mut headers = HeaderMap::new();
        if endpoint.refusal == Refusal::TinyauthStatus {
            headers.insert(HeaderName::from_static("x-tinyauth-location"), place.clone());
        }
        headers.insert(header::LOCATION, place);
        if basic || Credential::is_basic(asked.headers) {
            let challenge = HeaderValue::from_static("Basic realm=\"gatelodge\", charset=\"UTF-8\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        Reply::bare_refusal(BareRefusal::Unauthorized, headers)
    }

    /// Returns the address of a page of ours which leads back to the original one. None where that would lead in a
    /// circle: the portal is behind itself.
    fn place_of(&self, asked: &Asked<'_>, original: &OriginalRequest, page: &str) -> Option<HeaderValue> {
        let env = self.web.app.env();
        let domains = &env.config.access.domains;
        let mut portals = domains.iter().filter_map(|domain| domain.url.as_ref());
        let site = portals.clone().next().map_or(env.config.site.url.origin(), |portal| portal.origin());
        if portals.any(|portal| portal.host() == original.url.host()) {
            let said = "the proxy asks about the host where people log in: leave that out of the check";
            self.refusals.note_for_proxy(asked.received.peer, &said);
            return None;
        }
        let encoded = |url: String| -> String { form_urlencoded::byte_serialize(url.as_bytes()).collect() };
        // Proxies take some 4 KiB of an answer's head, and make an error of more.
        let back = Some(encoded(original.url.return_to())).filter(|back| back.len() <= MAX_BACK_BYTES);
        let back = back.unwrap_or_else(|| encoded(original.url.root()));
        HeaderValue::try_from(format!("{site}{page}?return_to={back}")).ok()
    }
}

impl Endpoint {
    fn let_in(&self, caller: Option<&KnownCaller>) -> Reply {
        let told = caller.map(|caller| {
            let at_door = caller.at_door();
            [&at_door.user, &at_door.groups, &at_door.email, &at_door.name].map(Bytes::clone)
        });
        let mut told = told.unwrap_or_default();
        let (names, success): (&[HeaderName], _) = match self.identity {
            Identity::Remote => (&REMOTE, Success::Ok),
            Identity::Authentik => {
                let groups = caller.map(|caller| caller.person.account.groups.iter().map(GroupName::as_str));
                let groups: Vec<&str> = groups.into_iter().flatten().collect();
                told[1] = groups.join("|").into();
                (&AUTHENTIK, Success::Ok)
            }
            Identity::Oauth2Proxy => {
                told[3] = told[0].clone();
                (&OAUTH2_PROXY, Success::Accepted)
            }
            Identity::Vouch => (&VOUCH, Success::Ok),
        };
        // What cannot be said is not said: the application knows nobody rather than somebody else.
        let said = |value| HeaderValue::from_maybe_shared(value).unwrap_or(HeaderValue::from_static(""));
        Reply::let_in(success, reply::Identity { names, values: told.map(said) })
    }
}

/// Whether a browser asks for a page, rather than a script or a program for data.
fn is_for_a_page(headers: &HeaderMap) -> bool {
    if headers.contains_key("x-requested-with") {
        return false;
    }
    let mut accepts = headers.get_all(header::ACCEPT).iter().peekable();
    let names_page = |line: &HeaderValue| {
        let kinds = line.as_bytes().split(|byte| *byte == b',');
        kinds.map(|kind| kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()).any(|kind| {
            [&b"text/html"[..], b"application/xhtml+xml", b"*/*"].iter().any(|page| kind.eq_ignore_ascii_case(page))
        })
    };
    accepts.peek().is_none() || accepts.any(names_page)
}

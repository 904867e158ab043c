//! Answers, before they become HTTP responses.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::failure::{Failure, FieldErrors};
use super::headers::{Hardened, Media};
use super::status::{BareRefusal, Success};
use crate::factors::ProofOption;

/// The response type of the server; its body is one piece in memory.
pub(super) type Response = http::Response<Bytes>;

/// An answer without the headers that every answer gets.
pub(super) struct Reply {
    status: StatusCode,
    media: Media,
    headers: HeaderMap,
    body: Bytes,
    is_shared: bool,
    /// Who is let in, for a reverse proxy: beside the other headers, because with those a map would have to be made for
    /// each answer.
    identity: Option<Identity>,
}

/// The headers that tell an application who makes a request, and what they say.
pub(super) struct Identity {
    pub names: &'static [HeaderName],
    /// Those of the first names; the others are empty.
    pub values: [HeaderValue; 4],
}

/// Marks an answer whose bytes are shared by everybody and stand in memory once.
#[derive(Clone, Copy)]
pub(super) struct IsShared;

/// How long browsers keep a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Keeping {
    /// An hour; then they ask whether it has changed.
    AnHour,
    /// For ever: another content has another name.
    ForEver,
}

const PROBLEM: Media = Media::Other("application/problem+json");

/// Serializes a document of ours.
pub(super) fn to_json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("our own types have string keys and finite numbers").into()
}

impl Reply {
    fn new(status: StatusCode, media: Media, body: impl Into<Bytes>) -> Self {
        Self { status, media, headers: HeaderMap::new(), body: body.into(), is_shared: false, identity: None }
    }

    /// Keeps caches from storing the answer: it was asked for with credentials. Files that are the same for everybody are
    /// kept all the same, or whoever is logged in would load them with each page.
    #[must_use]
    pub(super) fn for_one_person(mut self) -> Self {
        if !self.headers.is_empty() && !self.is_shared {
            self.headers.remove(header::CACHE_CONTROL);
        }
        self
    }

    /// Adds the headers that every answer gets.
    pub(super) fn complete(self, hardened: &Hardened) -> Response {
        self.complete_with(hardened, HeaderMap::new())
    }

    /// The same, reusing a header map that is no longer needed.
    pub(super) fn complete_with(self, hardened: &Hardened, spare: HeaderMap) -> Response {
        let mut response = http::Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = hardened.around(&self.media, self.headers, spare);
        if let Some(Identity { names, values }) = self.identity {
            let nothing = std::iter::repeat(const { HeaderValue::from_static("") });
            for (name, value) in names.iter().zip(values.into_iter().chain(nothing)) {
                response.headers_mut().append(name, value);
            }
        }
        if self.is_shared {
            response.extensions_mut().insert(IsShared);
        }
        response
    }

    /// Whether it is a refusal.
    pub(super) fn is_refusal(&self) -> bool {
        self.status.is_client_error()
    }

    /// A JSON document that was serialized before.
    pub(super) fn ready_json(success: Success, document: Bytes) -> Self {
        Self::new(success.status(), Media::Json, document)
    }

    /// A JSON document.
    pub(super) fn json(success: Success, value: &impl Serialize) -> Self {
        Self::ready_json(success, to_json(value))
    }

    /// `{"status": …}`
    pub(super) fn status(success: Success, word: &'static str) -> Self {
        #[derive(Serialize)]
        struct Status {
            status: &'static str,
        }
        Self::json(success, &Status { status: word })
    }

    /// Success without a body.
    pub(super) fn no_content() -> Self {
        Self::new(Success::NoContent.status(), Media::None, Bytes::new())
    }

    /// A page. Its policy lets our script run if it loads it, and else none.
    pub(super) fn page(html: String) -> Self {
        Self::page_with(Success::Ok.status(), html)
    }

    fn page_with(status: StatusCode, html: String) -> Self {
        /// What stands in a page that loads our script. Nobody else can put it there: values are escaped.
        const LOADS_OURS: &str = "<script src=\"/assets/script-";
        let media = if html.contains(LOADS_OURS) { Media::PageWithScript } else { Media::Page };
        Self::new(status, media, html)
    }

    /// A page that tells that a link has done its work, or never had any.
    pub(super) fn gone_page(html: String) -> Self {
        Self::page_with(BareRefusal::Forbidden.status(), html)
    }

    /// An answer to a reverse proxy: no body, and no headers but these.
    pub(super) fn bare(success: Success, headers: HeaderMap) -> Self {
        Self { headers, ..Self::new(success.status(), Media::Bare, Bytes::new()) }
    }

    /// Tells a reverse proxy whom it lets in.
    pub(super) fn let_in(success: Success, identity: Identity) -> Self {
        Self { identity: Some(identity), ..Self::bare(success, HeaderMap::new()) }
    }

    /// A refusal to a reverse proxy.
    pub(super) fn bare_refusal(refusal: BareRefusal, headers: HeaderMap) -> Self {
        Self { headers, ..Self::new(refusal.status(), Media::Bare, Bytes::new()) }
    }

    /// Refuses a request about which a reverse proxy asks.
    pub(super) fn forbidden() -> Self {
        Self::bare_refusal(BareRefusal::Forbidden, HeaderMap::new())
    }

    /// A page that explains a failure.
    pub(super) fn failed_page(failure: &Failure, html: String) -> Self {
        Self::page_with(failure.explanation().status, html).with_failure_headers(failure)
    }

    /// A redirect to a path of ours, to be fetched with GET.
    pub(super) fn see_other(path: &str) -> Self {
        Self::redirect(Success::SeeOther, path)
    }

    /// A redirect.
    pub(super) fn redirect(success: Success, location: &str) -> Self {
        let mut reply = Self::new(success.status(), Media::None, Bytes::new());
        match HeaderValue::try_from(location) {
            Ok(location) => drop(reply.headers.insert(header::LOCATION, location)),
            // Line breaks in a location cannot become headers: `HeaderValue` refuses them.
            Err(_) => return Self::problem(&Failure::MalformedRequest),
        }
        reply
    }

    /// A file that is the same for everybody.
    pub(super) fn file(kind: &'static str, content: impl Into<Bytes>, keeping: Keeping) -> Self {
        Self::new(Success::Ok.status(), Media::Other(kind), content).kept(keeping)
    }

    /// Tells a browser that the file it has is still the right one.
    pub(super) fn not_modified(keeping: Keeping) -> Self {
        Self::new(Success::NotModified.status(), Media::None, Bytes::new()).kept(keeping)
    }

    fn kept(mut self, keeping: Keeping) -> Self {
        let how = match keeping {
            Keeping::AnHour => "public, max-age=3600",
            Keeping::ForEver => "public, max-age=31536000, immutable",
        };
        self.is_shared = true;
        self.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(how));
        self
    }

    /// Adds the tag of the content, by which a browser asks whether it has changed.
    #[must_use]
    pub(super) fn tagged(mut self, tag: &str) -> Self {
        if let Ok(tag) = HeaderValue::try_from(format!("\"{tag}\"")) {
            self.headers.insert(header::ETAG, tag);
        }
        self
    }

    /// A file to be saved, under this name.
    pub(super) fn download(kind: &'static str, name: &'static str, content: String) -> Self {
        let mut reply = Self::new(Success::Ok.status(), Media::Other(kind), content);
        if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
            reply.headers.insert(header::CONTENT_DISPOSITION, disposition);
        }
        reply
    }

    /// Says where there is more (RFC 8288).
    #[must_use]
    pub(super) fn with_next(mut self, target: &str) -> Self {
        if let Ok(link) = HeaderValue::try_from(format!("<{target}>; rel=\"next\"")) {
            self.headers.insert(header::LINK, link);
        }
        self
    }

    /// Metrics.
    pub(super) fn metrics(text: String) -> Self {
        const KIND: Media = Media::Other("text/plain; version=0.0.4; charset=utf-8");
        Self::new(Success::Ok.status(), KIND, text)
    }

    /// The answer to an ACME challenge (RFC 8555, 8.3).
    pub(super) fn challenge(text: String) -> Self {
        const KIND: Media = Media::Other("application/octet-stream");
        Self::new(Success::Ok.status(), KIND, text)
    }

    /// Plain text.
    pub(super) fn text(content: impl Into<Bytes>) -> Self {
        Self::new(Success::Ok.status(), Media::Other("text/plain; charset=utf-8"), content)
    }

    /// A problem document (RFC 9457).
    pub(super) fn problem(failure: &Failure) -> Self {
        Self::problem_with(failure, None)
    }

    /// A problem document with the secret of a login that goes on, for a program.
    pub(super) fn problem_with(failure: &Failure, pending: Option<&str>) -> Self {
        #[derive(Serialize)]
        struct Problem<'a> {
            r#type: &'static str,
            title: String,
            status: u16,
            detail: String,
            code: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            fields: Option<&'a FieldErrors>,
            #[serde(skip_serializing_if = "Option::is_none")]
            methods: Option<&'a [ProofOption]>,
            #[serde(skip_serializing_if = "Option::is_none")]
            pending: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            done_at: Option<String>,
        }
        let told = failure.explanation();
        let fields = match failure {
            Failure::Invalid(errors) => Some(errors),
            _ => None,
        };
        let methods = match failure {
            Failure::SecondFactorRequired(methods) | Failure::ReauthenticationRequired(methods) => {
                Some(methods.as_slice())
            }
            _ => None,
        };
        let done_at = match failure {
            Failure::TokenUsed(done_at) => Some(done_at.to_string()),
            _ => None,
        };
        let problem = Problem {
            r#type: "about:blank",
            title: told.title().in_english(),
            status: told.status.as_u16(),
            detail: failure.detail().in_english(),
            code: told.code,
            fields,
            methods,
            pending,
            done_at,
        };
        let body = to_json(&problem);
        Self::new(told.status, PROBLEM, body).with_failure_headers(failure)
    }

    fn with_failure_headers(mut self, failure: &Failure) -> Self {
        let headers = &mut self.headers;
        if let Some(seconds) = failure.explanation().retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        match failure {
            // Every 401 names a scheme (RFC 9110, 15.5.2). Bearer, unlike Basic, opens no dialogue in browsers.
            Failure::NotLoggedIn
            | Failure::InvalidCredentials
            | Failure::SecondFactorRequired(_)
            | Failure::WrongCode
            | Failure::LoginOver
            | Failure::ReauthenticationRequired(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Failure::MethodNotAllowed(methods) => {
                if let Ok(methods) = HeaderValue::try_from(methods) {
                    headers.insert(header::ALLOW, methods);
                }
            }
            _ => {}
        }
        self
    }

    /// Adds a cookie.
    #[must_use]
    pub(super) fn with_cookie(mut self, cookie: HeaderValue) -> Self {
        self.headers.append(header::SET_COOKIE, cookie);
        self
    }

    /// Adds cookies.
    #[must_use]
    pub(super) fn with_cookies(self, cookies: impl IntoIterator<Item = HeaderValue>) -> Self {
        cookies.into_iter().fold(self, Self::with_cookie)
    }

    /// Makes the browser delete what it stored of this site (ASVS 5.0, 14.3.1).
    #[must_use]
    pub(super) fn with_data_cleared(mut self) -> Self {
        // Not "cookies": that would clear those of the whole registrable domain, and our device cookie, which keeps
        // guessers from locking its owner out.
        self.headers.insert("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_come_back_is_told_when() {
        for failure in [Failure::Busy, Failure::StorageUnavailable, Failure::OutcomeUnknown] {
            let reply = Reply::problem(&failure);
            assert_eq!(reply.status, 503);
            assert!(reply.headers.contains_key(header::RETRY_AFTER), "{failure:?}");
        }
    }
}

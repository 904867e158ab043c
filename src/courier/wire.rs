//! The protocol of the courier's socket: a greeting with name and version, then one request and one response, each a
//! line of JSON.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use serde::{Deserialize, Serialize};

use crate::crypto::{base64url, from_base64url};

use super::delivery::Outcome;
use super::fetch::FetchError;

/// The first line. A client of another version is told to restart the services.
pub(super) const GREETING: &str = "gatelodge-courier 1";

/// The most bytes of a line: a mail, or a response, in base64.
pub(super) const MAX_LINE_BYTES: u64 = 1 << 20;

/// A request to the courier.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum CourierRequest {
    /// Deliver a mail.
    Deliver {
        /// Its id.
        id: String,
        /// The recipient.
        to: String,
        /// Its bytes, in base64url.
        mail: String,
        /// The time by which certificates are judged, in seconds since 1970.
        now: u64,
        /// The time that it may take, in seconds. The word is the protocol's.
        #[serde(rename = "patience")]
        timeout: u64,
    },
    /// Connect to the mail server and log in, but send nothing.
    Probe {
        /// The time by which certificates are judged, in seconds since 1970.
        now: u64,
        /// The time that it may take, in seconds. The word is the protocol's.
        #[serde(rename = "patience")]
        timeout: u64,
    },
    /// Send a request to a server that the configuration names: a certificate authority, a webhook, a gateway for text
    /// messages.
    Fetch {
        /// The HTTP method.
        method: String,
        /// The URL.
        url: String,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body, in base64url.
        body: String,
        /// The time by which certificates are judged, in seconds since 1970.
        now: u64,
        /// The time that it may take, in seconds. The word is the protocol's.
        #[serde(rename = "patience")]
        timeout: u64,
    },
}

/// The outcome of a request.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum CourierResponse {
    /// A server took the mail.
    Accepted,
    /// It did not, but may later.
    Later(String),
    /// It never will.
    Never(String),
    /// The server's answer to a `Fetch`.
    Answered {
        /// The HTTP status.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body, in base64url.
        body: String,
    },
    /// No answer came.
    Failed(String),
}

impl From<Outcome> for CourierResponse {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accepted => Self::Accepted,
            Outcome::Later(reason) => Self::Later(reason),
            Outcome::Never(reason) => Self::Never(reason),
        }
    }
}

impl From<Result<Response<Bytes>, FetchError>> for CourierResponse {
    fn from(fetched: Result<Response<Bytes>, FetchError>) -> Self {
        match fetched {
            Ok(response) => Self::Answered {
                status: response.status().as_u16(),
                headers: shown(response.headers()),
                body: base64url(response.body()),
            },
            Err(error) => Self::Failed(error.to_string()),
        }
    }
}

/// Returns headers as JSON can hold them; values that are no text are left out.
pub(super) fn shown(headers: &http::HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).ok();
    headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect()
}

fn read(headers: Vec<(String, String)>) -> Option<http::HeaderMap> {
    let pair =
        |(name, value): (String, String)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?));
    headers.into_iter().map(pair).collect()
}

/// Returns a request of these parts, if they form one.
pub(super) fn request(method: &str, url: &str, headers: Vec<(String, String)>, body: &str) -> Option<Request<Bytes>> {
    let mut request = Request::new(from_base64url(body)?.into());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = url.parse().ok()?;
    *request.headers_mut() = read(headers)?;
    Some(request)
}

/// Returns a response of these parts, if they form one.
pub(super) fn response(status: u16, headers: Vec<(String, String)>, body: &str) -> Option<Response<Bytes>> {
    let mut response = Response::new(Bytes::from(from_base64url(body)?));
    *response.status_mut() = status.try_into().ok()?;
    *response.headers_mut() = read(headers)?;
    Some(response)
}

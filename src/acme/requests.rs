//! The transport to the authority: our courier.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use instant_acme::{Account, AccountBuilder, BodyWrapper, BytesResponse, Error, HttpClient};

use crate::base::Timestamp;
use crate::courier::{CallOptions, CourierHandle};

/// Clients must identify themselves (RFC 8555, 6.1).
const WHO: HeaderValue = HeaderValue::from_static(concat!("gatelodge/", env!("CARGO_PKG_VERSION")));

/// Sends ACME requests by a courier.
pub(super) struct Requests {
    courier: Arc<CourierHandle>,
    now: Timestamp,
}

impl Requests {
    pub(super) fn new(courier: Arc<CourierHandle>, now: Timestamp) -> Self {
        Self { courier, now }
    }
}

/// Returns a builder of accounts over this transport.
pub(super) fn builder(requests: Requests) -> AccountBuilder {
    Account::builder_with_http(Box::new(requests))
}

impl HttpClient for Requests {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let (courier, terms) = (self.courier.present(), CallOptions::ordinary(self.now));
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            head.headers.insert(USER_AGENT, WHO);
            let Ok(body) = body.collect().await;
            let fetched = courier.fetch(Request::from_parts(head, body.to_bytes()), terms).await;
            fetched.map(|response| response.map(Full::new).into()).map_err(|error| Error::Other(Box::new(error)))
        })
    }
}

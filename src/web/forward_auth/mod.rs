//! Forward auth: a reverse proxy asks about each request to another application, and is told whether to let it in, and
//! who makes it.
//!
//! The answers are a contract with the proxies: only 2xx lets in; nginx knows 401 and 403 besides, and makes an error of
//! anything else. So there are no others but redirects, whatever goes wrong.

mod answer;
mod credential;
mod decide;
mod endpoint;
mod metadata;

pub(in crate::web) use endpoint::Endpoint;
pub(super) use endpoint::{
    AUTH_REQUEST, AUTHENTIK, AUTHENTIK_ENVOY, AUTHENTIK_NGINX, EXT_AUTHZ, FORWARD_AUTH, OAUTH2_PROXY, TINYAUTH,
    TINYAUTH_ENVOY, TINYAUTH_NGINX, VERIFY, VOUCH,
};
pub(in crate::web) use metadata::Asked;

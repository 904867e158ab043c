//! The endpoints: which proxy asks where, and in which form it is answered.

use crate::config::{AccessAlias, Config};

use super::metadata::Source;

/// An endpoint of forward auth.
pub(in crate::web) struct Endpoint {
    /// Where it reads the original request from.
    pub(super) source: Source,
    /// How it tells that a login would help.
    pub(super) refusal: Refusal,
    /// How it tells who was let in.
    pub(super) identity: Identity,
    /// The program whose endpoint it is; none for our own.
    pub(super) alias: Option<AccessAlias>,
}

impl Endpoint {
    /// Whether it is served: the endpoints of other programs only where they are asked for.
    pub(in crate::web) fn is_served(&self, config: &Config) -> bool {
        self.alias.is_none_or(|alias| config.access.aliases.contains(&alias))
    }
}

/// How a proxy is told that a login would help.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// By a redirect, which the proxy passes on.
    Redirect,
    /// By 401 with the place of the login in `Location`: nginx makes an error of anything else.
    Status,
    /// As [`Refusal::Status`] where `X-Original-URL` is given, else as [`Refusal::Redirect`].
    BySource,
    /// As [`Refusal::Status`], and the place in `x-tinyauth-location` as well.
    TinyauthStatus,
}

/// How an application is told who was let in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Identity {
    /// `Remote-User`, `-Groups`, `-Email`, `-Name`.
    Remote,
    /// `X-authentik-…`, the groups with `|` between them.
    Authentik,
    /// `X-Auth-Request-…`, with 202.
    Oauth2Proxy,
    /// `X-Vouch-…`.
    Vouch,
}

const fn ours(source: Source, refusal: Refusal) -> Endpoint {
    Endpoint { source, refusal, identity: Identity::Remote, alias: None }
}

const fn others(alias: AccessAlias, source: Source, refusal: Refusal, identity: Identity) -> Endpoint {
    Endpoint { source, refusal, identity, alias: Some(alias) }
}

/// `/api/authz/forward-auth`
pub(crate) const FORWARD_AUTH: Endpoint = ours(Source::Forwarded, Refusal::Redirect);
/// `/api/authz/auth-request`
pub(crate) const AUTH_REQUEST: Endpoint = ours(Source::OriginalUrl, Refusal::Status);
/// `/api/authz/ext-authz/{path…}`
pub(crate) const EXT_AUTHZ: Endpoint = ours(Source::Below("/api/authz/ext-authz"), Refusal::Redirect);
/// `/api/verify`
pub(crate) const VERIFY: Endpoint = ours(Source::Either, Refusal::BySource);

/// tinyauth's for Traefik and Caddy.
pub(crate) const TINYAUTH: Endpoint =
    others(AccessAlias::Tinyauth, Source::Forwarded, Refusal::Redirect, Identity::Remote);
/// tinyauth's for nginx.
pub(crate) const TINYAUTH_NGINX: Endpoint =
    others(AccessAlias::Tinyauth, Source::Either, Refusal::TinyauthStatus, Identity::Remote);
/// tinyauth's for Envoy.
pub(crate) const TINYAUTH_ENVOY: Endpoint =
    others(AccessAlias::Tinyauth, Source::PathParameter, Refusal::Redirect, Identity::Remote);
/// Authentik's for Traefik and Caddy.
pub(crate) const AUTHENTIK: Endpoint =
    others(AccessAlias::Authentik, Source::Forwarded, Refusal::Redirect, Identity::Authentik);
/// Authentik's for nginx.
pub(crate) const AUTHENTIK_NGINX: Endpoint =
    others(AccessAlias::Authentik, Source::Either, Refusal::Status, Identity::Authentik);
/// Authentik's for Envoy.
pub(crate) const AUTHENTIK_ENVOY: Endpoint = others(
    AccessAlias::Authentik,
    Source::Below("/outpost.goauthentik.io/auth/envoy"),
    Refusal::Redirect,
    Identity::Authentik,
);
/// oauth2-proxy's.
pub(crate) const OAUTH2_PROXY: Endpoint =
    others(AccessAlias::Oauth2Proxy, Source::Either, Refusal::Status, Identity::Oauth2Proxy);
/// Vouch's.
pub(crate) const VOUCH: Endpoint = others(AccessAlias::Vouch, Source::Either, Refusal::Status, Identity::Vouch);

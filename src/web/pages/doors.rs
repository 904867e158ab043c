//! The way to other applications: back to them after a login, and to those of another domain.

use crate::config::AccessAlias;
use crate::crypto::{Bearer, BearerKind};
use crate::gate::OriginalUrl;
use crate::web::context::Web;
use crate::web::cookies::{CookieNames, DOOR, only};
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::page::with_return;

/// Sends somebody who is logged in to where they wanted to go, with the cookie that they are known by there.
pub(super) async fn go_back(web: &Web, request: &Request, return_to: &str) -> Result<Reply, Failure> {
    let env = web.app.env().clone();
    let access = &env.config.access;
    let secret = web.cookies.session(&request.headers);
    let domain = OriginalUrl::parse(return_to).ok().and_then(|url| access.domain_of(url.host()));
    let (Some(secret), Some(domain)) = (secret, domain) else {
        return Ok(Reply::see_other(if return_to.is_empty() { "/account" } else { return_to }));
    };
    let (Some(cookie), Some(url)) = (&domain.cookie, &domain.url) else { return Ok(Reply::see_other("/account")) };
    web.app.ensure_doors(&secret).await?;
    if access.domains.first() == Some(domain) {
        let Some(caller) = web.app.find_caller(secret.digest()).await? else { return Err(Failure::NotLoggedIn) };
        let cookie = CookieNames::set_door(&secret.door(cookie.as_str()), &caller.session, domain);
        return Ok(Reply::see_other(return_to).with_cookies(cookie));
    }
    let code = web.app.make_door_code(&secret, cookie);
    Ok(Reply::see_other(&with_return(&format!("{}/door/{}", url.origin(), code.expose()), return_to)))
}

/// `GET /door/{code}`: at the portal of another domain.
///
/// It changes something although it is a GET, as whatever ends a redirect between sites must: the code works once, for a
/// minute, and only somebody who is logged in has one.
pub(crate) async fn door(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let env = web.app.env().clone();
    let return_to = web.return_target(request.query("return_to"));
    let host = OriginalUrl::parse(&return_to).map_err(|_| Failure::TokenInvalid)?.host().clone();
    let domain = env.config.access.domain_of(&host).ok_or(Failure::TokenInvalid)?;
    let present = match only(&request.headers, DOOR).and_then(|value| Bearer::digest_of(BearerKind::Door, value)) {
        Some(digest) => web.app.find_door(digest, &host).await?,
        None => None,
    };
    let code = Bearer::digest_of(BearerKind::DoorCode, request.parameter("code")).ok_or(Failure::TokenInvalid)?;
    match (web.app.take_door_code(code, &host).await?, present) {
        // Whoever is here already stays who they are: a link with somebody else's code must not make them another
        // (login CSRF). The page may also have been opened twice.
        (_, Some(_)) => Ok(Reply::see_other(&return_to)),
        (Some((secret, caller)), None) => {
            Ok(Reply::see_other(&return_to).with_cookies(CookieNames::set_door(&secret, &caller.session, domain)))
        }
        (None, None) => Err(Failure::TokenInvalid),
    }
}

/// `GET /outpost.goauthentik.io/start`, `/oauth2/start`, `/oauth2/sign_in`: where configurations for other programs send
/// people to log in. It is often asked for at the application's own host, so it leads to the portal's.
pub(crate) async fn start_elsewhere(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let env = web.app.env().clone();
    let access = &env.config.access;
    if !access.aliases.iter().any(|alias| matches!(alias, AccessAlias::Authentik | AccessAlias::Oauth2Proxy)) {
        return Err(Failure::NotFound);
    }
    let portal = access.domains.iter().find_map(|domain| domain.url.as_ref());
    let site = portal.map_or(env.config.site.url.origin(), |portal| portal.origin());
    Ok(Reply::see_other(&with_return(&format!("{site}/login"), &web.return_target(request.query("rd")))))
}

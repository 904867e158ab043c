//! The way to other applications: back to them after a login, and to those of another domain.

use crate::app::UsedCode;
use crate::config::{AccessAlias, Config};
use crate::crypto::{Bearer, BearerKind};
use crate::gate::OriginalUrl;
use crate::templates::context;
use crate::web::context::Web;
use crate::web::cookies::{CookieNames, DOOR, only};
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::page::{render, with_return};

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
    let code = web.app.make_door_code(&secret, cookie, &request.client());
    Ok(Reply::see_other(&with_return(&format!("{}/door/{}", url.origin(), code.expose()), return_to)))
}

/// `GET /door/{code}`: at the portal of another domain.
///
/// It changes something although it is a GET, as whatever ends a redirect between sites must: the code works once, for a
/// minute, and only somebody who is logged in has one.
pub(crate) async fn door(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let return_to = web.return_target(request.query("return_to"));
    pass(web, request, &return_to, false).await
}

/// `POST /door/{code}`: somebody agrees to be known at the other domain as the person whose code it is.
pub(crate) async fn agree(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let typed = fields.typed(&["return_to"]);
    pass(web, request, &web.return_target(typed.get("return_to").map(String::as_str)), true).await
}

async fn pass(web: &Web, request: &Request, return_to: &str, agreed: bool) -> Result<Reply, Failure> {
    let env = web.app.env().clone();
    let url = OriginalUrl::parse(return_to).ok();
    let Some((host, domain)) =
        url.as_ref().and_then(|url| Some((url.host(), env.config.access.domain_of(url.host())?)))
    else {
        return Err(Failure::NotFound);
    };
    if let Some(present) = only(&request.headers, DOOR).and_then(|value| Bearer::digest_of(BearerKind::Door, value))
        && web.app.find_door(present, host).await?.is_some()
    {
        // Whoever is here already stays who they are, and the page may have been opened twice.
        return Ok(Reply::see_other(return_to));
    }
    let code = Bearer::digest_of(BearerKind::DoorCode, request.parameter("code"));
    let used = match code {
        Some(code) => web.app.use_door_code(code, host, &request.client(), agreed).await?,
        None => None,
    };
    Ok(match used {
        Some(UsedCode::Opens(secret, caller)) => {
            Reply::see_other(return_to).with_cookies(CookieNames::set_door(&secret, &caller.session, domain))
        }
        Some(UsedCode::Asks(caller)) => {
            let person = &caller.person;
            let name = person.username.as_ref().map(|name| name.as_str());
            let name = name.or(person.email.as_ref().map(|email| email.shown.as_str())).unwrap_or_default();
            let values = context! { host => host.as_str(), name, return_to, code => request.parameter("code") };
            Reply::page(render(web, &request.viewer, "door.html", values))
        }
        None => {
            let login = with_return(&format!("{}/login", site(&env.config)), return_to);
            Reply::gone_page(render(web, &request.viewer, "door-shut.html", context! { host => host.as_str(), login }))
        }
    })
}

/// Returns where people log in.
fn site(config: &Config) -> &str {
    let portal = config.access.domains.iter().find_map(|domain| domain.url.as_ref());
    portal.map_or(config.site.url.origin(), |portal| portal.origin())
}

/// `GET /outpost.goauthentik.io/start`, `/oauth2/start`, `/oauth2/sign_in`: where configurations for other programs send
/// people to log in. It is often asked for at the application's own host, so it leads to the portal's.
pub(crate) async fn start_elsewhere(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let env = web.app.env().clone();
    let access = &env.config.access;
    if !access.aliases.iter().any(|alias| matches!(alias, AccessAlias::Authentik | AccessAlias::Oauth2Proxy)) {
        return Err(Failure::NotFound);
    }
    // Often a path alone, of the application at whose host it is asked for; oauth2-proxy is told by a header.
    let header = || request.headers.get("x-auth-request-redirect").and_then(|value| value.to_str().ok());
    let wanted = request.query("rd").or_else(header).unwrap_or_default();
    let host = request.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = request.headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok()).unwrap_or("https");
    let joined = format!("{scheme}://{host}{wanted}");
    let wanted = if wanted.starts_with('/') { joined.as_str() } else { wanted };
    Ok(Reply::see_other(&with_return(&format!("{}/login", site(&env.config)), &web.return_target(Some(wanted)))))
}

//! The first page, and the health checks.

use crate::admin::answers::Readiness;
use crate::admin::readiness;
use crate::web::context::Web;
use crate::web::cookies::CookieNames;
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::status::Success;

/// `GET /`
pub(crate) async fn home(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let path = if web.caller(&request.headers).await?.is_some() { "/account" } else { "/login" };
    Ok(Reply::see_other(path))
}

/// `GET /healthz`. With the word that `gatelodge doctor` waits for, it records how the request arrived.
pub(crate) fn health(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let reply = Reply::text("ok");
    let Some(word) = request.query("probe") else { return Ok(reply) };
    if !web.app.note_probe(word, || request.arrival()) {
        return Ok(reply);
    }
    let env = web.app.env();
    let domains = env.config.access.domains.iter();
    let for_domains = domains.filter_map(|domain| CookieNames::set_domain_probe(word, domain));
    Ok(reply.with_cookie(web.cookies.set_probe(word)).with_cookies(for_domains))
}

/// `GET /readyz`: whether people can be served. The details are for this machine and for administrators only.
pub(crate) async fn ready(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let health = web.app.health().await;
    let (success, word) =
        if health.is_ready() { (Success::Ok, Readiness::READY) } else { (Success::NotReady, Readiness::NOT_READY) };
    let is_told = request.is_from_this_machine()
        || web.caller(&request.headers).await.ok().flatten().is_some_and(|caller| caller.administers());
    Ok(if is_told { Reply::json(success, &readiness(&health)) } else { Reply::status(success, word) })
}

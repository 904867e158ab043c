//! Files that pages load, and those that browsers and programs look for at places of their own.

use http::header;

use crate::base::{DAY, Seconds};
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::look::Asset;
use crate::web::reply::{Keeping, Reply};
use crate::web::request::Request;
use crate::web::status::Success;

fn file(request: &Request, asset: &Asset, keeping: Keeping) -> Reply {
    let is_it = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"') == asset.tag;
    let mut known = request.headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let reply = if known.any(|tags| tags.split(',').any(is_it)) {
        Reply::not_modified(keeping)
    } else {
        Reply::file(asset.media_type, asset.bytes.clone(), keeping)
    };
    reply.tagged(&asset.tag)
}

/// `GET /assets/{name}`: under a name that holds the digest of its content, a file may be kept for ever.
pub(crate) fn asset(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let (look, name) = (web.look.load(), request.parameter("name"));
    match (look.named(name), look.present_name(name)) {
        (Some(asset), _) => Ok(file(request, asset, Keeping::ForEver)),
        (None, Some(present)) => Ok(Reply::redirect(Success::Found, &format!("/assets/{present}"))),
        (None, None) => Err(Failure::NotFound),
    }
}

/// `GET /static/{*path}`: a file of the house's own.
pub(crate) fn house_file(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let look = web.look.load();
    look.below_static(request.parameter("path"))
        .map(|asset| file(request, asset, Keeping::AnHour))
        .ok_or(Failure::NotFound)
}

/// `GET /assets/style.css`: the same for templates of an administrator, which cannot know the digest.
pub(crate) fn style(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(file(request, &web.look.load().style, Keeping::AnHour))
}

/// `GET /favicon.ico`, `GET /assets/icon.svg`
pub(crate) fn icon(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(file(request, &web.look.load().icon, Keeping::AnHour))
}

/// `GET /apple-touch-icon.png`
pub(crate) fn touch_icon(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(file(request, &web.look.load().touch_icon, Keeping::AnHour))
}

/// `GET /robots.txt`: nothing here is for search engines.
pub(crate) fn robots(_: &Web, _: &Request) -> Result<Reply, Failure> {
    Ok(Reply::text("User-agent: *\nDisallow: /\n"))
}

/// `GET /.well-known/security.txt`: whom to tell of a weakness (RFC 9116), where that is known.
pub(crate) fn security(web: &Web, _: &Request) -> Result<Reply, Failure> {
    let env = web.app.env();
    let site = &env.config.site;
    let contact = site.contact.as_ref().ok_or(Failure::NotFound)?;
    // Whoever finds an old copy should look again: the contact may be another by then.
    let expires = web.app.now().plus(VALID_FOR);
    let url = site.url.origin();
    Ok(Reply::text(format!("Contact: {contact}\nExpires: {expires}\nCanonical: {url}/.well-known/security.txt\n")))
}

/// A month; RFC 9116, 2.5.5 recommends less than a year.
const VALID_FOR: Seconds = 30 * DAY;

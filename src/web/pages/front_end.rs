//! Mailed links at a site whose pages are those of a front end.

use crate::app::Fault;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// A fault of ours or a refusal, whichever it is.
pub fn flatten<T, E: Into<Failure>>(checked: Result<Result<T, E>, Fault>) -> Result<T, Failure> {
    checked?.map_err(Into::into)
}

/// Where a mailed link leads on, with `spa.url`: to the front end's page of this path, with the token if it works, else with the
/// code of what is wrong. Nothing else goes there, and nobody's address.
pub fn lead_on(web: &Web, page: &str, token: &str, failure: Option<&Failure>) -> Option<Reply> {
    let env = web.app.env();
    let url = env.config.spa.url.as_ref()?;
    let word = failure.map_or(("token", token), |failure| ("error", failure.explanation().code));
    Some(Reply::see_other(&url.link(page, word)))
}

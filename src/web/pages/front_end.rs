//! Mailed links of a site whose pages belong to a front end.

use crate::app::Fault;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// Turns a fault and a refusal alike into a failure.
pub(super) fn flatten<T, E: Into<Failure>>(checked: Result<Result<T, E>, Fault>) -> Result<T, Failure> {
    checked?.map_err(Into::into)
}

/// Redirects a mailed link to the page of this path at `spa.url`, if that is set: with the token if it is valid, else
/// with the code of the error. No address is passed on.
pub(super) fn lead_on(web: &Web, page: &str, token: &str, failure: Option<&Failure>) -> Option<Reply> {
    let env = web.app.env();
    let url = env.config.spa.url.as_ref()?;
    let word = failure.map_or(("token", token), |failure| ("error", failure.explanation().code));
    Some(Reply::see_other(&url.link(page, word)))
}

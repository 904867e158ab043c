//! Choosing a language.

use crate::texts::Language;
use crate::web::context::Web;
use crate::web::failure::{Failure, FieldErrors};
use crate::web::fields::Fields;
use crate::web::request::Request;

/// Takes the language that was chosen: one of those of the site, or none.
pub(crate) fn chosen_language(web: &Web, mut fields: Fields) -> Result<Option<Language>, Failure> {
    let values = (fields.language(),);
    let (tag,) = fields.finish(values)?;
    let Some(tag) = tag else { return Ok(None) };
    let language = Language::parse(&tag).ok();
    let offered = language.and_then(|language| web.app.env().languages.find(language.as_str()).cloned());
    offered.map(Some).ok_or_else(|| FieldErrors::of("language", "not_a_language").into())
}

/// Notes in which language the owner of an account reads.
pub(crate) async fn change_language(web: &Web, request: &Request, fields: Fields) -> Result<(), Failure> {
    let language = chosen_language(web, fields)?;
    Ok(web.app.choose_language(request.caller()?, language, request.client()).await?)
}

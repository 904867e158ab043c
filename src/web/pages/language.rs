//! The form at the foot of every page that chooses its language.

use crate::web::access::{Access, Admission};
use crate::web::context::Web;
use crate::web::failure::{Failure, FieldErrors};
use crate::web::operations;
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::return_to::safe_path;

/// `POST /language`: this browser remembers the language, and so does the account of whoever is logged in.
pub(crate) async fn choose_language(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let fields = request.form()?;
    let typed = fields.typed(&["return_to"]);
    let language = operations::chosen_language(web, fields)?;
    let language = language.ok_or_else(|| FieldErrors::of("language", "required"))?;
    let admission = Admission { access: Access::Enrolling, fresh: false, scope: None };
    match web.let_in(&request.headers, admission, request.network).await {
        Ok(Some(caller)) => web.app.choose_language(&caller, Some(language.clone()), request.client()).await?,
        // For a stranger, the cookie is all there is.
        Ok(None) | Err(Failure::NotLoggedIn) => {}
        Err(failure) => return Err(failure),
    }
    let back = typed.get("return_to").and_then(|path| safe_path(path)).unwrap_or("/");
    Ok(Reply::see_other(back).with_cookie(web.cookies.set_language(&language)))
}

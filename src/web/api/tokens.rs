//! The caller's own API tokens and application passwords.

use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations;
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::status::Success;

/// `GET /account/tokens`
pub(crate) async fn tokens(web: &Web, request: &Request) -> Result<Reply, Failure> {
    request.takes_only(&[])?;
    Ok(Reply::json(Success::Ok, &operations::tokens(web, request).await?))
}

/// `POST /account/tokens`
pub(crate) async fn make_token(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(Reply::json(Success::Ok, &operations::make_token(web, request, request.json()?).await?))
}

/// `DELETE /account/tokens/{id}`
pub(crate) async fn revoke_token(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::revoke_token(web, request).await?;
    Ok(Reply::no_content())
}

/// `GET /account/app-passwords`
pub(crate) async fn app_passwords(web: &Web, request: &Request) -> Result<Reply, Failure> {
    request.takes_only(&[])?;
    Ok(Reply::json(Success::Ok, &operations::app_passwords(web, request).await?))
}

/// `POST /account/app-passwords`
pub(crate) async fn make_app_password(web: &Web, request: &Request) -> Result<Reply, Failure> {
    Ok(Reply::json(Success::Created, &operations::make_app_password(web, request, request.json()?).await?))
}

/// `DELETE /account/app-passwords/{id}`
pub(crate) async fn revoke_app_password(web: &Web, request: &Request) -> Result<Reply, Failure> {
    operations::revoke_app_password(web, request).await?;
    Ok(Reply::no_content())
}

//! What administrators ask for.

use serde_json::Value;

use crate::admin::{self, Command};
use crate::web::Web;
use crate::web::failure::Failure;
use crate::web::request::Request;

/// Carries a command out in the caller's name.
pub async fn carry_out(web: &Web, request: &Request, command: Command) -> Result<Value, Failure> {
    Ok(admin::execute(&web.app, command, &request.caller()?.into()).await?)
}

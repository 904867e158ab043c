//! Rate limits that are in use, and lifting them.

use crate::admin::answers::{Page, RateLimit};
use crate::admin::{Command, command};
use crate::templates::{Value, context};
use crate::web::context::Web;
use crate::web::failure::{Failure, FieldErrors};
use crate::web::operations::{carry_out, read_answer};
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::shell::{ROWS, again, given, is_told_on_page, present, show, with_query};

/// The template.
const PAGE: &str = "admin-limits.html";

async fn values(web: &Web, request: &Request) -> Result<Value, Failure> {
    let after = given(request, "after").map(str::to_owned);
    let wanted = Command::ThrottleList(command::Page { after, limit: ROWS });
    let Page { items, next } = read_answer::<Page<RateLimit>>(web, request, wanted).await?;
    let more = next.map(|next| with_query("/admin/limits", &[("after", Some(&next))])).unwrap_or_default();
    let voice = web.voice(&request.viewer);
    let row = |limit: &RateLimit| {
        let wait = match limit.next_in_seconds {
            0 => String::new(),
            seconds => voice.wait(seconds),
        };
        context! { limit => present(web, request, limit), wait }
    };
    let limits: Vec<Value> = items.iter().map(row).collect();
    Ok(context! { limits, more })
}

/// `GET /admin/limits`
pub(crate) async fn limits(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, PAGE, values(web, request).await?)
}

/// `GET /admin/limits/lift`
pub(crate) async fn ask_lift(web: &Web, request: &Request) -> Result<Reply, Failure> {
    show(web, request, "admin-sure.html", context! { act => "lift", subject => "", id => "" })
}

/// `POST /admin/limits/lift`: those of whoever is named, or with `everybody` all.
pub(crate) async fn lift(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let lifted = match read(request) {
        Ok(who) => carry_out(web, request, Command::ThrottleLift { who }).await,
        Err(failure) => Err(failure),
    };
    match lifted {
        Ok(_) => Ok(Reply::see_other("/admin/limits?notice=limits-lifted")),
        Err(failure) if is_told_on_page(&failure) => again(web, request, &failure, (PAGE, values(web, request).await?)),
        Err(failure) => Err(failure),
    }
}

fn read(request: &Request) -> Result<Option<String>, Failure> {
    let mut fields = request.form()?;
    let values = (fields.optional("who"), fields.flag("everybody"));
    match fields.finish(values)? {
        (None, false) => Err(FieldErrors::of("who", "required").into()),
        (who, false) => Ok(who),
        (_, true) => Ok(None),
    }
}

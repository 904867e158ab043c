//! The state of the appliance at a glance, its webhooks, and its configuration.

use serde_json::Value as Document;

use crate::admin::answers::{Overview, Page, Webhook};
use crate::admin::{Command, command};
use crate::app::DiskSpace;
use crate::base::ClockState;
use crate::templates::{Value, context};
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations::{carry_out, read_answer};
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::shell::{present, readable, show, then};

/// `GET /admin`
pub(crate) async fn overview(web: &Web, request: &Request) -> Result<Reply, Failure> {
    // The help desk has this one page.
    if !request.caller()?.person.account.is_administrator() {
        return Ok(Reply::see_other("/admin/people"));
    }
    let overview: Overview = read_answer(web, request, Command::Overview).await?;
    let (has_room, is_sure) = (overview.disk == DiskSpace::Plenty, overview.clock.state == ClockState::Sure);
    show(web, request, "admin.html", context! { overview => present(web, request, &overview), has_room, is_sure })
}

/// `GET /admin/webhooks`
pub(crate) async fn webhooks(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let Page { items, .. } = read_answer::<Page<Webhook>>(web, request, Command::WebhookList).await?;
    show(web, request, "admin-webhooks.html", context! { webhooks => present(web, request, &items) })
}

/// `POST /admin/webhooks/{name}/retry`
pub(crate) async fn retry_webhook(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let name = request.parameter("name").to_owned();
    then(web, request, Command::WebhookRetry(command::Webhook { name }), "/admin/webhooks?notice=webhook-retried").await
}

/// `GET /admin/configuration`
pub(crate) async fn configuration(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let document = carry_out(web, request, Command::Configuration).await?;
    let section = |(name, settings): (&String, &Document)| {
        let mut lines = Vec::new();
        flatten("", settings, &mut lines);
        context! { name, settings => lines }
    };
    let sections: Vec<Value> = document.as_object().into_iter().flatten().map(section).collect();
    show(web, request, "admin-configuration.html", context! { sections })
}

/// Lists settings as keys and values; what is not set has no value.
fn flatten(prefix: &str, value: &Document, lines: &mut Vec<Value>) {
    match value {
        Document::Object(members) => {
            for (name, member) in members {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&key, member, lines);
            }
        }
        Document::Null => lines.push(context! { key => prefix, value => "" }),
        Document::String(text) => lines.push(context! { key => prefix, value => readable(text) }),
        other => lines.push(context! { key => prefix, value => readable(&other.to_string()) }),
    }
}

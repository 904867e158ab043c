//! Sends events to webhooks.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request};

use crate::config::{Webhook, read_text};
use crate::webhooks::{Signer, Told, WebhookEvent};

use super::{CallOptions, Courier};

const OUR_NAME: &str = concat!("gatelodge/", env!("CARGO_PKG_VERSION"));

/// Sends an event to its server, and returns how it was taken.
pub async fn tell(courier: &Courier, hook: &Webhook, event: &WebhookEvent, terms: CallOptions) -> Told {
    let request = match prepared(hook, event, terms) {
        Ok(request) => request,
        Err(reason) => return Told::Later(reason),
    };
    match courier.fetch(request, terms).await {
        Ok(response) => judge(response.status().as_u16()),
        Err(error) => Told::Later(error.to_string()),
    }
}

fn prepared(hook: &Webhook, event: &WebhookEvent, terms: CallOptions) -> Result<Request<Bytes>, String> {
    let url = hook.url.as_ref().ok_or("it has no url")?;
    let path = hook.secret_file.as_ref().ok_or("it has no secret: set secret_file")?;
    let text = read_text(path).map_err(|fault| format!("{}: {fault}", path.display()))?;
    let signer = Signer::parse(&text).map_err(|fault| format!("{}: {}", path.display(), fault.in_words()))?;
    Request::builder()
        .method(Method::POST)
        .uri(url.to_string())
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, OUR_NAME)
        .header("webhook-id", &event.id)
        .header("webhook-timestamp", terms.now.seconds())
        .header("webhook-signature", signer.sign(event, terms.now))
        .body(event.body.clone().into())
        .map_err(|error| error.to_string())
}

/// Judges the answer. A fault of the event itself stays; anything else may be mended.
fn judge(status: u16) -> Told {
    let said = format!("it answered {status}");
    match status {
        200..=299 => Told::Taken,
        300..=399 => Told::Later(format!("{said}; redirects are not followed")),
        400 | 410 | 413 | 422 => Told::Never(said),
        _ => Told::Later(said),
    }
}

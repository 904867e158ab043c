//! Sends text messages by whatever gateway the configuration describes.

use std::path::Path;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request};

use crate::base::PhoneNumber;
use crate::config::{Sms, SmsMethod, Unreadable, read_text};

use super::delivery::Outcome;
use super::{CallOptions, Courier};

/// Sends a text message through a gateway.
pub async fn send_text(courier: &Courier, sms: &Sms, message: (&PhoneNumber, &str), terms: CallOptions) -> Outcome {
    let request = match prepared(sms, message) {
        Ok(request) => request,
        Err(reason) => return Outcome::Later(reason),
    };
    match courier.fetch(request, terms).await {
        Ok(response) => judge(response.status().as_u16()),
        Err(error) => Outcome::Later(error.to_string()),
    }
}

fn prepared(sms: &Sms, (to, text): (&PhoneNumber, &str)) -> Result<Request<Bytes>, String> {
    let url = sms.url.as_ref().ok_or("there is no gateway: write its url in [sms]")?;
    let method = match sms.method {
        SmsMethod::Post => Method::POST,
        SmsMethod::Put => Method::PUT,
        SmsMethod::Get => Method::GET,
    };
    let url = filled(&url.to_string(), "application/x-www-form-urlencoded", to.as_str(), text);
    let mut request = Request::builder().method(method).uri(url);
    let body = if sms.method == SmsMethod::Get {
        String::new()
    } else {
        request = request.header(CONTENT_TYPE, &sms.content_type);
        filled(&sms.body, &sms.content_type, to.as_str(), text)
    };
    for (name, value) in credentials(sms)? {
        request = request.header(name, value);
    }
    request.body(body.into()).map_err(|error| error.to_string())
}

/// Returns the body with number and text filled in, escaped as its content type needs.
fn filled(body: &str, content_type: &str, to: &str, text: &str) -> String {
    let escaped = |value: &str| match content_type {
        "application/json" => {
            let quoted = serde_json::Value::from(value).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        }
        "application/x-www-form-urlencoded" => form_urlencoded::byte_serialize(value.as_bytes()).collect(),
        _ => value.to_owned(),
    };
    // Filled in one pass: a text that contains `{{to}}` is not expanded again.
    let mut filled = String::new();
    let mut rest = body;
    while let Some((before, behind)) = rest.split_once("{{") {
        filled.push_str(before);
        let (name, after) = behind.split_once("}}").unwrap_or((behind, ""));
        match name.trim() {
            "to" => filled.push_str(&escaped(to)),
            "text" => filled.push_str(&escaped(text)),
            _ => {}
        }
        rest = after;
    }
    filled + rest
}

/// Checks that the file with the gateway's credentials can be used.
pub fn try_credentials(path: &Path) -> Result<(), Unreadable> {
    headers(&read_text(path)?).map(drop)
}

fn credentials(sms: &Sms) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let Some(path) = &sms.credentials_file else { return Ok(vec![]) };
    let headers = read_text(path).and_then(|text| headers(&text));
    headers.map_err(|fault| format!("{}: {fault}", path.display()))
}

fn headers(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, Unreadable> {
    let header = |(at, line): (usize, &str)| {
        let wrong = |reason: &str| {
            let place = Some((at + 1, 1));
            Unreadable {
                place,
                ..Unreadable::saying(reason, "write one header to a line, like Authorization: Bearer …")
            }
        };
        let (name, value) = line.split_once(':').ok_or_else(|| wrong("a line is no header"))?;
        let name =
            HeaderName::try_from(name.trim()).map_err(|_| wrong("the name of a header holds something strange"))?;
        let mut value = HeaderValue::try_from(value.trim())
            .map_err(|_| wrong("the value of a header holds a control character"))?;
        value.set_sensitive(true);
        Ok((name, value))
    };
    text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()).map(header).collect()
}

/// Judges the gateway's answer. A fault of the message stays; anything else, wrong credentials too, may be mended.
fn judge(status: u16) -> Outcome {
    let said = format!("the gateway answered {status}");
    match status {
        200..=299 => Outcome::Accepted,
        400 | 404 | 410 | 413 | 422 => Outcome::Never(said),
        _ => Outcome::Later(said),
    }
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn what_is_put_in_is_escaped_as_the_body_asks_for() {
        let text = "Your code: \"1\" & 2 {{ to }}";
        let json = filled(r#"{"n":"{{ to }}","t":"{{text}}"}"#, "application/json", "+491", text);
        let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((&read["n"], &read["t"]), (&"+491".into(), &text.into()));
        let form = filled("To={{ to }}&Body={{ text }}", "application/x-www-form-urlencoded", "+491", text);
        assert_eq!(form, "To=%2B491&Body=Your+code%3A+%221%22+%26+2+%7B%7B+to+%7D%7D");
        assert_eq!(filled("{{ to }}: {{ text }}", "text/plain", "+491", "x"), "+491: x");
    }
}

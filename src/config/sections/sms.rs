//! `[sms]`: how text messages leave.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::TargetUrl;

/// The request by which a gateway sends a text message.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum SmsMethod {
    /// `POST`
    #[default]
    #[serde(rename = "POST")]
    Post,
    /// `PUT`
    #[serde(rename = "PUT")]
    Put,
    /// `GET`, without a body: number and text stand in the URL.
    #[serde(rename = "GET")]
    Get,
}

/// `[sms]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sms {
    /// The gateway, perhaps with `{{to}}` and `{{text}}` in its query; without, no text messages are sent.
    pub url: Option<TargetUrl>,
    /// The method of the request.
    pub method: SmsMethod,
    /// The type of the body, which determines how values put into it are escaped.
    pub content_type: String,
    /// The body, with `{{ to }}` and `{{ text }}`.
    pub body: String,
    /// A file with further headers, one to a line: `Authorization: Bearer …`.
    pub credentials_file: Option<PathBuf>,
    /// Whether it may be on this machine or in a private network.
    pub private: bool,
    /// A private CA, trusted for this server alone.
    pub ca_file: Option<PathBuf>,
}

impl Sms {
    /// Whether a message says to whom it is, and what.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let url = self.url.as_ref().map(ToString::to_string).unwrap_or_default();
        let body = if self.method == SmsMethod::Get { "" } else { &self.body };
        let template = format!("{url} {body}").replace(' ', "");
        template.contains("{{to}}") && template.contains("{{text}}")
    }
}

impl Default for Sms {
    fn default() -> Self {
        Self {
            url: None,
            method: SmsMethod::Post,
            content_type: "application/json".into(),
            body: r#"{"to": "{{ to }}", "text": "{{ text }}"}"#.into(),
            credentials_file: None,
            private: false,
            ca_file: None,
        }
    }
}

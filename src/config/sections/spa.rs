//! `[spa]`: front ends on other origins.

use serde::{Deserialize, Serialize};

use crate::base::MINUTE;
use crate::config::site_url::listed_origins;
use crate::config::{FrontEndUrl, SiteUrl, Span};

/// `[spa]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spa {
    /// The front end whose pages mailed links lead to in the end; without it, ours.
    pub url: Option<FrontEndUrl>,
    /// The origins whose scripts may use the API, besides this site's own.
    #[serde(deserialize_with = "listed_origins")]
    pub origins: Vec<SiteUrl>,
    /// How long an access token is valid that a refresh token renews.
    pub access: Span,
}

impl Default for Spa {
    fn default() -> Self {
        Self { url: None, origins: vec![], access: Span::from_seconds(15 * MINUTE) }
    }
}

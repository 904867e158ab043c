//! `[site]`: what the site is called, and where.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::SiteUrl;

/// `[site]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The name, shown on pages and in mails.
    #[serde(default = "default_site_name")]
    pub name: String,
    /// The site's URL, the only source of links in mails and redirects.
    pub url: SiteUrl,
    /// The folder of templates that replace the built-in ones of the same name.
    #[serde(default)]
    pub templates: Option<PathBuf>,
}

fn default_site_name() -> String {
    "Gatelodge".into()
}

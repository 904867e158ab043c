//! `[site]`: what the site is called, and where.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::SiteUrl;
use crate::texts::{Language, TimeZone, built_in_languages};

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
    /// The language of whoever has chosen none, and asks for none of those below.
    #[serde(default = "Language::english")]
    pub language: Language,
    /// The languages that people may choose from.
    #[serde(default = "default_languages")]
    pub languages: Vec<Language>,
    /// The folder of texts that replace the built-in ones, or add a language: `de.toml`.
    #[serde(default)]
    pub texts: Option<PathBuf>,
    /// The time zone in which times are shown.
    #[serde(default = "TimeZone::utc")]
    pub time_zone: TimeZone,
}

fn default_languages() -> Vec<Language> {
    built_in_languages().collect()
}

fn default_site_name() -> String {
    "Gatelodge".into()
}

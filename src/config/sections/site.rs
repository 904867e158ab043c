//! `[site]`: what the site is called, and where.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::{Accent, Contact, SiteLink, SiteUrl};
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
    /// The colour of links and buttons.
    #[serde(default)]
    pub accent: Accent,
    /// The picture at the top of pages, in place of the name.
    #[serde(default)]
    pub logo: Option<PathBuf>,
    /// The picture that browsers show beside the title.
    #[serde(default)]
    pub icon: Option<PathBuf>,
    /// The folder of files that are served below `/static/`.
    #[serde(default, rename = "static")]
    pub static_files: Option<PathBuf>,
    /// How people reach those who run the site.
    #[serde(default)]
    pub contact: Option<Contact>,
    /// The page that says who runs the site.
    #[serde(default)]
    pub imprint: Option<SiteLink>,
    /// The page that says what becomes of data about people.
    #[serde(default)]
    pub privacy: Option<SiteLink>,
}

fn default_languages() -> Vec<Language> {
    built_in_languages().collect()
}

fn default_site_name() -> String {
    "Gatelodge".into()
}

//! The page templates: those built in, and those of the administrator that replace them.

use std::path::Path;

use crate::base::Packed;
use crate::config::Config;
use crate::templates::{TemplateError, Templates};

/// The built-in pages: the files in `templates`.
const BUILT_IN: Packed = Packed(include_bytes!(concat!(env!("OUT_DIR"), "/pages.lz4")));

/// Returns the names of the page templates, and the errors in those that replace them from a folder.
#[must_use]
pub fn try_pages(folder: &Path) -> (Vec<String>, Vec<TemplateError>) {
    Templates::try_folder(BUILT_IN, folder)
}

pub(super) fn load(config: &Config) -> Result<Templates, TemplateError> {
    Templates::load(BUILT_IN, config.site.templates.as_deref())
}

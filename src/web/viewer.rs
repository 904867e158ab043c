//! Who looks at a page: in which language, and where.

use http::{HeaderValue, header};

use crate::texts::Language;

use super::reply::Response;

/// Somebody who looks at a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Viewer {
    /// Their language; none for programs, which are told everything in English.
    pub language: Option<Language>,
    /// The path of the page, and its query: where they go on after they have chosen another language. Empty where there
    /// is no way back, so that none can be chosen.
    pub here: String,
}

impl Viewer {
    /// Says in which language a page is, and that it depends on what the request said of languages.
    pub(super) fn label(&self, response: &mut Response) {
        let headers = response.headers_mut();
        let is_html = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let tag = self.language.as_ref().and_then(|language| HeaderValue::try_from(language.as_str()).ok());
        if let Some(tag) = tag.filter(|_| is_html) {
            headers.insert(header::CONTENT_LANGUAGE, tag);
            headers.append(header::VARY, HeaderValue::from_static("Accept-Language, Cookie"));
        }
    }
}
